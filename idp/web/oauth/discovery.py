"""The two well-known addresses of the provider's metadata; for an issuer with a path see `web.edge`."""

from __future__ import annotations

import hashlib
import json

from flask import Blueprint, Flask, Response, current_app

from idp.protocol.discovery import OAUTH_PATH, OPENID_PATH, build_metadata
from idp.web.oauth.machine import respond_cached

blueprint = Blueprint("oauth_discovery", __name__)

_READY = "idp_discovery"


@blueprint.get(OPENID_PATH, endpoint="openid_configuration")
@blueprint.get(OAUTH_PATH, endpoint="oauth_authorization_server")
def metadata() -> Response:
    """The document, built when it is first asked for, when every route is mounted."""
    body, etag = ready_metadata(current_app)
    return respond_cached(body, etag, "application/json")


def ready_metadata(app: Flask) -> tuple[bytes, str]:
    """The document's bytes and their entity tag."""
    ready: tuple[bytes, str] | None = app.extensions.get(_READY)
    if ready is None:
        settings = app.extensions["idp"].settings
        document = build_metadata(
            settings.server.issuer,
            {rule.rule for rule in app.url_map.iter_rules()},
            settings.keys.algorithms,
            policy_uri=settings.registration.privacy_url,
            tos_uri=settings.registration.terms_url
            or (f"{settings.server.issuer}/terms" if settings.terms.directory else ""),
        )
        body = json.dumps(document, separators=(",", ":")).encode()
        ready = app.extensions[_READY] = (body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
    return ready
