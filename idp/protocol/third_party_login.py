"""Third-party initiated login: OpenID Connect Core §4, the way back to a site from our pages."""

from __future__ import annotations

from urllib.parse import quote, urlencode


def build_initiation(initiate_login_uri: str, issuer: str, target_link_uri: str | None = None) -> str:
    """The address at the site that starts a sign-in with us, and comes back to a page of the site."""
    values = {"iss": issuer}
    if target_link_uri:
        values["target_link_uri"] = target_link_uri
    separator = "&" if "?" in initiate_login_uri else "?"
    return f"{initiate_login_uri}{separator}{urlencode(values, quote_via=quote)}"
