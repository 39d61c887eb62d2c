"""Interests and regions in the reader's language: for customers, and for staff who look at an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idp.accounts.interests import interests_of
from idp.i18n import current_locale, gettext

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.config.interests import InterestSettings
    from idp.store.accounts import Account


def label_of(labels: Mapping[str, str]) -> str:
    """A label in the reader's language, else in English."""
    return labels.get(current_locale()) or labels["en"]


def offered_groups(offered: InterestSettings) -> list[tuple[str, list[tuple[str, str]]]]:
    """What can be chosen: the title of each group with its keys and their labels."""
    groups = [(gettext("Products"), offered.products), (gettext("Topics"), offered.topics)]
    return [(title, [(key, label_of(labels)) for key, labels in found.items()]) for title, found in groups if found]


def offered_regions(offered: InterestSettings) -> list[tuple[str, str]]:
    """The regions with their labels."""
    return [(key, label_of(labels)) for key, labels in offered.regions.items()]


def tell_interests(offered: InterestSettings, account: Account) -> tuple[str, str]:
    """What an account chose, and its region, in words; what is not offered any more by its key."""
    chosen, region = interests_of(account)
    labels = offered.products | offered.topics
    words = [label_of(labels[key]) if key in labels else key for key in chosen]
    place = label_of(offered.regions[region]) if region in offered.regions else region or ""
    return ", ".join(words), place
