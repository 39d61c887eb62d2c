"""A house for each test of the protocol's pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.house import House


@pytest.fixture
def house(tmp_path: Path) -> House:
    """An empty provider with one site that asks for consent and one that needs none."""
    made = House(tmp_path)
    made.add_client("site", require_approval=False)
    made.add_client("own", require_approval=False, first_party=True)
    made.add_client("strict", require_approval=True, first_party=True)
    return made
