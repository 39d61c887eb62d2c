"""Settings: what cannot work stops the start, and says where it stands, which key it is and what would be right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from idp.cli import main
from idp.config import MailSettings, Settings, load_settings
from idp.errors import ConfigError


def refuse(tmp_path: Path, text: str, **environment: str) -> str:
    """The words of the refusal, which name the file or the variable first."""
    file = tmp_path / "config.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refusal:
        load_settings(file, environment)
    return str(refusal.value).replace(str(file), "FILE")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[server]\nisuer = 'x'", "FILE: server.isuer: is not a known setting; known are: bind, front, issuer"),
        ("[serve]\nissuer = 'x'", "FILE: serve: is not a known setting; known are: branding, clients, database"),
        ("source = 'x'", "FILE: source: is not a known setting"),
        ("server = 3", "FILE: server: must be a table; write [server]"),
        ("[server\n", "FILE: is not valid TOML"),
        ("[server]\nthreads = 'many'", "FILE: server.threads: Input should be a valid integer"),
        ("[server]\nthreads = 0", "FILE: server.threads: Input should be greater than or equal to 1"),
        ("[server]\nworkers = 2", "more than one process needs PostgreSQL; set 1, or database.url"),
        ("[server]\nissuer = 'id.example.com'", "FILE: server.issuer: must be an absolute http or https address"),
        ("[server]\nissuer = 'http://id.example.com'", "must be https; http works only for localhost"),
        ("[server]\nissuer = 'https://id.example.com/'", "must have no query, fragment, user or closing slash"),
        ("[server]\nissuer = 'https://id.example.com:99999'", "FILE: server.issuer: must be plain ASCII"),
        ("[server]\nissuer = 'https://bücher.example'", "FILE: server.issuer: must be plain ASCII"),
        ("[server]\nissuer = 'https://id.example.com/a b'", "FILE: server.issuer: must be plain ASCII"),
        ("[server]\nissuer = 'https://id.example.com/a//b'", "FILE: server.issuer: must be plain ASCII"),
        ("[server]\nissuer = 'https://id.example.com/../b'", "FILE: server.issuer: must be plain ASCII"),
        ("[server]\nbind = '8000'", "FILE: server.bind: must be an address and a port"),
        ("[database]\nurl = 'mysql://x'", "FILE: database.url: must start with sqlite:/// or postgresql://"),
        ("[database]\nurl = 'sqlite:///:memory:'", "FILE: database.url: must name a file"),
        ("[keys]\nalgorithms = ['ES256']", "FILE: keys.algorithms: must contain RS256"),
        ("[mail]\nurl = 'imap://x'", "FILE: mail.url: must be smtp://"),
        ("[mail]\nsender = 'nobody'", "FILE: mail.sender: must be one address"),
        (
            "[registration]\nterms_url = 'javascript:x'",
            "FILE: registration.terms_url: must be an http or https address",
        ),
        ("[outbound]\nallow_hosts = ['http://x/']", "FILE: outbound.allow_hosts: must be host names"),
        ("[outbound]\nca_file = 'nowhere.pem'", "FILE: outbound.ca_file: nowhere.pem cannot be read"),
        ("[branding]\nlogo = 'nowhere.svg'", "FILE: branding.logo: nowhere.svg is no SVG or PNG file"),
        ("[branding]\ntemplates = 'nowhere'", "FILE: branding.templates: nowhere is no folder"),
        ("[branding]\naccent = '#eeeeee'", "FILE: branding.accent: is too light"),
        ("[branding]\ntime_zone = 'Mars'", "FILE: branding.time_zone: is not a time zone"),
        ("[lifetimes]\nsession = 50000", "FILE: lifetimes.session: Input should be less than or equal to 43200"),
    ],
)
def test_a_fault_is_named_with_file_key_and_remedy(tmp_path: Path, text: str, words: str) -> None:
    """In the file."""
    assert words in refuse(tmp_path, text)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("IDP_SERVER__THREADS", "many", "IDP_SERVER__THREADS in the environment: server.threads: Input should be"),
        ("IDP_SERVER__ISUER", "x", "IDP_SERVER__ISUER in the environment: server.isuer: is not a known setting"),
        ("IDP_SERVR__ISSUER", "x", "is not a known setting; known are: branding"),
        ("IDP_SERVER_ISSUER", "x", "two underscores are needed: IDP_SERVER__ISSUER"),
        ("IDP_MAIL_CUSTOMER_CARE", "x", "two underscores are needed: IDP_MAIL__CUSTOMER_CARE"),
    ],
)
def test_a_fault_of_the_environment_names_the_variable(tmp_path: Path, name: str, value: str, words: str) -> None:
    """So that nobody looks for it in the file."""
    assert words in refuse(tmp_path, "", **{name: value})


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    """Lists are separated by commas; other variables of ours are no settings."""
    file = tmp_path / "config.toml"
    file.write_text("[server]\nthreads = 2\nissuer = 'https://id.example.com/id'", encoding="utf-8")
    environment = {
        "IDP_SERVER__THREADS": "7",
        "IDP_OUTBOUND__ALLOW_HOSTS": "a.example, [::1]:80",
        "IDP_MASTER_KEY": "x",
    }
    settings = load_settings(file, environment)
    assert (settings.server.threads, settings.server.issuer) == (7, "https://id.example.com/id")
    assert settings.outbound.allow_hosts == ("a.example", "[::1]:80")


@pytest.mark.parametrize(
    ("text", "threads"), [("", 16), ("[database]\nurl = 'postgresql://idp@db/idp'", 8), ("[server]\nthreads = 3", 3)]
)
def test_threads_follow_the_database(tmp_path: Path, text: str, threads: int) -> None:
    """More of them where the database is in the process."""
    file = tmp_path / "config.toml"
    file.write_text(text, encoding="utf-8")
    assert load_settings(file, {}).threads == threads


@pytest.mark.parametrize("command", [["migrate"], ["clients", "list"], ["serve"]])
@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:1/none", "sqlite:////dev/null/idp.sqlite3"])
def test_a_database_that_cannot_be_reached_is_said_in_words(tmp_path: Path, url: str, command: list[str]) -> None:
    """Exit 1, and the key to look at instead of a traceback."""
    file = tmp_path / "config.toml"
    file.write_text(
        f"[database]\nurl = '{url}'\n[keys]\ndirectory = '{tmp_path}/keys'\n[server]\nbind = '127.0.0.1:47123'"
    )
    result = CliRunner().invoke(main, ["--config", str(file), *command])
    assert result.exit_code == 1
    assert "database.url" in result.output
    assert "Traceback" not in result.output


def test_the_mail_server_and_its_password_are_one_setting() -> None:
    """Whoever names another server names its password too: none is sent to a new host (AD-4). Nothing shows it (AD-3)."""
    assert not {name for name in MailSettings.model_fields if "password" in name or "user" in name}
    settings = Settings(mail=MailSettings(url="smtp://mailer:geheim@mail.example"))
    assert "geheim" not in repr(settings)
    assert "geheim" not in str(settings)
    templates = Path(__file__).resolve().parent.parent / "templates" / "staff"
    names = {
        name for path in templates.rglob("*.html") for name in re.findall(r'name="([\w.-]+)"', path.read_text("utf-8"))
    }
    assert not {name for name in names if "smtp" in name or "host" in name}
    assert names
