"""`idp apply`: all or nothing, the same again changes nothing, and every fault is named."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from idp.accounts.approval_rules import rules_in_use
from idp.accounts.passwords import DEMO_PASSWORD
from idp.cli import main
from idp.store import accounts, approvals, approver_limits, clients, outbox, review_work, rules
from idp.store.database import Statement
from tests.support.post import PostOffice

SECRET = "a-secret-of-the-site-that-is-long"
FILE = f"""
[[clients]]
client_id = "site"
client_secret = "{SECRET}"
client_name = "Site"
redirect_uris = ["https://site.example/callback"]
grant_types = ["authorization_code", "refresh_token"]
scope = "openid profile"
resources = ["https://site.example/api"]

[[clients]]
client_id = "service"
client_secret = "{SECRET}"
grant_types = []
may_introspect = ["https://site.example/api"]

[[approval_rules]]
rule_key = "family-AB"
serial_families = ["AB"]

[[accounts]]
email = "Anna@example.com"
given_name = "Anna"
family_name = "Berg"
country = "DE"
serial_number = "ab 123-z"
password = "short"
approval_status = "approved"
roles = ["approver"]

[[accounts]]
email = "rosa@example.com"
preferred_username = "rosa"
approval_status = "rejected"
approval_reason = "Please send a photo."

[[serial_numbers]]
serial_number = "AB123Z"
product = "Balance"
"""


class Terminal:
    """The command line beside a provider on the same database."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder
        self.post = PostOffice(folder, database_url=database_url)
        self.config = folder / "config.toml"
        self.config.write_text(
            f'[database]\nurl = "{database_url}"\n[keys]\ndirectory = "{folder / "keys"}"\n'
            "[passwords]\nmemory_kib = 64\ntime_cost = 1\n"
        )

    def run(self, *arguments: str) -> Result:
        """Run `idp`."""
        return CliRunner().invoke(main, ["--config", str(self.config), *arguments])

    def apply(self, text: str, *options: str) -> Result:
        """Apply a file with this text."""
        file = self.folder / "apply.toml"
        file.write_text(text, encoding="utf-8")
        return self.run("apply", str(file), *options)


@pytest.fixture
def terminal(tmp_path: Path, database_url: str) -> Terminal:
    """A terminal on each database."""
    return Terminal(tmp_path, database_url)


@pytest.fixture
def sqlite_terminal(tmp_path: Path) -> Terminal:
    """A terminal on SQLite, for what does not depend on the database."""
    return Terminal(tmp_path, f"sqlite:///{tmp_path}/idp.sqlite3")


def count(terminal: Terminal, table: str) -> int:
    """How many rows a table has."""
    with terminal.post.provider.database.reading() as tx:
        row = tx.one(Statement(f"SELECT COUNT(*) AS count FROM {table}"))  # noqa: S608 - a name from this file
    return int(row["count"]) if row else 0


def test_everything_is_made_once(terminal: Terminal) -> None:
    """The first time adds, the second changes nothing."""
    first = terminal.apply(FILE, "--json")
    assert first.exit_code == 0, first.output
    assert {change["action"] for change in json.loads(first.output)["changes"]} == {"add"}
    tx_of = terminal.post.provider.database.reading
    with tx_of() as tx:
        client = clients.find_client(tx, "site")
        anna, rosa = accounts.find_by_email(tx, "anna@example.com"), accounts.find_by_email(tx, "rosa@example.com")
        assert client is not None
        assert anna is not None
        assert rosa is not None
        assert client.require_approval
        assert client.resources == ("https://site.example/api",)
        assert SECRET not in str(client.details)
        assert (anna.user_name, anna.approval_status, anna.roles) == ("anna.berg", "approved", frozenset({"approver"}))
        assert accounts.list_serial_numbers(tx, anna.account_id) == ["AB123Z"]
        (decision,) = approvals.list_decisions(tx, rosa.account_id)
        assert (decision.new_status, decision.actor_kind, decision.reason) == (
            "rejected",
            "operator",
            "Please send a photo.",
        )
        assert [rule.rule_key for rule in rules_in_use(tx).rules] == ["family-AB"]
        assert rules.is_serial_sold(tx, "AB123Z") is True
        assert outbox.fate(tx, now=0) == []
    assert anna.password_hash is not None
    assert terminal.post.provider.passwords.verify("short", anna.password_hash)
    second = terminal.apply(FILE, "--json")
    assert second.exit_code == 0, second.output
    assert {change["action"] for change in json.loads(second.output)["changes"]} == {"keep"}


def test_a_dry_run_shows_the_plan_and_changes_nothing(terminal: Terminal) -> None:
    """The plan is what would really happen, taken back."""
    result = terminal.apply(FILE, "--dry-run")
    assert result.exit_code == 0, result.output
    assert "+ client site" in result.output
    assert "nothing was changed" in result.output
    assert [count(terminal, table) for table in ("clients", "accounts", "rule_versions", "audit_events")] == [0] * 4


def test_what_differs_is_changed_and_named(terminal: Terminal) -> None:
    """Only what the file says and the database does not."""
    terminal.apply(FILE)
    changed = FILE.replace('client_name = "Site"', 'client_name = "Library"').replace('"Berg"', '"Meer"')
    result = terminal.apply(changed.replace('roles = ["approver"]', 'roles = ["administrator"]'))
    assert "~ client site: client_name" in result.output
    assert "~ account Anna@example.com: family_name, roles" in result.output
    assert "= client service" in result.output


def test_what_belongs_to_people_and_staff_is_left_alone(terminal: Terminal) -> None:
    """Applying a file again undoes neither a chosen password nor a decision."""
    terminal.apply(FILE)
    with terminal.post.provider.database.transaction() as tx:
        anna = accounts.find_by_email(tx, "anna@example.com")
        assert anna is not None
        accounts.set_password(tx, anna.account_id, "chosen", 1)
    result = terminal.apply(FILE.replace('approval_status = "approved"', 'approval_status = "pending"'))
    assert "stays approved; change it with: idp approvals" in result.output
    with terminal.post.provider.database.reading() as tx:
        again = accounts.get_account(tx, anna.account_id)
    assert (again.password_hash, again.approval_status) == ("chosen", "approved")


def test_a_new_secret_replaces_the_old_one(terminal: Terminal) -> None:
    """The file's secret is the only one that works afterwards (CA-3)."""
    terminal.apply(FILE)
    result = terminal.apply(FILE.replace(SECRET, "another-secret-that-is-long-too"))
    assert "~ client site: client_secret" in result.output
    with terminal.post.provider.database.reading() as tx:
        client = clients.find_client(tx, "site")
    assert client is not None
    working = [ends for _, ends in client.secret_hashes if ends is None or ends > terminal.post.now]
    assert len(working) == 1
    assert "another-secret" not in result.output


FAULTS: list[tuple[str, str]] = [
    ('[[clients]]\nclient_id = "a b"', r"clients\[1\]: client_id: must be"),
    ('[[clients]]\nclient_id = "a"', r"clients\[1\]: redirect_uris: is missing"),
    ('[[clients]]\nclient_id = "a"\nredirect_uris = ["http://x.example/"]', r"redirect_uris: must be an https address"),
    ('[[clients]]\nclient_id = "a"\nredirect_uris = ["https://x.example/#f"]', r"redirect_uris: .*fragment"),
    ('[[clients]]\nclient_id = "a"\nredirect_uris = ["https://*.x.example/"]', r"redirect_uris: .*asterisks"),
    (
        '[[clients]]\nclient_id = "a"\nredirect_uri = "https://x.example/"',
        r"redirect_uri: is not known; known are: .*redirect_uris",
    ),
    ('[[clients]]\nclient_id = "a"\ngrant_types = []\nclient_secret = "short"', r"client_secret: must have at least"),
    (
        '[[clients]]\nclient_id = "a"\ngrant_types = []\nrequire_approval = "yes"',
        r"require_approval: must be true or false",
    ),
    ('[[accounts]]\ngiven_name = "A"', r"accounts\[1\]: email: is missing"),
    ('[[accounts]]\nemail = "nobody"', r"email: must be an e-mail address"),
    ('[[accounts]]\nemail = "a@example.com"\nroles = ["king"]', r"roles: must be among"),
    ('[[accounts]]\nemail = "a@example.com"\napproval_status = "maybe"', r"approval_status: must be one of"),
    ('[[accounts]]\nemail = "a@example.com"\nserial_number = "A1"', r"serial_number: must be two letters"),
    ('[[accounts]]\nemail = "a@example.com"\ncountry = "Germany"', r"country: must be two capital letters"),
    ('[[accounts]]\nemail = "a@example.com"\npassword_hash = "md5"', r"password_hash: must be an encoded argon2id"),
    ('[[accounts]]\nemail = "a@example.com"\ngiven_name = "A\\nB"', r"given_name: must be a text on one line"),
    ('[[accounts]]\nemail = "a@example.com"\n[[accounts]]\nemail = "A@example.com"', r"stands there twice"),
    ('[[approval_rules]]\nrule_key = "x"', r"approval_rules\[1\]: a rule needs a condition"),
    ('[[accounts]]\nemail = "a@example.com"\nserial_number = "ß123Z"', r"serial_number: must be two letters"),
    ('[[serial_numbers]]\nserial_number = "12"', r"serial_numbers\[1\]: serial_number"),
    ('serial_number_file = "none.csv"', r"serial_number_file: .*cannot be read"),
    ("[clients]\nx = 1", r"clients: must be tables"),
    ("[[client]]\nx = 1", r"client: is not known; known are: clients"),
    ("this is not TOML", r"is not valid TOML"),
]


@pytest.mark.parametrize(("text", "message"), FAULTS)
def test_a_fault_is_named_with_what_would_be_right(sqlite_terminal: Terminal, text: str, message: str) -> None:
    """File, entry, key and remedy; exit 1."""
    result = sqlite_terminal.apply(text)
    assert result.exit_code == 1, result.output
    assert "apply.toml" in result.output
    assert re.search(message, result.output), result.output


def test_all_faults_are_told_at_once_and_nothing_is_written(sqlite_terminal: Terminal) -> None:
    """One run shows everything that is to be mended; good entries beside bad ones wait."""
    result = sqlite_terminal.apply(FILE + '\n[[accounts]]\nemail = "x"\n[[accounts]]\nemail = "y"\n')
    assert result.output.count("email: must be an e-mail address") == 2
    assert count(sqlite_terminal, "clients") == 0


def test_a_taken_user_name_takes_everything_back(terminal: Terminal) -> None:
    """File and database cannot both be right: all or nothing."""
    terminal.apply(FILE)
    result = terminal.apply(
        '[[approval_rules]]\nrule_key = "new"\ncountries = ["DE"]\n'
        '[[accounts]]\nemail = "other@example.com"\npreferred_username = "rosa"\n'
    )
    assert result.exit_code == 1
    assert "rosa belongs to another account" in result.output
    with terminal.post.provider.database.reading() as tx:
        assert [rule.rule_key for rule in rules_in_use(tx).rules] == ["family-AB"]


def test_a_list_of_serial_numbers_comes_from_a_file(terminal: Terminal) -> None:
    """CSV beside the apply file; its faults name the line."""
    (terminal.folder / "sold.csv").write_text("# number,product\nAB123Z,Balance\n\ncd 456 x\n")
    result = terminal.apply('serial_number_file = "sold.csv"')
    assert "+ serial numbers 2 listed: 2 new" in result.output
    assert "= serial numbers 2 listed" in terminal.apply('serial_number_file = "sold.csv"').output
    (terminal.folder / "sold.csv").write_text("AB123Z\nnonsense\n")
    assert "line 2: serial_number" in terminal.apply('serial_number_file = "sold.csv"').output


def test_disabling_a_client_ends_its_tokens(terminal: Terminal) -> None:
    """The table "What ends what" holds for the command line too."""
    terminal.apply(FILE)
    insert = Statement(
        "INSERT INTO token_families (family_id, account_id, client_id, scope, auth_time, amr, offline, kept, created_at,"
        " expires_at) VALUES ('f', 'a', 'site', 'openid', 1, 'pwd', :no, :no, 1, 2000000000)"
    )
    with terminal.post.provider.database.transaction() as tx:
        tx.run(insert, no=False)
    assert terminal.run("clients", "disable", "site").exit_code == 0
    with terminal.post.provider.database.reading() as tx:
        row: Any = tx.one(Statement("SELECT revoked_at, revoke_reason FROM token_families"))
    assert row["revoked_at"] is not None
    assert row["revoke_reason"] == "client_disabled"


def test_the_demos_password_is_for_loopback(sqlite_terminal: Terminal) -> None:
    """Its accounts are not put into a provider that others can reach."""
    demo = FILE.replace('"short"', f'"{DEMO_PASSWORD}"')
    assert sqlite_terminal.apply(demo, "--dry-run").exit_code == 0
    sqlite_terminal.config.write_text(
        sqlite_terminal.config.read_text() + '[server]\nissuer = "https://id.example.com"\n'
    )
    refused = sqlite_terminal.apply(demo)
    assert refused.exit_code == 1
    assert "accounts[1]: password: is the demo's" in refused.output
    assert count(sqlite_terminal, "accounts") == 0


CLAIMS = """
[[accounts]]
email = "sue@example.com"
middle_name = "Quinn"
nickname = "Sue"
profile = "https://example.com/sue"
picture = "https://example.com/sue.png"
website = "http://sue.example/"
gender = "female"
birthdate = "0000-05-17"
zoneinfo = "Europe/Zurich"
phone_number = "+41 61 555 01 00"
phone_number_verified = true
[accounts.address]
formatted = '''
Quellenweg 8
4058 Basel'''
locality = "Basel"
region = ""
"""


def test_the_standard_claims_follow_the_file(sqlite_terminal: Terminal) -> None:
    """Made, changed one by one, and kept where the file does not name them (OpenID Connect Core §5.1)."""
    assert sqlite_terminal.apply(CLAIMS).exit_code == 0
    result = sqlite_terminal.apply(
        CLAIMS.replace('"Sue"', '"Susi"').replace('website = "http://sue.example/"', ""), "--json"
    )
    (change,) = json.loads(result.output)["changes"]
    assert (change["action"], change["values"]) == ("change", ["nickname"])
    with sqlite_terminal.post.provider.database.reading() as tx:
        sue = accounts.find_by_email(tx, "sue@example.com")
    assert sue is not None
    assert sue.claims == {
        "middle_name": "Quinn",
        "nickname": "Susi",
        "profile": "https://example.com/sue",
        "picture": "https://example.com/sue.png",
        "website": "http://sue.example/",
        "gender": "female",
        "birthdate": "0000-05-17",
        "zoneinfo": "Europe/Zurich",
        "phone_number": "+41 61 555 01 00",
        "phone_number_verified": True,
        "address": {"formatted": "Quellenweg 8\n4058 Basel", "locality": "Basel"},
    }


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('"0000-05-17"', '"17.5.1990"', "birthdate: must be a date"),
        ('"0000-05-17"', '"1990-02-30"', "birthdate: must be a date"),
        ('"Europe/Zurich"', '"Europe/Basel"', "zoneinfo: must be a time zone"),
        ('"+41 61 555 01 00"', '"061 555 01 00"', "phone_number: must be an international number"),
        ('phone_number = "+41 61 555 01 00"', "", "phone_number_verified: needs phone_number"),
        (
            "phone_number_verified = true",
            'phone_number_verified = "yes"',
            "phone_number_verified: must be true or false",
        ),
        ('"https://example.com/sue"', '"javascript:alert(1)"', "profile: must be an address of the web"),
        ('"https://example.com/sue"', '"https://[x"', "profile: must be an address of the web"),
        ("[accounts.address]", "[accounts.address]\ncity = 'Basel'", "address.city: is not known"),
        ('locality = "Basel"', "locality = 4", "locality: must be a text"),
    ],
)
def test_a_claim_that_cannot_be_is_named(sqlite_terminal: Terminal, old: str, new: str, fault: str) -> None:
    """With what would be right."""
    result = sqlite_terminal.apply(CLAIMS.replace(old, new))
    assert result.exit_code == 1
    assert fault in re.sub(r"\s+", " ", result.output)
    assert count(sqlite_terminal, "accounts") == 0


def test_the_format_of_access_tokens_follows_the_file(sqlite_terminal: Terminal) -> None:
    """Opaque unless the file says otherwise."""
    site = FILE.split("[[clients]]")[1]
    for text, format_ in (("", "opaque"), ('access_token_format = "jwt"', "jwt"), ("", "opaque")):
        result = sqlite_terminal.apply(f"[[clients]]{site}{text}", "--json")
        assert result.exit_code == 0, result.output
        with sqlite_terminal.post.provider.database.reading() as tx:
            client = clients.find_client(tx, "site")
        assert client is not None
        assert client.access_token_format == format_
    assert json.loads(result.output)["changes"][0]["values"] == ["access_token_format"]
    result = sqlite_terminal.apply(f'[[clients]]{site}access_token_format = "saml"')
    assert "access_token_format: must be opaque or jwt" in re.sub(r"\s+", " ", result.output)


def test_a_client_cannot_be_called_like_an_account(sqlite_terminal: Terminal) -> None:
    """Both stand as subjects in access tokens (RFC 9068 §5, JW-10)."""
    sqlite_terminal.apply(FILE)
    with sqlite_terminal.post.provider.database.reading() as tx:
        anna = accounts.find_by_email(tx, "anna@example.com")
    assert anna is not None
    result = sqlite_terminal.apply(f'[[clients]]\nclient_id = "{anna.account_id}"\ngrant_types = []')
    assert result.exit_code == 1
    assert "is the number of an account" in re.sub(r"\s+", " ", result.output)


def test_whoever_loses_the_role_by_the_file_lets_go_of_applications(terminal: Terminal) -> None:
    """As on the page of roles; limits stay as long as the approver does."""
    waiting = '\n[[accounts]]\nemail = "willi@example.com"\n'
    assert terminal.apply(FILE + waiting).exit_code == 0
    provider = terminal.post.provider
    with provider.database.transaction() as tx:
        anna, willi = (accounts.find_by_identifier(tx, f"{name}@example.com") for name in ("anna", "willi"))
        assert anna is not None
        assert willi is not None
        approver_limits.save_limits(tx, anna.account_id, approver_limits.Limits(countries=frozenset({"DE"})), 1)
        assert review_work.take(tx, willi.account_id, anna.account_id, seen="", given_by="", now=1)
    assert terminal.apply(FILE.replace('["approver"]', '["approver", "customer_care"]') + waiting).exit_code == 0
    with provider.database.reading() as tx:
        assert approver_limits.find_limits(tx, anna.account_id).countries == {"DE"}
    assert terminal.apply(FILE.replace('["approver"]', '["customer_care"]') + waiting).exit_code == 0
    with provider.database.reading() as tx:
        assert review_work.find_assignment(tx, willi.account_id) is None
        assert not approver_limits.find_limits(tx, anna.account_id).is_limited
