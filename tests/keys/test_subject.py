"""Subjects of sectors: the same for one, another one for each other, and nothing to be found out from them."""

from __future__ import annotations

from idp.keys.master import MasterKey
from idp.keys.subject import session_of, subject_of

MASTER = MasterKey(bytes(range(32)))


def test_a_subject_is_its_sectors_own() -> None:
    """Always the same in a sector, different in each (OpenID Connect Core §8.1)."""
    sectors = ["site.example", "other.example", "site.example "]
    seen = [subject_of("anna", sector, MASTER) for sector in sectors]
    assert len(set(seen)) == 3
    assert seen == [subject_of("anna", sector, MASTER) for sector in sectors]
    assert subject_of("bea", "site.example", MASTER) not in seen
    assert subject_of("anna", "site.example", MasterKey(bytes(32))) not in seen
    assert all(len(subject) == 43 and "anna" not in subject for subject in seen)


def test_without_a_sector_it_is_the_public_one() -> None:
    """As accounts and sessions are known everywhere."""
    assert (subject_of("anna", None, MASTER), session_of("s", None, MASTER)) == ("anna", "s")


def test_a_session_is_no_subject() -> None:
    """Each kind has its own purpose (CO-13)."""
    assert session_of("anna", "site.example", MASTER) != subject_of("anna", "site.example", MASTER)
