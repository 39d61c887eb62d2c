"""Every sentence that people see is there in every language, with its placeholders (GNU gettext catalogues)."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from idp.config import LANGUAGES

ROOT = Path(__file__).parents[1]
CATALOGUES = ROOT / "idp" / "translations"
TRANSLATED = [language for language in LANGUAGES if language != "en"]
PLACEHOLDER = re.compile(r"%\(\w+\)s|</?[a-z][^>]*>")


@lru_cache
def read_catalogue(language: str) -> Catalog:
    """One language as it is committed."""
    path = CATALOGUES / language / "LC_MESSAGES" / "messages.po"
    with path.open("rb") as file:
        return read_po(file, locale=language)


@pytest.fixture(scope="session")
def extracted(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """The sentences of code and templates, collected as `make messages` does."""
    template = tmp_path_factory.mktemp("messages") / "messages.pot"
    command = [sys.executable, "-m", "babel.messages.frontend", "--quiet", "extract", "-F", "babel.cfg"]
    keywords = ["-k", "_l", "-k", "lazy_gettext", "-k", "marked", "-o", str(template), "."]
    subprocess.run([*command, *keywords], cwd=ROOT, check=True)
    with template.open("rb") as file:
        return read_po(file)


def forms(text: str | tuple[str, ...] | list[str]) -> list[str]:
    """Singular and plural, or the one sentence."""
    return [text] if isinstance(text, str) else list(text)


def sentences(catalogue: Catalog) -> dict[str, Message]:
    """The messages of a catalogue by their English singular."""
    return {forms(message.id)[0]: message for message in catalogue if message.id}


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_sentence_is_translated(language: str, extracted: Catalog) -> None:
    """No page is half English; `make messages` finds what is new, and what is gone is gone."""
    translated, wanted = sentences(read_catalogue(language)), sentences(extracted)
    assert len(wanted) > 500
    assert sorted(wanted.keys() - translated.keys()) == []
    assert sorted(translated.keys() - wanted.keys()) == []
    assert [source for source, message in translated.items() if message.fuzzy or not all(forms(message.string))] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_placeholders_and_markup_are_kept(language: str) -> None:
    """What is filled in, and links within sentences, are the same in every language."""
    for message in sentences(read_catalogue(language)).values():
        expected = sorted(PLACEHOLDER.findall(forms(message.id)[-1]))
        assert sorted(PLACEHOLDER.findall(forms(message.string)[-1])) == expected, message.id


@pytest.mark.parametrize("language", TRANSLATED)
def test_sentences_end_as_in_english(language: str) -> None:
    """A full stop, colon or question mark at the end stays: it tells a sentence from a label."""
    for message in sentences(read_catalogue(language)).values():
        for source, text in zip(forms(message.id), forms(message.string), strict=True):
            if source[-1] in ".:?":
                assert text[-1:] == source[-1], text


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_sentence_was_left_in_english(language: str) -> None:
    """A sentence of five words or more is never the same in two languages."""
    for message in sentences(read_catalogue(language)).values():
        source, text = forms(message.id)[0], forms(message.string)[0]
        assert len(re.findall(r"[a-z]{2,}", PLACEHOLDER.sub("", source))) < 5 or text != source, source
