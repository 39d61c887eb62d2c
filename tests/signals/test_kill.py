"""`kill -9` in the middle of deliveries: nothing is lost, and hardly anything goes out twice (RL-1, RL-2)."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest

from idp.store.database import Statement
from tests.support.post import PostOffice
from tests.support.processes import free_port
from tests.support.server import serving
from tests.support.smtp import SmtpServer

MAILS = 60
KILLS = (10, 30)


@pytest.mark.timeout(180)
def test_every_mail_goes_out(tmp_path: Path, database_url: str, smtp_server: SmtpServer) -> None:
    """Killed twice while it sends; after the last start every mail has arrived and every row is done."""
    post = PostOffice(tmp_path, database_url=database_url, mail_url=smtp_server.url)
    addresses = [f"person{number}@example.com" for number in range(MAILS)]
    for address in addresses:
        post.write_mail(address, expires_at=post.now + 10**9)
    port = free_port()
    config = tmp_path / "config.toml"
    config.write_text(
        f'[server]\nissuer = "http://localhost:{port}"\nbind = "127.0.0.1:{port}"\n'
        f'[database]\nurl = "{database_url}"\n[keys]\ndirectory = "{tmp_path}/keys"\n'
        f'[mail]\nurl = "{smtp_server.url}"\n'
    )
    # The test's clock is ahead of the server's: rows that it wrote would not be due yet.
    post.provider.database.engine.dispose()
    _make_due(post)
    for number, kill_at in enumerate((*KILLS, MAILS)):
        with serving(f"http://127.0.0.1:{port}", log=tmp_path / f"server-{number}.log", config=config) as server:
            smtp_server.wait_for(kill_at, seconds=60)
            if kill_at < MAILS:
                server.kill()
            else:
                _wait_until_done(post, smtp_server, addresses)
    arrived = Counter(mail.recipients[0] for mail in smtp_server.inbox)
    assert set(arrived) == set(addresses)
    repeated = sum(arrived.values()) - MAILS
    assert repeated <= len(KILLS), "at most the mail that was under way at each kill"


def _make_due(post: PostOffice) -> None:
    with post.provider.database.transaction() as tx:
        tx.run(Statement("UPDATE outbox SET available_at = 0"))


def _wait_until_done(post: PostOffice, smtp_server: SmtpServer, addresses: list[str]) -> None:
    end = time.monotonic() + 60
    while {fate.state for fate in post.fates()} != {"done"}:
        assert time.monotonic() < end, [fate for fate in post.fates() if fate.state != "done"]
        time.sleep(0.1)
    assert all(smtp_server.mails_to(address) for address in addresses)
