"""`/oauth/jwks`."""

from __future__ import annotations

from flask import Blueprint, Response

from idp.web.context import provider
from idp.web.oauth.machine import respond_cached

blueprint = Blueprint("oauth_jwks", __name__)


@blueprint.get("/oauth/jwks")
def jwks() -> Response:
    """The published keys (RFC 7517 §5, OpenID Connect Core §10.1.1)."""
    body, etag = provider().keyring.jwks()
    return respond_cached(body, etag, "application/jwk-set+json")
