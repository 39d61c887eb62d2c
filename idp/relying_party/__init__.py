"""The kit for sibling sites: sign-in, a 12-hour refresh cookie, the live approval status, single sign-out.

    from flask import Flask
    from idp.relying_party import Site

    app = Flask(__name__)
    site = Site(app, issuer="https://id.example.com", client_id="library", client_secret=SECRET, secret_key=KEY)

    @app.get("/manuals")
    @site.approved_required
    def manuals(): return f"Welcome, {site.customer.name}"

Owns the browser's side of a site: an encrypted cookie (`cookie`), the calls to the provider (`provider_client`), the
walk through the authorization endpoint (`sign_in`), sign-out by front and back channel (`sign_out`), what several
processes of a site must share (`shared_store`). Imports Flask, Authlib's client and joserfc, no other room.

Routes, below `prefix` (default `/account`): `GET /sign-in` (the client's `initiate_login_uri`), `GET /sign-in/callback`
(`redirect_uri`), `POST /sign-out`, `GET /signed-out` (`post_logout_redirect_uri`), `POST /back-channel-logout`.
"""

from idp.relying_party.customer import Customer
from idp.relying_party.site import DEFAULT_SCOPE, Site

__all__ = ["DEFAULT_SCOPE", "Customer", "Site"]
