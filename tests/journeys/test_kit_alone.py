"""A site with only what the wheel's base brings: it connects in five lines and signs a customer in.

The packages of `requirements/base.txt` are linked into a folder of their own and the interpreter sees nothing else, so
that an import of the provider's dependencies fails here and not at a customer's site.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
import requests

from tests.support.processes import stop
from tests.support.wheel import build_wheel, copy_source
from tests.support.world import PASSWORD, SECRETS, World

CHECKOUT = Path(__file__).resolve().parents[2]

SITE = """
import os, sys
from flask import Flask
from idp.relying_party import Site

app = Flask(__name__, instance_path=os.environ["DATA"])
site = Site(app, issuer=os.environ["ISSUER"], client_id="download-library", client_secret=os.environ["SECRET"], secret_key="k" * 32)

@app.get("/exclusive")
@site.approved_required
def exclusive(): return f"<h1 id='exclusive-title'>Welcome, {site.customer.name}</h1>"

@app.get("/modules")
def modules(): return " ".join(sorted(name for name in sys.modules if name.startswith(("sqlalchemy", "granian", "psycopg", "idp."))))

app.run("127.0.0.1", int(os.environ["PORT"]), threaded=True)
"""


def link_base_packages(folder: Path) -> None:
    """Make a folder that has the packages of the base lock, and nothing else."""
    folder.mkdir()
    lock = (CHECKOUT / "requirements" / "base.txt").read_text(encoding="utf-8")
    for name in re.findall(r"^([a-z0-9.-]+)==", lock, re.MULTILINE):
        with contextlib.suppress(PackageNotFoundError):  # a pin for another system or Python
            found = distribution(name)
            tops = {Path(str(file)).parts[0] for file in found.files or [] if ".." not in str(file)}
            for top in tops - {"__pycache__"}:
                source = Path(str(found.locate_file(top)))
                if source.exists() and not (folder / top).exists():
                    (folder / top).symlink_to(source)


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The folders that the site's interpreter sees: the wheel's content and the base packages."""
    folder = tmp_path_factory.mktemp("kit")
    copy_source(folder / "source")
    wheel = build_wheel(folder / "source", folder)
    with zipfile.ZipFile(wheel) as content:
        content.extractall(folder / "wheel")
    link_base_packages(folder / "base")
    return [folder / "wheel", folder / "base"]


@pytest.fixture
def lonely_site(sqlite_world: World, packages: list[Path], tmp_path: Path) -> Iterator[str]:
    """The five-line site, at the address where the library is registered."""
    world = sqlite_world
    port = int(world.library_url.rpartition(":")[2])
    library = next(server for server in world.servers if server.port == port)
    library.shutdown()
    library.server_close()
    world.servers.remove(library)
    (tmp_path / "site.py").write_text(SITE, encoding="utf-8")
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(str(path) for path in packages),
        "ISSUER": world.provider_url,
        "SECRET": SECRETS["library"],
        "PORT": str(port),
        "DATA": str(tmp_path / "site"),
    }
    with (tmp_path / "site.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-S", str(tmp_path / "site.py")], env=environment, stdout=log, stderr=log, cwd=tmp_path
        )
    try:
        limit = time.monotonic() + 20
        while time.monotonic() < limit:
            with contextlib.suppress(requests.ConnectionError):
                requests.get(world.library_url + "/modules", timeout=5)
                break
            assert process.poll() is None, (tmp_path / "site.log").read_text()
            time.sleep(0.1)
        yield world.library_url
    finally:
        stop(process)


def test_a_site_needs_nothing_of_the_provider(sqlite_world: World, lonely_site: str) -> None:
    """Five lines, the base packages, a customer signed in."""
    visitor = sqlite_world.visitor()
    visitor.get(lonely_site + "/exclusive")
    page = visitor.submit("login-submit", username="anna", password=PASSWORD)
    assert "Welcome, Anna Approved" in page.text
    loaded = visitor.get(lonely_site + "/modules").response.text.split()
    assert "idp.relying_party.site" in loaded
    assert [name for name in loaded if not name.startswith("idp.relying_party")] == []
