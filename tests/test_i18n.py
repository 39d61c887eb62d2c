"""Languages: chosen safely, switched by context, with dates as people write them."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from idp import i18n, resources
from idp.i18n import LazyText, choose_language, gettext, known_language, lazy_gettext, ngettext, use_locale

CATALOGUE = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

msgid "Good morning, %(name)s"
msgstr "Guten Morgen, %(name)s"

msgid "%(num)s day"
msgid_plural "%(num)s days"
msgstr[0] "%(num)s Tag"
msgstr[1] "%(num)s Tage"
"""


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A German catalogue of the test's own."""
    folder = tmp_path / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "messages.po").write_text(CATALOGUE, encoding="utf-8")
    monkeypatch.setattr(resources, "translations_folder", lambda: tmp_path)
    i18n.translator.cache_clear()
    yield folder
    i18n.translator.cache_clear()


def test_the_context_says_the_language(catalogue: Path) -> None:
    """English is the source; inside the block German is spoken, in plural forms too."""
    assert gettext("Good morning, %(name)s", name="Anna") == "Good morning, Anna"
    with use_locale("de"):
        assert gettext("Good morning, %(name)s", name="Anna") == "Guten Morgen, Anna"
        assert [ngettext("%(num)s day", "%(num)s days", n) for n in (1, 2)] == ["1 Tag", "2 Tage"]
    assert gettext("Good morning, %(name)s", name="Anna") == "Good morning, Anna"


def test_a_thread_speaks_its_own_language(catalogue: Path) -> None:
    """A request's language never reaches another request."""
    heard: list[str] = []
    with use_locale("de"):
        thread = threading.Thread(target=lambda: heard.append(i18n.current_locale()))
        thread.start()
        thread.join()
    assert heard == ["en"]


def test_a_compiled_catalogue_counts_unless_it_is_older(catalogue: Path) -> None:
    """The wheel has only the compiled one; in a checkout the newer source wins."""
    source, compiled = catalogue / "messages.po", catalogue / "messages.mo"
    compiled.write_bytes(i18n._compile(source, "de").read())
    source.write_text(CATALOGUE.replace("Guten Morgen", "Moin"), encoding="utf-8")
    os.utime(compiled, (1, 1))
    with use_locale("de"):
        assert gettext("Good morning, %(name)s", name="A") == "Moin, A"
    source.unlink()
    i18n.translator.cache_clear()
    with use_locale("de"):
        assert gettext("Good morning, %(name)s", name="A") == "Guten Morgen, A"


def test_a_label_is_translated_when_it_is_shown(catalogue: Path) -> None:
    """A form's label is written once, when its module is imported."""
    label = lazy_gettext("Good morning, %(name)s", name="Anna")
    assert isinstance(label, LazyText)
    with use_locale("de"):
        assert str(label) == f"{label}" == "Guten Morgen, Anna"
        assert "<" + label + ">" == "<Guten Morgen, Anna>"
    assert label == "Good morning, Anna"


@pytest.mark.parametrize(
    ("wishes", "language"),
    [
        (["de-AT"], "de"),
        (["pt", "fr-CH"], "fr"),
        (["zh"], "en"),
        (["../../etc/passwd"], "en"),
        (["x" * 10_000], "en"),
        (["_", "-", "", "\x00"], "en"),
        ([], "en"),
    ],
)
def test_a_language_is_one_of_ours_whatever_is_wished(wishes: list[str], language: str) -> None:
    """Tags from outside choose, and are never used as they are."""
    assert choose_language(wishes) == language
    assert known_language(wishes[0] if wishes else "") in ("en", "de", "fr", "es")


def test_times_are_told_in_words() -> None:
    """Day first, the zone named."""
    zone = i18n.time_zone("Europe/Berlin")
    with use_locale("en", zone):
        assert i18n.format_moment(1_800_000_000) == "15 January 2027, 09:00 CET"
    with use_locale("de"):
        assert i18n.format_day(1_800_000_000) == "15. Januar 2027"
        assert i18n.format_clock(1_800_000_000) == "08:00 UTC"
    assert [i18n.format_duration(s) for s in (60, 3600, 7200, 86400, 14 * 86400)] == [
        "1 minute",
        "1 hour",
        "2 hours",
        "24 hours",
        "14 days",
    ]
