"""Terms of use: who has to accept them before going on to a site."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TermsDemand:
    """The version in force (a date as text, so that later ones are greater; empty where there is none).

    `asks_everybody`: also who never accepted any, because they came before there were terms.
    """

    version: str = ""
    asks_everybody: bool = True

    def is_owed(self, accepted: str) -> bool:
        """Whether somebody who accepted this version last (empty: none) has to accept the one in force."""
        return bool(self.version) and accepted < self.version and (self.asks_everybody or bool(accepted))
