"""The provider's parts, made once in `create_app` and handed to whoever acts: views, worker, command line.

A bag of values without behaviour. The protocol's functions do not take it: they get exactly what they need.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from idp.accounts.breached_passwords import BreachRange
    from idp.accounts.hashing_worker import PasswordHasher
    from idp.accounts.terms import Terms
    from idp.clock import Clock
    from idp.config import Settings
    from idp.keys.keyring import Keyring
    from idp.keys.master import MasterKey
    from idp.protocol.client_keys import ClientKeys
    from idp.signals.fetcher import Fetcher
    from idp.store.clients import Clients
    from idp.store.database import Database
    from idp.store.outbox import Item


@dataclass(frozen=True, slots=True)
class Provider:
    """What acts are done with: settings, time, memory, keys."""

    settings: Settings
    clock: Clock
    database: Database
    master: MasterKey
    passwords: PasswordHasher
    fetcher: Fetcher
    breaches: BreachRange
    keyring: Keyring
    clients: Clients
    client_keys: ClientKeys
    terms: Terms
    deliveries: Mapping[str, Callable[[Provider, Item], None]] = field(default_factory=dict)
    housekeeping: tuple[Callable[[Provider], None], ...] = ()
