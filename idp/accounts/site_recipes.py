"""Ready-made configuration for a site: the files of docs/connect with the values of one registration.

The pages are the only source: a block whose fence names a file is that file, and the entry `sites.toml` beside it says what the
configuration takes for granted, so what does not fit this registration can be told. We leave out what a page has below
further headings (other ways of authenticating). Secrets are hashes here, so places for them stay.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from idp import resources
from idp.errors import Refusal

if TYPE_CHECKING:
    from idp.store.clients import RegisteredClient

NAMES: Mapping[str, str] = {
    "flask-kit": "Flask with our own kit",
    "authlib": "Authlib (Flask)",
    "mozilla-django-oidc": "mozilla-django-oidc (Django)",
    "mod_auth_openidc": "mod_auth_openidc (Apache)",
    "oauth2-proxy": "oauth2-proxy",
    "openid-client": "openid-client (Node.js)",
    "spring-security": "Spring Security (Java)",
}
"""The libraries by the names of their pages, in the order in which they are offered."""

ENTRY = "sites.toml"

_BLOCK = re.compile(r"^```\w+ (?P<file>[\w./-]+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_PLACE = re.compile(r"\$\{([A-Z_]+)\}")
_EXAMPLE = re.compile(r"^\| `\$\{([A-Z_]+)\}` \|.*?`([^`]+)` \|$", re.MULTILINE)
_PLAIN = re.compile(r"[A-Za-z0-9._~:/\[\]@%+-]+")
_ORIGIN = re.compile(r"(https?://[A-Za-z0-9.:\[\]-]+)(?:[/?#][!-~]*)?")


@dataclass(frozen=True, slots=True)
class Page:
    """A page of docs/connect: its files, the metadata that they need, and examples for places."""

    entry: Mapping[str, Any]
    files: Mapping[str, str]
    examples: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """Metadata that the configuration takes for granted and that is registered otherwise."""

    name: str
    needed: str
    registered: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """The files of one library for one site. `places`: what is left to fill in, with an example or command where there is one."""

    key: str
    name: str
    files: Mapping[str, str]
    places: Mapping[str, str]
    differences: tuple[Difference, ...]


def write_recipe(client: RegisteredClient, issuer: str, key: str) -> Recipe:
    """The configuration of one library for this site. Raises `Refusal("recipe_unknown")`."""
    if key not in NAMES:
        raise Refusal("recipe_unknown")
    page = _read_page(key)
    known = _values_of(client, issuer)
    sample = re.compile(rf"(?<![\w-]){re.escape(page.entry['client_id'])}(?![\w-])")
    own_id = client.client_id if _PLAIN.fullmatch(client.client_id) else "${CLIENT_ID}"
    files = {
        name: fill_in(sample.sub(lambda _match: own_id, text), known)
        for name, text in page.files.items()
        if name != ENTRY
    }
    left = sorted({place for text in files.values() for place in _PLACE.findall(text)})
    return Recipe(
        key,
        NAMES[key],
        files,
        {place: page.examples.get(place, "") for place in left},
        tuple(_differences(page.entry, client, known)),
    )


def fill_in(text: str, values: Mapping[str, str]) -> str:
    """Put values into the places for them; a place without a value stays."""
    return _PLACE.sub(lambda match: values.get(match[1], match[0]), text)


@lru_cache(maxsize=len(NAMES))
def _read_page(key: str) -> Page:
    text = (resources.connect_folder() / f"{key}.md").read_text(encoding="utf-8")
    main = text.partition("\n## ")[0]
    files = {match["file"]: match["text"] for match in _BLOCK.finditer(main)}
    (entry,) = tomllib.loads(files[ENTRY])["clients"]
    return Page(entry, files, dict(_EXAMPLE.findall(main)))


def _values_of(client: RegisteredClient, issuer: str) -> dict[str, str]:
    """What fills places; a value that a configuration file could misread is left to a person."""
    site = _address_of(client)
    values = {"ISSUER": issuer, "ISSUER_HOST": urlsplit(issuer).netloc, "SITE": site}
    if site:
        values["SECURE"] = "true" if site.startswith("https:") else "false"
    return {name: value for name, value in values.items() if _PLAIN.fullmatch(value)}


def _address_of(client: RegisteredClient) -> str:
    """The site's address without a slash at the end: its home page's, or the origin of a redirect URI."""
    found = [*([client.uri] if client.uri else []), *sorted(client.redirect_uris)]
    for address in found:
        match = _ORIGIN.fullmatch(address)
        if match:
            return match[1]
    return ""


def _differences(entry: Mapping[str, Any], client: RegisteredClient, values: Mapping[str, str]) -> list[Difference]:
    found = []
    many = {
        "redirect_uris": client.redirect_uris,
        "post_logout_redirect_uris": client.post_logout_redirect_uris,
        "grant_types": client.grant_types,
    }
    for name, registered in many.items():
        needed = [fill_in(value, values) for value in entry.get(name, ())]
        missing = [value for value in needed if value not in registered]
        if missing:
            found.append(Difference(name, " ".join(missing), " ".join(sorted(registered))))
    if client.scopes and (left := [scope for scope in entry["scope"].split() if scope not in client.scopes]):
        found.append(Difference("scope", " ".join(left), " ".join(sorted(client.scopes))))
    for name in ("backchannel_logout_uri", "initiate_login_uri"):
        registered_as = str(client.details.get(name) or "")
        if name in entry and (wanted := fill_in(entry[name], values)) != registered_as:
            found.append(Difference(name, wanted, registered_as))
    method = entry.get("token_endpoint_auth_method", "client_secret_basic")
    if method != client.token_endpoint_auth_method:
        found.append(Difference("token_endpoint_auth_method", method, client.token_endpoint_auth_method))
    return found
