"""Debian's Chromium for modules that the suite's own browser cannot do: frames, cookies across sites, their scripts."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import Error, sync_playwright

from conformance.suite import ENDED

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from conformance.suite import Suite

CHROMIUM = "/usr/bin/chromium"
_PAUSE_MILLISECONDS = 300


def drive(suite: Suite, module_id: str, username: str, password: str, pictures: Path, seconds: float = 200) -> None:
    """Open what the module asks for, one after the other in one browser, until it has ended."""
    end = time.monotonic() + seconds
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as profile:
        _allow_cookies_of_frames(Path(profile))
        browser = playwright.chromium.launch_persistent_context(
            profile, executable_path=CHROMIUM, args=["--no-sandbox"], ignore_https_errors=True
        )
        page = browser.new_page()
        seen = 0
        while time.monotonic() < end and suite.info(module_id).get("status") not in ENDED:
            for url in suite.pages_to_visit(module_id):
                suite.mark_visited(module_id, url)
                page.goto(url)
                _go_through(page, username, password)
                seen += 1
                page.screenshot(path=str(pictures / f"{module_id}-{seen}.png"), full_page=True)
            page.wait_for_timeout(_PAUSE_MILLISECONDS)
        browser.close()


def _allow_cookies_of_frames(profile: Path) -> None:
    """Session management lives from them; private windows and some browsers block them (cookie_controls_mode)."""
    (profile / "Default").mkdir()
    preferences = {"profile": {"cookie_controls_mode": 0}}
    (profile / "Default" / "Preferences").write_text(json.dumps(preferences), encoding="utf-8")


def _go_through(page: Page, username: str, password: str) -> None:
    """Sign in, consent and confirm where a page of ours asks for it; stop where none does for a while."""
    quiet = 0
    while quiet < 8:
        quiet += 1
        try:
            if page.locator("#login-submit").count():
                if page.locator("[name=username]").is_editable():
                    page.fill("[name=username]", username)
                page.fill("[name=password]", password)
                page.click("#login-submit")
                quiet = 0
            for button in ("#consent-approve", "#logout-confirm"):
                if page.locator(button).count():
                    page.click(button)
                    quiet = 0
        except Error:
            pass  # the page went on by itself while we looked at it
        page.wait_for_timeout(_PAUSE_MILLISECONDS)
