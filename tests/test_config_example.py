"""`config.example.toml` documents every setting, with the defaults that hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from idp.config import Section, Settings, load_settings

EXAMPLE = Path(__file__).resolve().parent.parent / "config.example.toml"
SECTIONS = [name for name in Settings.model_fields if name != "source"]


def test_the_example_says_the_defaults() -> None:
    """Whoever copies the file changes nothing."""
    assert load_settings(EXAMPLE, {}).model_dump() == Settings().model_dump()


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_stands_in_its_section_below_a_remark(section: str) -> None:
    """Keys without a default stand there as a remark."""
    text = EXAMPLE.read_text(encoding="utf-8")
    part = re.split(r"^\[", text.partition(f"\n[{section}]\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    model = Settings.model_fields[section].annotation
    assert isinstance(model, type)
    assert issubclass(model, Section)
    assert set(re.findall(r"^(?:# )?([a-z_]+) = ", part, re.MULTILINE)) == set(model.model_fields)
