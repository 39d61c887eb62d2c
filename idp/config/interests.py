"""`[interests]`: what customers may choose, and where their news comes from (F-1.1); `[devices]`: their products."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from idp.config.sections import Section

Labels = dict[str, dict[str, str]]

_KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_LANGUAGES = ("en", "de", "fr", "es")


class DeviceSettings(Section):
    """`[devices]`: what the family letters of serial numbers stand for."""

    products: dict[str, str] = Field(default_factory=dict, description="Family letters = name of the product.")

    @field_validator("products")
    @classmethod
    def _check_products(cls, value: dict[str, str]) -> dict[str, str]:
        for family, product in value.items():
            if not re.fullmatch("[A-Z]{2}", family) or not 0 < len(product.strip()) <= 80:
                raise ValueError(f'{family!r} must be two capital letters with a name, such as AB = "Balance"')
        return value


class InterestSettings(Section):
    """Keys with their labels in each language, which sites get as the claims `interests` and `region`; feeds by client id.

    A feed is a JSON Feed 1.1 (jsonfeed.org): a file, or an address that `[outbound]` permits.
    """

    products: Labels = Field(default_factory=dict, description="Products: key = labels by language.")
    topics: Labels = Field(default_factory=dict, description="Topics: key = labels by language.")
    regions: Labels = Field(default_factory=dict, description="Regions: key = labels by language.")
    feeds: dict[str, str] = Field(default_factory=dict, description="Client id = file or address of its JSON Feed.")
    feed_minutes: int = Field(15, ge=1, le=1440, description="How often a feed is read.")

    @field_validator("products", "topics", "regions")
    @classmethod
    def _check_labels(cls, value: Labels) -> Labels:
        for key, labels in value.items():
            if not _KEY.fullmatch(key):
                raise ValueError(f"{key!r} must be small letters, digits and dashes, at most 40")
            if "en" not in labels:
                raise ValueError(f'{key} needs an English label, such as {{ en = "Balances" }}')
            for language, label in labels.items():
                if language not in _LANGUAGES:
                    raise ValueError(f"{key}: {language!r} is none of {', '.join(_LANGUAGES)}")
                if not 0 < len(label.strip()) <= 80:
                    raise ValueError(f"{key}: a label has 1 to 80 characters")
        return value

    @field_validator("feeds")
    @classmethod
    def _check_feeds(cls, value: dict[str, str]) -> dict[str, str]:
        for client_id, place in value.items():
            if not place.strip():
                raise ValueError(f"{client_id}: must be a file or an http(s) address")
        return value

    @property
    def keys(self) -> frozenset[str]:
        """Everything that may be chosen as an interest."""
        return frozenset((*self.products, *self.topics))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to choose."""
        return not (self.products or self.topics or self.regions)
