"""After a whole journey no secret that anybody sent or got lies in clear in the database, in its journal or in a log."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from tests.support.flow import TestClient, authorize, introspect, redeem, refresh, sign_in
from tests.support.visitor import Visitor
from tests.support.world import PASSWORD, SECRETS, World

CHOSEN = "seven quiet mountains"
RESET = "eleven slow glaciers"
CHANGED = "thirteen loud rivers"
HARMLESS = {"nonce", "state", "code_challenge", "done", "after", "login_hint"}
"""Of the values that travel in addresses; they are kept with the request that waits."""
SECRET_FIELD = re.compile(r'name="([\w-]*(?:token|handle|seal|status)[\w-]*)"[^>]*value="([^"]*)"')


class Witness:
    """Notes every secret that travels through a visitor's requests: cookies, form tokens, handles, codes, links."""

    def __init__(self) -> None:
        self.seen: dict[str, str] = {}

    def watch(self, visitor: Visitor) -> Visitor:
        """Look at each answer of this visitor, redirects included."""
        visitor.session.hooks["response"].append(lambda response, **_: self.look_at(response))
        return visitor

    def look_at(self, response: requests.Response) -> None:
        """Note what one answer and its request carry."""
        for name, value in response.cookies.items():
            self.note(f"cookie {name}", value)
        for address in (response.url, response.headers.get("Location", "")):
            self.look_at_address(address)
        if "html" in response.headers.get("Content-Type", ""):
            for name, value in SECRET_FIELD.findall(response.text):
                self.note(f"field {name}", value)

    def look_at_address(self, address: str) -> None:
        """Path pieces and parameters that are long enough to be secrets."""
        parts = urlsplit(address)
        for piece in parts.path.split("/"):
            if re.fullmatch(r"[A-Za-z0-9_-]{40,}", piece):
                self.note(f"address {parts.path.split('/')[1]}", piece)
        for name, value in parse_qsl(parts.query):
            if len(value) >= 20 and " " not in value and name not in HARMLESS and "://" not in value:
                self.note(f"parameter {name}", value)

    def note(self, what: str, secret: str) -> None:
        """Remember a secret; what is short could be found by chance."""
        if len(secret) >= 8:
            self.seen[secret] = what


def test_no_secret_of_a_whole_journey_lies_in_clear(
    sqlite_world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Register, confirm, be approved, two sites, tokens by hand, reset, change, sign out, and what fails (GO-7, CR-1)."""
    caplog.set_level(logging.DEBUG, "idp")
    world, witness = sqlite_world, Witness()
    for secret in (PASSWORD, CHOSEN, RESET, CHANGED, *SECRETS.values()):
        witness.note("password or client secret", secret)
    customer = register_at_the_library(world, witness)
    be_approved(world, witness)
    use_the_sites(world, customer)
    use_tokens(world, witness, customer)
    reset_and_change(world, witness)
    fail(world, witness)
    written = {"log": caplog.text.encode(), **read_files(tmp_path)}
    found = {
        (name, what)
        for secret, what in witness.seen.items()
        for name, text in written.items()
        if secret.encode() in text
    }
    assert not found
    assert len(witness.seen) > 40
    assert any(b"approval_changed" in content for content in written.values())


def register_at_the_library(world: World, witness: Witness) -> Visitor:
    """From a page of a site through sign-in to the form; confirmed with the code in another browser."""
    first = witness.watch(world.visitor())
    page = first.get(world.library_url + "/exclusive")
    first.get(next(link for _id, link in page.links if "/register" in link))
    first.submit(
        "register-submit",
        email="nora@example.org",
        given_name="Nora",
        family_name="Newcomer",
        company="Waterworks Basel",
        country="CH",
        serial_number="CD123Z",
        new_password="quite another password",
    )
    witness.note("password of a registration", "quite another password")
    mail = world.mail_to("nora@example.org", containing="/confirm/")
    code = re.search(r"\b[A-Z]{4}[- ]?[A-Z]{4}\b", mail.text())
    assert code, mail.text()
    witness.note("short code", code.group())
    witness.note("short code", re.sub("[- ]", "", code.group()))
    for path in ("/confirm/", "/register/status/"):
        witness.look_at_address(world.link_in(mail, path))
    second = witness.watch(world.visitor())
    second.get(world.link_in(mail, "/register/status/"))
    second.get(world.link_in(mail, "/confirm/"))
    page = second.submit(button_of(second, "code"), code=code.group(), new_password=CHOSEN)
    assert page.status == 200, page.text[:500]
    return second


def be_approved(world: World, witness: Witness) -> None:
    """A member of staff approves."""
    staff = witness.watch(world.visitor())
    sign_in(staff, "care", PASSWORD)
    page = staff.get("/staff?q=nora@example.org")
    staff.get(next(link for _id, link in page.links if "/staff/applications/" in link))
    staff.submit("decision-approve")
    witness.look_at_address(world.link_in(world.mail_to("nora@example.org", containing="approved"), "/"))


def use_the_sites(world: World, customer: Visitor) -> None:
    """Both sites, one sign-in, one idle pause, and one sign-out through the site's button."""
    customer.get(world.library_url + "/exclusive")
    page = customer.submit("login-submit", username="nora@example.org", password=CHOSEN)
    assert page.url == world.library_url + "/exclusive", page.text[:500]
    customer.get(world.portal_url + "/bookings")
    world.clock.move(minutes=11)
    customer.get(world.portal_url + "/bookings")
    customer.submit("sign-out")


def use_tokens(world: World, witness: Witness, customer: Visitor) -> None:
    """Code, tokens, refresh, introspection, userinfo; used again; and a sign-out with a hint by POST."""
    callback = world.library_url + "/account/sign-in/callback"
    client = TestClient("download-library", SECRETS["library"], callback)
    endpoint = world.provider_url + "/oauth/token"
    sign_in(customer, "nora@example.org", CHOSEN, keep=True)
    code = authorize(customer, client)
    witness.note("code", code.code)
    witness.note("verifier", code.verifier)
    tokens = redeem(endpoint, client, code).json()
    later = refresh(endpoint, client, tokens["refresh_token"]).json()
    for given in (tokens, later):
        for name in ("access_token", "refresh_token", "id_token"):
            witness.note(name, given[name])
    introspect(world.provider_url, client, later["access_token"])
    userinfo = world.provider_url + "/oauth/userinfo"
    assert requests.get(userinfo, headers={"Authorization": f"Bearer {later['access_token']}"}, timeout=20).ok
    hint = {"id_token_hint": later["id_token"], "post_logout_redirect_uri": world.library_url + "/account/signed-out"}
    other = witness.watch(world.visitor())
    sign_in(other, "willi", PASSWORD)
    other.session.post(world.provider_url + "/oauth/logout", data=hint, timeout=20)
    assert redeem(endpoint, client, code).status_code == 400
    assert refresh(endpoint, client, tokens["refresh_token"]).status_code == 400


def reset_and_change(world: World, witness: Witness) -> None:
    """A forgotten password, a new one, and a changed one."""
    visitor = witness.watch(world.visitor())
    visitor.get("/forgot-password")
    visitor.submit("forgot-submit", email="nora@example.org")
    link = world.link_in(world.mail_to("nora@example.org", containing="/reset/"), "/reset/")
    witness.look_at_address(link)
    visitor.get(link)
    visitor.submit("reset-submit", new_password=RESET)
    sign_in(visitor, "nora@example.org", RESET)
    visitor.get("/account/security/password")
    visitor.submit("password-submit", current_password=RESET, new_password=CHANGED)


def button_of(visitor: Visitor, field_name: str) -> str:
    """The button of the form that has this field."""
    assert visitor.page
    return next(next(iter(form.buttons)) for form in visitor.page.forms if field_name in dict(form.fields))


def fail(world: World, witness: Witness) -> None:
    """Secrets in the wrong field, in a damaged address, at the wrong door."""
    visitor = witness.watch(world.visitor())
    visitor.get("/sign-in")
    visitor.submit("login-submit", username=CHANGED, password=CHANGED)
    for secret in [secret for secret, what in witness.seen.items() if len(secret) == 43][:10]:
        for path in ("/confirm/{}/", "/reset/{}.", "/register/status/{}x", "/oauth/continue/{}", "/signed-out/{}"):
            visitor.get(path.format(secret))
        basic = ("download-library", secret)
        requests.post(world.provider_url + "/oauth/token", data={"grant_type": secret}, auth=basic, timeout=20)
        requests.get(world.provider_url + "/oauth/authorize", params={"client_id": secret, "code": secret}, timeout=20)


def read_files(folder: Path) -> dict[str, bytes]:
    """The database and its journal."""
    return {path.name: path.read_bytes() for path in folder.glob("idp.sqlite3*")}
