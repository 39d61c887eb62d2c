"""`/api/…`: what the desk does, in JSON, for tools of staff. Described in OpenAPI 3.1 at `/api/openapi.json`.

A tool is a registered client that has the scopes `staff.read` or `staff.write` in its registration and the resource
`<issuer>/api`; a member of staff signs in there, and the access token acts with that person's roles: every operation names
the permission that its page at the desk needs. `access` is the gate, `operations` the list that routes and description are
made from, `models` what goes in and out, `views` what is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def install(app: Flask) -> None:
    """Hang every operation into the application, and the description."""
    from idp.web.api import openapi, views
    from idp.web.api.operations import mount

    app.register_blueprint(mount(views.OPERATIONS))
    app.register_blueprint(openapi.blueprint)
