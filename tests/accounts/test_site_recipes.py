"""Ready-made configuration: the pages of docs/connect are its only source, and nothing of theirs is left in it."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from idp import resources
from idp.accounts.site_recipes import ENTRY, NAMES, write_recipe
from idp.errors import Refusal
from idp.store.clients import RegisteredClient, find_client
from tests.support.connect import fill_in, read_blocks
from tests.support.lobby import Lobby

ISSUER = "https://id.example.com:8443"
SITE = "https://own.example"
LEFT = {"CLIENT_SECRET", "COOKIE_KEY", "LISTEN", "APPLICATION"}


def entry_of(key: str) -> dict[str, Any]:
    """What the page's own entry registers, at this test's site."""
    (entry,) = tomllib.loads(fill_in(read_blocks(f"{key}.md")[ENTRY], {"SITE": SITE, "CLIENT_SECRET": "x"}))["clients"]
    return dict(entry)


def register(lobby: Lobby, client_id: str = "shop-7", **details: Any) -> RegisteredClient:
    """A site with exactly this metadata."""
    lobby.add_client(client_id, origin=SITE, details=details)
    with lobby.provider.database.reading() as tx:
        client = find_client(tx, client_id)
    assert client is not None
    return client


def as_page(key: str) -> dict[str, Any]:
    """The metadata of the page's entry."""
    ours = ("client_id", "client_secret", "require_approval", "first_party")
    return {name: value for name, value in entry_of(key).items() if name not in ours}


def test_every_library_with_files_is_offered() -> None:
    """A new page is offered at the desk as well."""
    pages = {path.stem for path in resources.connect_folder().glob("*.md")} - {"README", "any-library"}
    assert pages == set(NAMES)


@pytest.mark.parametrize("key", list(NAMES))
def test_a_site_registered_as_its_page_says_fits(lobby: Lobby, key: str) -> None:
    """No difference; only what nobody here knows is left to fill in, and each has its words on the page."""
    from idp.web.staff.connecting import PLACES

    made = write_recipe(register(lobby, **as_page(key)), ISSUER, key)
    assert made.differences == ()
    assert made.places.keys() <= LEFT
    assert made.places.keys() <= PLACES.keys()


@pytest.mark.parametrize("key", list(NAMES))
def test_the_files_are_the_pages_with_this_sites_values(lobby: Lobby, key: str) -> None:
    """The client id is put in exactly once, and is the only thing that changes besides places."""
    made = write_recipe(register(lobby, **as_page(key)), ISSUER, key)
    values = {"ISSUER": ISSUER, "ISSUER_HOST": "id.example.com:8443", "SITE": SITE, "SECURE": "true"}
    blocks = {name: text for name, text in read_blocks(f"{key}.md").items() if name in made.files}
    assert "\n".join(made.files.values()).count("shop-7") == 1
    for name, text in blocks.items():
        left = {place: "${" + place + "}" for place in LEFT}
        expected = fill_in(text, {**values, **left})
        assert made.files[name].replace("shop-7", entry_of(key)["client_id"]) == expected


def test_another_registration_is_told_name_by_name(lobby: Lobby) -> None:
    """What the files take for granted and the site has otherwise."""
    client = register(
        lobby,
        redirect_uris=[f"{SITE}/callback"],
        scope="openid email",
        token_endpoint_auth_method="client_secret_post",
        initiate_login_uri=None,
    )
    found = {row.name: row for row in write_recipe(client, ISSUER, "mod_auth_openidc").differences}
    assert found["redirect_uris"].needed == f"{SITE}/signed-in"
    assert found["redirect_uris"].registered == f"{SITE}/callback"
    assert found["scope"].needed == "profile approval session"
    assert found["initiate_login_uri"].registered == ""
    assert found["token_endpoint_auth_method"].registered == "client_secret_post"


@pytest.mark.parametrize("odd", ['https://x.example"; evil', "https://x.example\nevil", "https://x.example'"])
def test_what_a_file_could_misread_is_left_to_a_person(lobby: Lobby, odd: str) -> None:
    """The redirect URI speaks for the site then; registered text never becomes a second line or setting of a configuration."""
    made = write_recipe(register(lobby, client_uri=odd), ISSUER, "oauth2-proxy")
    assert "x.example" not in "".join(made.files.values())
    assert f'redirect_url = "{SITE}/oauth2/callback"' in made.files["oauth2-proxy.cfg"]
    left = write_recipe(register(lobby, client_uri=odd, redirect_uris=[odd]), ISSUER, "oauth2-proxy")
    assert "x.example" not in "".join(left.files.values())
    assert {"SITE", "SECURE"} <= left.places.keys()


def test_an_app_without_an_address_keeps_the_place(lobby: Lobby) -> None:
    """Its own scheme is no address of a site."""
    client = register(lobby, client_uri=None, redirect_uris=["com.example.app:/cb"])
    assert {"SITE", "SECURE"} <= write_recipe(client, ISSUER, "oauth2-proxy").places.keys()


def test_the_readme_shows_the_same_five_lines() -> None:
    """The first block of "Connect a site in five lines" is the kit's page with names instead of places."""
    readme = (resources.PACKAGE.parent / "README.md").read_text(encoding="utf-8")
    block = re.search(r"## Connect a site in five lines\n\n```python\n(.*?)```", readme, re.DOTALL)
    assert block is not None
    page = read_blocks("flask-kit.md")["site.py"]
    page = page.replace('"${CLIENT_SECRET}"', "SECRET").replace('"${COOKIE_KEY}"', "KEY")
    assert fill_in(page, {"ISSUER": "https://id.example.com"}) == block[1]


def test_an_unknown_library_is_refused(lobby: Lobby) -> None:
    """A key of the address is never a path."""
    client = register(lobby)
    for key in ("README", "any-library", "../README", ""):
        with pytest.raises(Refusal, match="recipe_unknown"):
            write_recipe(client, ISSUER, key)
