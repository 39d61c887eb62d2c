"""The table "What ends what", cell by cell, from rows in the database (DESIGN)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from idp.accounts.endings import Ended, apply_ending
from idp.policy.endings import ENDINGS, Act, Mail
from idp.signals import backchannel
from idp.store import audit, codes, outbox, pending, sessions
from idp.store.database import Statement
from idp.store.endings import note_session_client
from tests.support.lobby import NOW, Lobby

GUARDED, OPEN = "guarded", "open"

_ALL = Statement("SELECT family_id FROM token_families")
_ADD_ACCESS = Statement(
    "INSERT INTO access_tokens (token_hash, family_id, client_id, account_id, sid, scope, audience, issued_at, expires_at)"
    " VALUES (:token_hash, :family_id, :client_id, :account_id, :sid, 'openid', 'resource', :now, :expires_at)"
)


@dataclass
class Scene:
    """Ada with two sessions, each in at two sites, offline access at both; Bob with one of everything."""

    lobby: Lobby
    account_id: str
    sids: tuple[str, str]
    families: Mapping[str, str]
    """Names such as `one guarded`, `two open`, `one guarded offline`, `bob guarded`, to family ids."""

    def end(self, act: Act) -> Ended:
        """Apply the act as its callers do."""
        values: dict[str, str | None] = {"account_id": self.account_id}
        if act in (Act.SIGN_OUT, Act.SESSION_EXPIRED):
            values["sid"] = self.sids[0]
        if act is Act.PASSWORD_CHANGED:
            values["except_sid"] = self.sids[0]
        if act in (Act.CONSENT_WITHDRAWN, Act.CLIENT_DISABLED):
            values["client_id"] = OPEN
        if act in (Act.CLIENT_DISABLED, Act.TOKEN_REPLAYED, Act.KEY_COMPROMISED):
            values["account_id"] = None
        if act is Act.TOKEN_REPLAYED:
            values["family_id"] = self.families["one open"]
        with self.lobby.provider.database.transaction() as tx:
            return apply_ending(self.lobby.provider, tx, act, **values, now=NOW + 10)  # type: ignore[arg-type]

    def live_sessions(self) -> set[str]:
        """Which of Ada's two sessions live."""
        live = {row["sid"] for row in self.lobby.rows("SELECT sid FROM sessions WHERE ended_at IS NULL")}
        return {name for name, sid in zip(("one", "two"), self.sids, strict=True) if sid in live}

    def dead_families(self) -> set[str]:
        """Which families are revoked; their codes and access tokens must be as dead, and the others' alive."""
        dead = {
            row["family_id"] for row in self.lobby.rows("SELECT * FROM token_families WHERE revoked_at IS NOT NULL")
        }
        for query in (
            "SELECT family_id FROM codes WHERE revoked_at IS NOT NULL",
            "SELECT family_id FROM access_tokens WHERE revoked_at IS NOT NULL",
        ):
            assert {row["family_id"] for row in self.lobby.rows(query)} == dead, query
        return {name for name, family_id in self.families.items() if family_id in dead}

    def told(self) -> set[tuple[str, str]]:
        """Which site is told that which session ended: (`one` or `two`, client)."""
        names = {self.sids[0]: "one", self.sids[1]: "two"}
        with self.lobby.provider.database.reading() as tx:
            rows = outbox.fate(tx, now=NOW, kind=backchannel.KIND)
        assert len({(row.sid, row.client_id) for row in rows}) == len(rows), "somebody is told twice"
        return {(names.get(row.sid or "", "bob"), row.client_id or "") for row in rows}


@pytest.fixture
def scene(lobby: Lobby) -> Scene:
    """The scene on an empty provider."""
    return make_scene(lobby)


def make_scene(lobby: Lobby) -> Scene:
    """Ada and Bob, with sessions and families."""
    lobby.add_client(GUARDED, require_approval=True)
    lobby.add_client(OPEN, require_approval=False)
    ada, bob = lobby.add_account("ada"), lobby.add_account("bob")
    sids: dict[str, str] = {}
    families: dict[str, str] = {}
    for name, account in (("one", ada), ("two", ada), ("bob", bob)):
        with lobby.provider.database.transaction() as tx:
            started = sessions.start_session(tx, account_id=account.account_id, kept=False, lifetime=43200, now=NOW)
        sids[name] = started.session.sid
        for client in (GUARDED, OPEN):
            for offline in (False, True):
                key = f"{name} {client}{' offline' if offline else ''}"
                families[key] = add_family(lobby, account.account_id, sids[name], client, offline=offline)
    return Scene(lobby, ada.account_id, (sids["one"], sids["two"]), families)


def add_family(lobby: Lobby, account_id: str, sid: str, client_id: str, *, offline: bool) -> str:
    """A family with a code and an access token."""
    with lobby.provider.database.transaction() as tx:
        note_session_client(tx, sid, client_id, NOW)
        family = codes.begin_family(
            tx,
            account_id=account_id,
            client_id=client_id,
            scope="openid",
            nonce=None,
            sid=sid,
            auth_time=NOW,
            amr="pwd",
            kept=False,
            session_expires_at=NOW + 43200,
            offline=offline,
            expires_at=NOW + 43200,
            now=NOW,
        )
        codes.issue_code(
            tx, family, redirect_uri="https://site.example/callback", code_challenge=None, lifetime=60, now=NOW
        )
        family_id = family.family_id
        tx.run(
            _ADD_ACCESS,
            token_hash=family_id.encode().ljust(32),
            family_id=family_id,
            client_id=client_id,
            account_id=account_id,
            sid=sid,
            now=NOW,
            expires_at=NOW + 600,
        )
    return str(family_id)


ADA_ONE = {"one guarded", "one open"}
ADA_TWO = {"two guarded", "two open"}
ADA_OFFLINE = {f"{name} {client} offline" for name in ("one", "two") for client in (GUARDED, OPEN)}
ALL_OF_ADA = ADA_ONE | ADA_TWO | ADA_OFFLINE
AT_GUARDED = {name for name in ALL_OF_ADA if GUARDED in name}
AT_OPEN = {name for name in ALL_OF_ADA if OPEN in name}

# Each row of DESIGN's table: the sessions that live on, the families that are dead, who is told.
TABLE = [
    (Act.SIGN_OUT, {"two"}, ADA_ONE, {("one", GUARDED), ("one", OPEN)}),
    (Act.SIGN_OUT_EVERYWHERE, set(), ALL_OF_ADA, {(s, c) for s in ("one", "two") for c in (GUARDED, OPEN)}),
    (Act.SESSION_EXPIRED, {"two"}, ADA_ONE, {("one", GUARDED), ("one", OPEN)}),
    (Act.PASSWORD_CHANGED, {"one"}, ADA_TWO | ADA_OFFLINE, {(s, c) for s in ("one", "two") for c in (GUARDED, OPEN)}),
    (Act.PASSWORD_RESET, set(), ALL_OF_ADA, {(s, c) for s in ("one", "two") for c in (GUARDED, OPEN)}),
    (Act.EMAIL_CHANGED, {"one", "two"}, set(), set()),
    (Act.EMAIL_CHANGE_UNDONE, set(), ALL_OF_ADA, {(s, c) for s in ("one", "two") for c in (GUARDED, OPEN)}),
    (Act.APPROVAL_WITHDRAWN, {"one", "two"}, AT_GUARDED, {("one", GUARDED), ("two", GUARDED)}),
    (Act.APPROVED, {"one", "two"}, set(), set()),
    (Act.ACCOUNT_CLOSED, set(), ALL_OF_ADA, {(s, c) for s in ("one", "two") for c in (GUARDED, OPEN)}),
    (Act.ACCOUNT_LOCKED, {"one", "two"}, set(), set()),
    (Act.CONSENT_WITHDRAWN, {"one", "two"}, AT_OPEN, {("one", OPEN), ("two", OPEN)}),
    (
        Act.CLIENT_DISABLED,
        {"one", "two"},
        AT_OPEN | {"bob open", "bob open offline"},
        {("one", OPEN), ("two", OPEN), ("bob", OPEN)},
    ),
    (Act.TOKEN_REPLAYED, {"one", "two"}, {"one open"}, {("one", OPEN)}),
    (Act.KEY_COMPROMISED, {"one", "two"}, set(), set()),
]


def test_every_act_has_its_row() -> None:
    """No act without a row, no row without a test."""
    assert set(ENDINGS) == set(Act) == {row[0] for row in TABLE}


@pytest.mark.parametrize(("act", "live", "dead", "told"), TABLE, ids=[row[0].value for row in TABLE])
def test_the_act_ends_what_its_row_says(
    scene: Scene, act: Act, live: set[str], dead: set[str], told: set[tuple[str, str]]
) -> None:
    """Sessions, tokens, sites: nothing less, nothing more, and nobody else's (SE-4, SE-10, RF-10, CO-10, RS-6)."""
    ended = scene.end(act)
    assert scene.live_sessions() == live
    assert scene.dead_families() == dead
    assert scene.told() == told
    assert set(ended.family_ids) == {scene.families[name] for name in dead}
    assert set(ended.client_ids) == {client for _, client in told}
    assert len(ended.sids) == 2 - len(live)


@pytest.mark.parametrize("act", list(Act), ids=lambda act: act.value)
def test_a_second_time_changes_nothing(scene: Scene, act: Act) -> None:
    """An act that is repeated ends nothing twice, tells nobody twice and writes one line in the audit trail (GO-8)."""
    first = scene.end(act)
    told = scene.told()
    second = scene.end(act)
    assert (second.sids, second.family_ids) == ((), ())
    assert scene.told() == told
    with scene.lobby.provider.database.reading() as tx:
        lines = audit.page_events(tx, audit.TrailFilter(act=act.value))
    assert len(lines) == (1 if first.sids or first.family_ids else 0)
    if lines:
        assert lines[0].details["sessions"] == len(first.sids)


MAILS = {
    Act.PASSWORD_CHANGED: Mail.OWNER,
    Act.PASSWORD_RESET: Mail.OWNER,
    Act.EMAIL_CHANGED: Mail.OLD_AND_NEW_ADDRESS,
    Act.EMAIL_CHANGE_UNDONE: Mail.OLD_AND_NEW_ADDRESS,
    Act.APPROVAL_WITHDRAWN: Mail.OWNER,
    Act.APPROVED: Mail.OWNER,
    Act.ACCOUNT_CLOSED: Mail.OWNER,
    Act.ACCOUNT_LOCKED: Mail.OWNER,
}


@pytest.mark.parametrize("act", list(Act), ids=lambda act: act.value)
def test_who_is_written_to(act: Act) -> None:
    """The mail column, and the links that an e-mail change voids (LG-6)."""
    assert ENDINGS[act].mail is MAILS.get(act, Mail.NONE)
    assert ENDINGS[act].links_void is (act in (Act.EMAIL_CHANGED, Act.EMAIL_CHANGE_UNDONE))


def test_waiting_requests_end_with_the_tokens(scene: Scene) -> None:
    """DESIGN counts waiting authorization requests among the tokens: of the session, the account, the client.

    RD-14.
    """
    cases = [(Act.SIGN_OUT, True), (Act.PASSWORD_RESET, True), (Act.APPROVED, False), (Act.APPROVAL_WITHDRAWN, True)]
    for act, ends in cases:
        with scene.lobby.provider.database.transaction() as tx:
            values = {"browser_id": "b", "seen_sid": None, "seen_auth_time": None, "now": NOW, "lifetime": 1800}
            handle = pending.save_pending(tx, client_id=GUARDED, request={}, **values)  # type: ignore[arg-type]
            waiting = pending.find_pending(tx, handle, "b", NOW)
            assert waiting is not None
            sid = scene.sids[1] if act is Act.PASSWORD_RESET else scene.sids[0]
            pending.bind_pending(tx, waiting, account_id=scene.account_id, sid=sid)
        scene.end(act)
        with scene.lobby.provider.database.reading() as tx:
            assert (pending.find_pending(tx, handle, "b", NOW) is None) is ends, act


@pytest.mark.parametrize("act", [Act.SIGN_OUT, Act.CONSENT_WITHDRAWN, Act.TOKEN_REPLAYED, Act.PASSWORD_RESET])
def test_a_missing_value_is_said(lobby: Lobby, act: Act) -> None:
    """Who forgets to say whose session, client or family ends gets an error and ends nothing."""
    with lobby.provider.database.transaction() as tx, pytest.raises(ValueError, match=act.value):
        apply_ending(lobby.provider, tx, act, account_id=None, now=NOW)


def test_a_site_that_wants_a_sid_is_not_told_without_one(lobby: Lobby) -> None:
    """Back-Channel Logout §2.2: `backchannel_logout_session_required`; a site without a back channel is not told."""
    lobby.add_client("picky", details={"backchannel_logout_session_required": True})
    lobby.add_client("deaf", details={"backchannel_logout_uri": None})
    for client, sid, is_told in (
        ("picky", None, False),
        ("picky", "s", True),
        ("deaf", "s", False),
        ("site", None, True),
    ):
        with lobby.provider.database.transaction() as tx:
            values = {"client_id": client, "account_id": "a", "sid": sid, "now": NOW}
            assert backchannel.announce_logout(tx, lobby.provider.master, **values) is is_told  # type: ignore[arg-type]
