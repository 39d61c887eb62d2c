"""Interests and regions in the reader's language: for customers, and for staff who look at an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.accounts.interests import interests_of
from idp.i18n import current_locale

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.config.interests import InterestSettings
    from idp.store.accounts import Account


def label_of(labels: Mapping[str, str]) -> str:
    """A label in the reader's language, else in English."""
    return labels.get(current_locale()) or labels["en"]


def tell_interests(offered: InterestSettings, account: Account) -> tuple[str, str]:
    """What an account chose, and its region, in words; what is not offered any more by its key."""
    chosen, region = interests_of(account)
    labels = offered.products | offered.topics
    words = [label_of(labels[key]) if key in labels else key for key in chosen]
    place = label_of(offered.regions[region]) if region in offered.regions else region or ""
    return ", ".join(words), place
