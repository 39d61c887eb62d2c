"""A lobby on SQLite in the test's own folder, for tests of pages that do not depend on the database."""

from __future__ import annotations

from pathlib import Path

from tests.support.lobby import CALLBACK, NOW, SITE, Browser, Lobby, answer_of, hidden_fields, request_parameters

__all__ = ["CALLBACK", "NOW", "SITE", "Browser", "House", "answer_of", "hidden_fields", "request_parameters"]


class House(Lobby):
    """An empty provider below one folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"sqlite:///{folder}/idp.sqlite3", folder / "keys")
