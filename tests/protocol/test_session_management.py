"""OpenID Connect Session Management 1.0: what a site compares, and the frame that compares it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Route

from idp import create_app
from idp.config import DatabaseSettings, KeySettings, Server, Settings
from idp.keys.master import MasterKey
from idp.protocol.session_management import build_session_state, find_origin, make_browser_state
from tests.support.browser import ARGUMENTS, CHROMIUM

MASTER = MasterKey(bytes(range(32)))
ISSUER = "https://idp.localhost"
SITE = "https://site.localhost"
FRAME = f"{ISSUER}/oauth/check_session"


@pytest.mark.parametrize(
    ("uri", "origin"),
    [
        ("https://site.example/cb?x=1", "https://site.example"),
        ("https://site.example:443/cb", "https://site.example"),
        ("https://SITE.example:8443/cb", "https://site.example:8443"),
        ("http://127.0.0.1:80/cb", "http://127.0.0.1"),
        ("http://[::1]:81/cb", "http://[::1]:81"),
    ],
)
def test_the_origin_is_what_browsers_tell(uri: str, origin: str) -> None:
    """Without default ports, in small letters (RFC 6454 §6.2)."""
    assert find_origin(uri) == origin


def test_the_state_is_a_salted_hash() -> None:
    """§3.2: client, origin, the browser's state and the salt; another salt each time."""
    text = build_session_state("site", f"{SITE}/cb", "state", "salt")
    assert text == hashlib.sha256(b"site https://site.localhost state salt").hexdigest() + ".salt"
    assert len({build_session_state("site", f"{SITE}/cb", "state") for _ in range(5)}) == 5


def test_the_browsers_state_belongs_to_the_session_and_tells_nothing() -> None:
    """Another session, another state; the `sid` is not in it."""
    assert make_browser_state(MASTER, "sid-1") != make_browser_state(MASTER, "sid-2")
    assert "sid-1" not in make_browser_state(MASTER, "sid-1")


@pytest.fixture
def frame(tmp_path: Path) -> Callable[[str], tuple[dict[str, str], str, int]]:
    """What the provider answers to a GET."""
    settings = Settings(
        server=Server(issuer=ISSUER),
        database=DatabaseSettings(url=f"sqlite:///{tmp_path}/idp.sqlite3"),
        keys=KeySettings(directory=tmp_path / "keys"),
    )
    web = create_app(settings).test_client()

    def get(path: str) -> tuple[dict[str, str], str, int]:
        with web.get(path, base_url=ISSUER) as answer:
            return dict(answer.headers), answer.text, answer.status_code

    return get


def test_only_this_page_may_be_framed(frame: Callable[[str], tuple[dict[str, str], str, int]]) -> None:
    """DESIGN, "session management's iframe against WB-3"."""
    headers, _, status = frame("/oauth/check_session")
    assert status == 200
    assert "frame-ancestors *" in headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in headers
    others, _, _ = frame("/sign-in")
    assert "frame-ancestors 'none'" in others["Content-Security-Policy"]
    assert others["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(("with_session", "deletes"), [(False, False), (True, True)])
def test_a_request_from_another_site_ends_no_state(tmp_path: Path, with_session: bool, deletes: bool) -> None:
    """The frame itself, or a picture at a stranger's page, comes with the state and without the session; a dead session ends it."""
    settings = Settings(
        server=Server(issuer=ISSUER),
        database=DatabaseSettings(url=f"sqlite:///{tmp_path}/idp.sqlite3"),
        keys=KeySettings(directory=tmp_path / "keys"),
    )
    browser = create_app(settings).test_client(use_cookies=False)
    cookies = ["__Host-idp_state=" + "s" * 43, *(["__Host-idp_session=" + "x" * 43] if with_session else [])]
    for path in ("/oauth/check_session", "/sign-in"):
        answer = browser.get(
            path, base_url=ISSUER, headers={"Cookie": "; ".join(cookies), "Sec-Fetch-Site": "cross-site"}
        )
        assert answer.status_code == 200
        set_again = [line for line in answer.headers.getlist("Set-Cookie") if line.startswith("__Host-idp_state=")]
        assert bool(set_again) is deletes, path


def test_discovery_names_it(frame: Callable[[str], tuple[dict[str, str], str, int]]) -> None:
    """§3.3, where the issuer is https; and the front channel (Front-Channel Logout 1.0 §3)."""
    _, text, _ = frame("/.well-known/openid-configuration")
    assert f'"check_session_iframe":"{FRAME}"' in text.replace(" ", "")
    assert '"frontchannel_logout_session_supported":true' in text.replace(" ", "")


@pytest.mark.parametrize("keeps_cookies", [True, False])
def test_the_frame_answers_a_site(
    browser: Browser,
    tmp_path: Path,
    frame: Callable[[str], tuple[dict[str, str], str, int]],
    *,
    keeps_cookies: bool,
) -> None:
    """§3.2 in Chromium: unchanged, changed for another session, client or site, and error for what is no message.

    A browser that keeps no cookies of framed pages gets `error`, upon which a site must not ask again and again.
    """
    context = open_profile(browser, tmp_path / "profile", keeps_cookies=keeps_cookies)

    def serve(route: Route) -> None:
        path = route.request.url.removeprefix(ISSUER)
        headers, text, status = frame(path)
        route.fulfill(status=status, headers=headers, body=text)

    context.route(f"{ISSUER}/**", serve)
    context.route(
        f"{SITE}/**",
        lambda route: route.fulfill(content_type="text/html", body=f'<iframe id="op" src="{FRAME}"></iframe>'),
    )
    cookie = {"name": "__Host-idp_state", "url": ISSUER, "secure": True, "sameSite": "None"}
    context.add_cookies([{**cookie, "value": "the-state"}])  # type: ignore[typeddict-item]
    page = context.new_page()
    page.goto(f"{SITE}/rp")
    page.wait_for_load_state("networkidle")

    def ask(message: str) -> str:
        return str(
            page.evaluate(
                """message => new Promise(resolve => {
                    addEventListener("message", event => resolve(event.data), { once: true });
                    document.getElementById("op").contentWindow.postMessage(message, "*");
                })""",
                message,
            )
        )

    good = build_session_state("site", f"{SITE}/cb", "the-state")
    if not keeps_cookies:
        assert ask(f"site {good}") == "error"
        context.close()
        return
    assert ask(f"site {good}") == "unchanged"
    assert ask(f"other {good}") == "changed"
    assert ask(f"site {build_session_state('site', 'https://evil.localhost/', 'the-state')}") == "changed"
    assert ask(f"site {build_session_state('site', f'{SITE}/cb', 'another-state')}") == "changed"
    for nonsense in ("", "site", "site nodot", f"a b {good}", "site .x", "site x."):
        assert ask(nonsense) == "error", nonsense
    context.clear_cookies()
    assert ask(f"site {good}") == "changed"
    context.close()


def open_profile(browser: Browser, folder: Path, *, keeps_cookies: bool) -> BrowserContext:
    """A profile that allows cookies of framed pages, or blocks them as private windows do."""
    (folder / "Default").mkdir(parents=True)
    preferences = {"profile": {"cookie_controls_mode": 0 if keeps_cookies else 1}}
    (folder / "Default" / "Preferences").write_text(json.dumps(preferences), encoding="utf-8")
    return browser.browser_type.launch_persistent_context(folder, executable_path=CHROMIUM, args=ARGUMENTS)
