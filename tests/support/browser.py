"""Debian's Chromium, driven by Playwright; pages that leave this machine fail the test.

While Playwright's synchronous interface runs, its event loop lives in this thread: `asyncio.run` in the same test fails.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.support.network import is_local

CHROMIUM = Path("/usr/bin/chromium")
SCREENSHOTS = Path(__file__).resolve().parents[2] / "artefacts" / "screenshots"

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    # No name but this machine's is ever looked up.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1",
]

FAILED = pytest.StashKey[bool]()

NewContext = Callable[..., BrowserContext]
Shoot = Callable[[Page, str], Path]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember whether a test failed, so that the page can be photographed."""
    report = yield
    if report.failed:
        item.stash[FAILED] = True
    return report


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for this test process."""
    if not CHROMIUM.exists():
        raise RuntimeError("Debian's Chromium is not installed: run scripts/system_packages.sh")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def new_context(browser: Browser) -> Iterator[NewContext]:
    """A maker of browser contexts, each a browser of its own; takes Playwright's options (`locale`, `java_script_enabled`)."""
    contexts: list[BrowserContext] = []
    outside: list[str] = []

    def note(url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and not is_local(parts.hostname):
            outside.append(url)

    def make(**options: object) -> BrowserContext:
        settings = {"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", "timezone_id": "UTC", **options}
        context = browser.new_context(**settings)  # type: ignore[arg-type]
        context.set_default_timeout(10_000)
        context.on("request", lambda request: note(request.url))
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
    if outside:
        pytest.fail(f"a page asked for something outside this machine: {', '.join(outside)}")


@pytest.fixture
def context(new_context: NewContext) -> BrowserContext:
    """A fresh browser: no cookies, English, 1280 by 800."""
    return new_context()


@pytest.fixture
def shoot(request: pytest.FixtureRequest) -> Shoot:
    """`shoot(page, name)`: save the whole page as artefacts/screenshots/<module>.<test>/<name>.png."""
    folder = SCREENSHOTS / re.sub(r"[^\w.-]+", "-", f"{request.path.stem}.{request.node.name}").strip("-")

    def save(page: Page, name: str) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.png"
        page.screenshot(path=path, full_page=True, animations="disabled")
        return path

    return save


@pytest.fixture
def page(context: BrowserContext, shoot: Shoot, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page in a fresh browser; photographed as `failure.png` when the test fails."""
    page = context.new_page()
    yield page
    if request.node.stash.get(FAILED, False) and not page.is_closed():
        shoot(page, "failure")
