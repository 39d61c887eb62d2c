"""Terms of use: the operator's texts, read once, and who accepted which of them, when, and the hash of what was read.

A version is a folder named by its first day (UTC); a text is CommonMark without HTML, one file for each language. Who reads
a language that a version lacks gets the English text, else the first there is, and the acceptance says which it was.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from markdown_it import MarkdownIt

from idp.config import LANGUAGES
from idp.errors import ConfigError, Refusal
from idp.policy.terms import TermsDemand
from idp.store import accounts, audit, terms

if TYPE_CHECKING:
    from pathlib import Path

    from idp.provider import Provider
    from idp.store.database import Transaction

LONGEST = 200_000
"""Bytes of a text."""

_FILE = re.compile(r"(?P<language>[a-z]{2})\.(md|txt)")


@dataclass(frozen=True, slots=True)
class TermsText:
    """A version in one language: `html` is made from the file, `text_hash` is the file's SHA-256 in hex."""

    version: str
    language: str
    html: str
    text_hash: str

    @property
    def first_day(self) -> date:
        """From which day the version is in force (UTC)."""
        return date.fromisoformat(self.version)


@dataclass(frozen=True, slots=True)
class Terms:
    """All versions by their names, each with its texts by language."""

    versions: Mapping[str, Mapping[str, TermsText]] = field(default_factory=dict)
    asks_everybody: bool = True

    def in_force(self, now: int) -> str:
        """The name of the version in force; empty where there is none (yet)."""
        today = datetime.fromtimestamp(now, UTC).date().isoformat()
        return max((version for version in self.versions if version <= today), default="")

    def demand(self, now: int) -> TermsDemand:
        """What policy asks of customers now."""
        return TermsDemand(self.in_force(now), self.asks_everybody)

    def get_text(self, version: str, language: str) -> TermsText:
        """The text for a reader. Raises `Refusal("terms_unknown")`."""
        texts = self.versions.get(version)
        if not texts:
            raise Refusal("terms_unknown")
        return next(texts[code] for code in (language, "en", *sorted(texts)) if code in texts)


def load_terms(directory: Path | None, *, asks_everybody: bool = True) -> Terms:
    """Read all texts. Raises `ConfigError` naming the file or folder."""
    if directory is None:
        return Terms(asks_everybody=asks_everybody)
    try:
        folders = sorted(path for path in directory.iterdir() if path.is_dir() and not path.name.startswith("."))
        versions = {folder.name: _read_version(folder) for folder in folders}
    except OSError as error:
        raise ConfigError(f"terms.directory: {error.filename or directory} cannot be read: {error.strerror}") from None
    if not versions:
        raise ConfigError(f"terms.directory: {directory} has no folder such as 2026-01-01")
    return Terms(versions, asks_everybody)


def accept_terms(provider: Provider, account_id: str, *, version: str, language: str, address: str = "") -> None:
    """Keep that somebody accepts the version in force; twice is once.

    Raises `Refusal`: `terms_unknown`, `terms_changed` where another version is in force by now.
    """
    with provider.database.transaction() as tx:
        now = provider.clock()
        accept_within(provider, tx, account_id, version=version, language=language, address=address, now=now)


def accept_within(
    provider: Provider, tx: Transaction, account_id: str, *, version: str, language: str, address: str = "", now: int
) -> None:
    """What `accept_terms` does, in the caller's transaction and at the caller's time."""
    record_acceptance(tx, account_id, read_acceptance(provider, version, language, now=now), address=address)


def read_acceptance(provider: Provider, version: str, language: str, *, now: int | None = None) -> dict[str, Any]:
    """What is kept of an acceptance given now: version, language, hash of the text, time. Raises as `accept_terms`.

    `language` is that of the page that was read: the hash is of the text shown there.
    """
    now = provider.clock() if now is None else now
    text = provider.terms.get_text(version, language)
    if version != provider.terms.in_force(now):
        raise Refusal("terms_changed")
    return {"version": version, "language": text.language, "text_hash": text.text_hash, "accepted_at": now}


def record_acceptance(tx: Transaction, account_id: str, given: Mapping[str, Any], *, address: str = "") -> None:
    """Keep an acceptance with the account, and its line in the trail."""
    if not given or not terms.add_acceptance(tx, account_id, **given):
        return
    audit.record(
        tx,
        "terms_accepted",
        now=given["accepted_at"],
        actor_kind="customer",
        actor=account_id,
        account_id=account_id,
        address=address,
        details={name: given[name] for name in ("version", "language", "text_hash")},
    )


def is_owed(provider: Provider, account: accounts.Account) -> bool:
    """Whether this customer has to accept the version in force."""
    return provider.terms.demand(provider.clock()).is_owed(account.terms_version)


def find_changed_texts(provider: Provider) -> list[tuple[str, str]]:
    """Version and language of texts that were accepted and are not what they were: a change needs a new version."""
    with provider.database.reading() as tx:
        accepted = terms.list_accepted_hashes(tx)
    found = provider.terms.versions
    return [
        (version, language)
        for version, language, text_hash in accepted
        if language not in found.get(version, {}) or found[version][language].text_hash != text_hash
    ]


def _read_version(folder: Path) -> dict[str, TermsText]:
    try:
        is_day = date.fromisoformat(folder.name).isoformat() == folder.name
    except ValueError:
        is_day = False
    if not is_day:
        raise ConfigError(f"terms.directory: {folder} must be named by its first day, such as 2026-01-01")
    texts = {}
    for path in sorted(folder.iterdir()):
        match = _FILE.fullmatch(path.name)
        if match is None or match["language"] not in LANGUAGES:
            raise ConfigError(f"terms.directory: {path} must be one of {', '.join(f'{code}.md' for code in LANGUAGES)}")
        texts[match["language"]] = _read_text(path, folder.name, match["language"])
    if not texts:
        raise ConfigError(f"terms.directory: {folder} has no text such as en.md")
    return texts


def _read_text(path: Path, version: str, language: str) -> TermsText:
    content = path.read_bytes()
    if len(content) > LONGEST:
        raise ConfigError(f"terms.directory: {path} is longer than {LONGEST} bytes")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise ConfigError(f"terms.directory: {path} is not UTF-8") from None
    if not text.strip():
        raise ConfigError(f"terms.directory: {path} is empty")
    return TermsText(version, language, render(text), hashlib.sha256(content).hexdigest())


def render(text: str) -> str:
    """CommonMark as HTML; HTML in it stays text, images are left out, headings begin below the page's own."""
    markdown = MarkdownIt("commonmark", {"html": False}).disable("image")
    tokens = markdown.parse(text)
    headings = [token for token in tokens if token.type in ("heading_open", "heading_close")]
    highest = min((int(token.tag[1]) for token in headings), default=1)
    for token in headings:
        token.tag = f"h{min(6, int(token.tag[1]) - highest + 2)}"
    return str(markdown.renderer.render(tokens, markdown.options, {}))
