"""What a customer is interested in, and their region: kept as the claims that sites get (scope `interests`, F-1.1)."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from idp.errors import Refusal
from idp.store import accounts, audit, news

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.accounts import Account
    from idp.store.news import NewsItem

NEWS_LAST = 180 * 86400
MOST_SHOWN = 12
MOST_READ = 1000


def interests_of(account: Account) -> tuple[tuple[str, ...], str | None]:
    """The chosen keys and the region."""
    chosen = account.claims.get("interests")
    region = account.claims.get("region")
    return tuple(chosen) if isinstance(chosen, list) else (), region if isinstance(region, str) else None


def build_choice(interests: Collection[str], region: str) -> dict[str, Any]:
    """A choice as an account's claims keep it; what is empty is not there."""
    chosen: dict[str, Any] = {"interests": sorted(set(interests))} if interests else {}
    return chosen | ({"region": region} if region else {})


def choose_interests(provider: Provider, account_id: str, interests: Collection[str], region: str) -> None:
    """Keep what was chosen; an empty region is none. Raises `Refusal("interest_unknown")` for what is not offered."""
    offered, now = provider.settings.interests, provider.clock()
    if not set(interests) <= offered.keys or (region and region not in offered.regions):
        raise Refusal("interest_unknown")
    with provider.database.transaction() as tx:
        claims = dict(accounts.lock_account(tx, account_id).claims)
        claims.pop("interests", None)
        claims.pop("region", None)
        accounts.set_claims(tx, account_id, claims | build_choice(interests, region), now)
        audit.record(
            tx,
            "interests_chosen",
            now=now,
            actor_kind="customer",
            actor=account_id,
            account_id=account_id,
            details={"interests": sorted(set(interests)), "region": region},
        )


def list_news(
    provider: Provider, account: Account, *, sites: Collection[str] | None = None, everything: bool = False
) -> list[NewsItem]:
    """The newest news of these sites for somebody's interests and region, or all of it; `sites` None: of every site.

    It is chosen before it is cut, so that a busy site does not hide what fits.
    """
    now = provider.clock()
    with provider.database.reading() as tx:
        found = news.newest_items(tx, now=now, since=now - NEWS_LAST, limit=MOST_READ)
    interests, region = interests_of(account)
    fitting = [
        item
        for item in found
        if (sites is None or item.client_id in sites) and (everything or item.is_for(interests, region))
    ]
    return fitting[:MOST_SHOWN]
