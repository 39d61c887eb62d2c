"""`make guessing N=10000`: wrong passwords from 200 networks on two instances on PostgreSQL, while the owner signs in.

The limits are those that the provider comes with. Each try has an address of its own network (X-Forwarded-For, as a trusted
proxy sends it) and one of 40 accounts. *Evaluated* is a try whose password was looked at (422); *beyond* what was looked at
over the limit of its account, of its network, or of all together. Between volleys the owner of the first account, which is
attacked all the while, signs in with the right password in the browser that was used before.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from attacks.people import add_account, new_name
from attacks.stage import Stage, stage
from attacks.volley import Answer, Request, form
from idp.config import LimitSettings
from idp.logs import configure_logging
from idp.store.known_browsers import remember_browser
from tests.support.postgresql import running_cluster

NETWORKS, ACCOUNTS, AT_ONCE = 200, 40, 32
PASSWORD, DEVICE = "the owner's own lighthouse", "d" * 43
EVALUATED, RIGHT, WAIT = 422, 303, 429
ACCOUNT_SECONDS, SHARED_SECONDS = 300, 60
_ENVIRONMENT = {"IDP_LIMITS__ENABLED": "true", "IDP_SERVER__TRUSTED_PROXIES": "1"}


@dataclass
class Figures:
    """What became of the tries."""

    statuses: Counter[int] = field(default_factory=Counter)
    by_account: Counter[str] = field(default_factory=Counter)
    by_network: Counter[str] = field(default_factory=Counter)
    without_wait: int = 0
    """Refused without Retry-After."""
    owner_tries: int = 0
    owner_wins: int = 0
    seconds: float = 0.0

    def note(self, account: str, network: str, answer: Answer) -> None:
        """Count a stranger's try."""
        self.statuses[answer.status] += 1
        self.without_wait += answer.status == WAIT and not answer.retry_after
        if answer.status in (EVALUATED, RIGHT):
            self.by_account[account] += 1
            self.by_network[network] += 1

    def count_beyond(self, limits: LimitSettings) -> int:
        """How many were looked at over any of the limits; a window that ended meanwhile allows as many again."""
        accounts, shared = 1 + int(self.seconds // ACCOUNT_SECONDS), 1 + int(self.seconds // SHARED_SECONDS)
        beyond = sum(max(0, n - limits.account_tries * accounts) for n in self.by_account.values())
        beyond += sum(max(0, n - limits.network_tries * shared) for n in self.by_network.values())
        return beyond + max(0, sum(self.by_account.values()) - limits.tries_in_all * shared)

    def is_good(self, limits: LimitSettings) -> bool:
        """None beyond, every refusal says when to come again, nothing broke, and the owner gets in."""
        known = {EVALUATED, WAIT}
        gets_in = self.owner_wins >= 0.99 * self.owner_tries > 0
        return gets_in and not self.count_beyond(limits) and not self.without_wait and set(self.statuses) <= known


def attack(stage: Stage, tries: int, *, seed: int = 7) -> Figures:
    """So many wrong passwords in volleys over both instances; out: what became of them."""
    luck, figures = random.Random(seed), Figures()  # noqa: S311 - which account is tried is no secret
    names = [new_name() for _ in range(ACCOUNTS)]
    password_hash = stage.provider.passwords.hash(PASSWORD)
    with stage.provider.database.transaction() as tx:
        people = [add_account(stage.provider, tx, name=name, password_hash=password_hash) for name in names]
        remember_browser(tx, people[0].account_id, DEVICE, stage.provider.clock())
    begun = time.monotonic()
    for start in range(0, tries, AT_ONCE):
        aims = [
            (luck.choice((names[0], luck.choice(names))), f"203.0.{n % NETWORKS}.1")
            for n in range(start, min(start + AT_ONCE, tries))
        ]
        answers = stage.volley.send([_sign_in(stage, name, "wrong", address) for name, address in aims])
        for (name, address), answer in zip(aims, answers, strict=True):
            figures.note(name, address, answer)
        owner = stage.volley.ask(_sign_in(stage, names[0], PASSWORD, "203.0.1.1", idp_device=DEVICE))
        figures.owner_tries += 1
        figures.owner_wins += owner.status == RIGHT
    figures.seconds = time.monotonic() - begun
    return figures


@contextmanager
def open_stage() -> Iterator[Stage]:
    """Two instances with their usual limits on a new PostgreSQL, behind a proxy that they trust."""
    with (
        tempfile.TemporaryDirectory(prefix="idp-guessing-") as name,
        running_cluster() as cluster,
        stage(Path(name), cluster.new_database(), tries=AT_ONCE, environment=_ENVIRONMENT) as made,
    ):
        yield made


def _sign_in(stage: Stage, name: str, password: str, address: str, **cookies: str) -> Request:
    values = {"username": name, "password": password, "csrf_token": stage.form_token}
    return form("/sign-in", values, cookies={**stage.form_cookie, **cookies}, headers={"X-Forwarded-For": address})


def main() -> None:
    """Attack and print the figures; exit code 1 where anything is not as it must be."""
    parser = argparse.ArgumentParser(prog="python -m attacks.guessing", description=__doc__)
    parser.add_argument("--tries", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    configure_logging("error")
    limits = LimitSettings()
    with open_stage() as made:
        figures = attack(made, options.tries, seed=options.seed)
    f = figures
    sys.stdout.write(
        f"{options.tries} tries from {NETWORKS} networks at {ACCOUNTS} accounts in {f.seconds:.0f} s: "
        f"{sum(f.by_account.values())} evaluated, {f.count_beyond(limits)} beyond the limits, "
        f"{f.statuses[WAIT]} told to wait, {f.without_wait} of them not how long\n"
        f"the owner's browser: {f.owner_wins} of {f.owner_tries} got in; answers {dict(f.statuses)}\n"
    )
    if not figures.is_good(limits):
        sys.exit(1)


if __name__ == "__main__":
    main()
