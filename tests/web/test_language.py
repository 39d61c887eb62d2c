"""Pages speak the reader's language, and the reader can change it."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from idp import create_app
from tests.test_smoke import settings_in


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """A provider with an empty database."""
    return create_app(settings_in(tmp_path_factory.mktemp("language")))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that was never here."""
    return app.test_client()


def spoken(client: FlaskClient, path: str = "/sign-in", **headers: str) -> str:
    """The language that a page says it is in."""
    found = re.search(r'<html lang="([a-z]+)"', client.get(path, headers=headers).text)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("wish", "language"),
    [
        ("de-AT,de;q=0.9,en;q=0.5", "de"),
        ("it,fr;q=0.4", "fr"),
        ("en;q=0.2,es;q=0.8", "es"),
        ("zh", "en"),
        ("", "en"),
        ("*", "en"),
        ("xx-yy-zz;q=1,@@@,de;q=bad", "en"),
    ],
)
def test_the_browsers_wish(client: FlaskClient, wish: str, language: str) -> None:
    """`Accept-Language`, also a damaged one (RFC 9110 §12.5.4)."""
    assert spoken(client, **{"Accept-Language": wish}) == language


def test_the_sites_wish_goes_before_the_browsers(client: FlaskClient) -> None:
    """`ui_locales` (OpenID Connect Core §3.1.2.1); unknown ones are passed over."""
    assert spoken(client, "/sign-in?ui_locales=xx+fr-CA+de", **{"Accept-Language": "es"}) == "fr"
    assert spoken(client, "/sign-in?ui_locales=%00+%C3%A4", **{"Accept-Language": "es"}) == "es"


def test_a_choice_is_kept_and_goes_before_all(client: FlaskClient) -> None:
    """The footer's choice holds for later pages, whatever site or browser wish."""
    assert spoken(client, "/sign-in?language=de") == "de"
    assert spoken(client, "/sign-in?ui_locales=fr", **{"Accept-Language": "es"}) == "de"
    assert spoken(client, "/sign-in?language=es") == "es"
    assert spoken(client) == "es"


@pytest.mark.parametrize("value", ["xx", "", "de'\"><script>", "../de"])
def test_a_damaged_choice_is_none(client: FlaskClient, value: str) -> None:
    """What is no language of ours is neither spoken nor kept."""
    answer = client.get("/sign-in", query_string={"language": value})
    assert not [line for line in answer.headers.getlist("Set-Cookie") if "language" in line]
    assert "<script>" not in answer.text


def test_the_footer_leads_to_the_same_page(client: FlaskClient) -> None:
    """Each language is offered in its own name, and what the address says is kept."""
    text = client.get("/sign-in?next=/account&language=fr").text
    for code, name in {"en": "English", "de": "Deutsch", "es": "Español"}.items():
        assert f'href="/sign-in?next=%2Faccount&amp;language={code}"' in text
        assert name in text


def test_one_request_does_not_speak_for_the_next(client: FlaskClient) -> None:
    """The language of a request is forgotten with it, though the thread lives on."""
    assert spoken(client, **{"Accept-Language": "de"}) == "de"
    assert spoken(client) == "en"
