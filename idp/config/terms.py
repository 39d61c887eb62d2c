"""`[terms]`: the operator's terms of use, in versions; the provider shows them and keeps who accepted which."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from idp.config.sections import Section


class TermsSettings(Section):
    """A folder with a folder for each version, named by its first day, with a text for each language: `2026-01-01/en.md`."""

    directory: Path | None = Field(
        None, description="The folder of the versions; none: no terms, or those of terms_url."
    )
    ask_everybody: bool = Field(
        True, description="Whether customers who never accepted any are asked at their next sign-in at a site."
    )
