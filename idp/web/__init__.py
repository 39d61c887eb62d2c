"""What clients and browsers see: routes, forms, responses. A view parses, calls one function and answers.

`oauth/` the protocol endpoints and consent; `account/` registration, sign-in and the customer's pages; `staff/` the desk;
`api/` the same for tools of staff; `ops/` health and the development mailbox. `context` finds the provider;
`browser_session` knows who is signed in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

    from idp.provider import Provider


def mount(app: Flask, provider: Provider) -> None:
    """Hang every face of the provider into the application."""
    from idp.web import api, brand, browser_session, content_policy, csrf, language, pages, problems, staff
    from idp.web.account import (
        confirm,
        dashboard,
        data,
        device_transfers,
        devices,
        email,
        email_links,
        forgot,
        help_page,
        interests,
        old_portal,
        profile,
        register,
        security,
        sign_in,
        sites,
        terms,
        unlock,
    )
    from idp.web.cross_origin import CrossOrigin
    from idp.web.edge import Edge
    from idp.web.forms import FormRequest
    from idp.web.front import Front
    from idp.web.oauth import (
        authorize,
        check_session,
        client_registration,
        discovery,
        introspect,
        jwks,
        logout,
        revoke,
        token,
        userinfo,
    )
    from idp.web.ops import health, mailbox

    app.extensions["idp"] = provider
    app.request_class = FormRequest
    language.install(app)
    problems.install(app, provider)
    csrf.install(app, provider)
    pages.install(app, provider)
    content_policy.install(app)
    browser_session.install(app)
    for room in (
        dashboard,
        register,
        confirm,
        sign_in,
        forgot,
        email,
        email_links,
        unlock,
        old_portal,
        profile,
        data,
        devices,
        device_transfers,
        sites,
        security,
        help_page,
        interests,
        terms,
    ):
        app.register_blueprint(room.blueprint)
    terms.install(app)
    for endpoint in (authorize, logout, discovery, jwks, token, userinfo, introspect, revoke):
        app.register_blueprint(endpoint.blueprint)
    app.register_blueprint(client_registration.management)
    if provider.settings.clients.registration != "closed":
        app.register_blueprint(client_registration.blueprint)
    if provider.settings.is_https:
        app.register_blueprint(check_session.blueprint)
    staff.install(app)
    api.install(app)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(mailbox.blueprint)
    app.register_blueprint(brand.blueprint)
    readable = CrossOrigin(app.wsgi_app, provider.clients)
    front = Front(app, readable, provider) if provider.settings.server.front else None
    if front is not None:
        app.extensions["idp_front"] = front
    app.wsgi_app = Edge(readable, provider.settings, front)  # type: ignore[method-assign]
