"""The two well-known addresses of the provider's metadata; for an issuer with a path see `web.edge`."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from flask import Blueprint, Flask, Response, current_app

from idp.protocol.discovery import OAUTH_PATH, OPENID_PATH, build_metadata
from idp.web.oauth.machine import respond_cached

if TYPE_CHECKING:
    from idp.provider import Provider

blueprint = Blueprint("oauth_discovery", __name__)

_READY = "idp_discovery"


@blueprint.get(OPENID_PATH, endpoint="openid_configuration")
@blueprint.get(OAUTH_PATH, endpoint="oauth_authorization_server")
def metadata() -> Response:
    """The document, built when it is first asked for, when every route is mounted."""
    body, etag = ready_metadata(current_app)
    return respond_cached(body, etag, "application/json")


def ready_metadata(app: Flask) -> tuple[bytes, str]:
    """The document's bytes and their entity tag; it names our own page of terms from the day on which some are in force."""
    provider: Provider = app.extensions["idp"]
    has_terms = bool(provider.terms.versions and provider.terms.in_force(provider.clock()))
    made: dict[bool, tuple[bytes, str]] = app.extensions.setdefault(_READY, {})
    ready = made.get(has_terms)
    if ready is None:
        settings = provider.settings
        document = build_metadata(
            settings.server.issuer,
            {rule.rule for rule in app.url_map.iter_rules()},
            settings.keys.algorithms,
            policy_uri=settings.registration.privacy_url,
            tos_uri=settings.registration.terms_url or (f"{settings.server.issuer}/terms" if has_terms else ""),
        )
        body = json.dumps(document, separators=(",", ":")).encode()
        ready = made[has_terms] = (body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
    return ready
