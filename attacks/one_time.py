"""The one-time things of the provider, and how each is tried from many sides at once."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from attacks.people import LIFETIME, PASSWORD, add_account, add_registration, new_name, start_session
from attacks.volley import Answer, Request, form
from idp.accounts import email_change, old_invitation, password_reset
from idp.accounts import registration as registration_acts
from idp.accounts.approval_rules import add_version
from idp.accounts.temporary_password import give_temporary_password
from idp.keys.secrets import new_secret
from idp.policy.rules import Rule, RuleSet
from idp.protocol.pkce import make_challenge
from idp.store import client_registration, clients, codes, links, old_portal, registrations, sessions
from idp.store.database import Statement
from idp.store.identifiers import email_key, user_name_key
from tests.support.client_signing import ASSERTION_TYPE, claims_for, make_key, public_jwks, sign

if TYPE_CHECKING:
    from attacks.stage import Stage
    from idp.store.accounts import Account
    from idp.store.database import Transaction
    from idp.store.links import IssuedLink

SECRET = "s" * 43
VERIFIER = "v" * 43
FRESH = 600
"""Seconds after which people sign in again, well below every limit."""

CALLBACK = "https://site.example/cb"
SITE = {"Authorization": "Basic " + base64.b64encode(f"site:{SECRET}".encode()).decode()}

Won = Callable[[Answer], str | None]


@dataclass(frozen=True)
class Round:
    """Tries of one thing, all for the same prize.

    `won` names the prize that an answer brings, or None: two names are a double win. `effects` counts in the database what
    the prize has done; it must be exactly one. `due`: how many answers must say that they won, 1 but for the first
    ownership of a device, where all are let in and one is approved.
    """

    requests: list[Request]
    won: Won | None = None
    count: Statement | None = None
    values: Mapping[str, Any] | None = None
    due: int = 1

    def count_effects(self, tx: Transaction) -> int:
        """What the database says; 1 where it is not asked."""
        if self.count is None:
            return 1
        row = tx.one(self.count, **(self.values or {}))
        return int(row["n"]) if row else 0


_BY_REFERENCE = Statement("SELECT COUNT(*) AS n FROM audit_events WHERE act = :act AND reference = :reference")
_BY_REGISTRATION = Statement("SELECT COUNT(*) AS n FROM accounts WHERE registration_id = :key")
_BY_EMAIL = Statement("SELECT COUNT(*) AS n FROM accounts WHERE email_key = :key")
_BY_NAME = Statement("SELECT COUNT(*) AS n FROM accounts WHERE user_name_key = :key")
_ACTS = Statement("SELECT COUNT(*) AS n FROM audit_events WHERE act = :act AND account_id = :key")
_ANSWERS = Statement(
    "SELECT COUNT(*) AS n FROM approval_decisions WHERE account_id = :key AND old_status = 'rejected' AND new_status = 'pending'"
)
_DECISIONS = Statement(
    "SELECT COUNT(*) AS n FROM approval_decisions WHERE account_id = :key AND old_status = 'pending'"
)
_SUCCESSORS = Statement("SELECT COUNT(*) - 1 AS n FROM refresh_tokens WHERE family_id = :key")
_FIRST_OWNERS = Statement(
    "SELECT COUNT(*) AS n FROM devices d JOIN accounts a ON a.account_id = d.account_id"
    " WHERE d.serial_number = :key AND a.approval_status = 'approved'"
)


def with_status(status: int) -> Won:
    """Each answer with this status is a win of its own."""
    return lambda answer: str(answer.number) if answer.status == status else None


def leading_to(place: str) -> Won:
    """Each redirect to a place that has this in its address is a win of its own."""
    return lambda answer: str(answer.number) if answer.status == 303 and place in answer.location else None


class OneTimeThings:
    """Makes the rounds; `kinds` names them all."""

    def __init__(self, stage: Stage, tries: int) -> None:
        self._stage = stage
        self._provider = stage.provider
        self._tries = tries
        self._serials = itertools.count()
        self._signed_in: dict[str, tuple[int, list[dict[str, str]]]] = {}
        self._hash = self._provider.passwords.hash(PASSWORD)
        self._key = make_key("ES256")
        self._furnish()
        self.kinds: dict[str, Callable[[], Round]] = {
            "authorization code": self.authorization_code,
            "refresh token": self.refresh_token,
            "confirmation link": self.confirmation_link,
            "short code": self.short_code,
            "reset link": self.reset_link,
            "e-mail change": self.email_change,
            "undo of an e-mail change": self.undo,
            "temporary password": self.temporary_password,
            "invitation from the old portal": self.invitation,
            "approval decision": self.approval_decision,
            "answer to a rejection": self.answer,
            "client assertion": self.client_assertion,
            "initial access token": self.initial_access_token,
            "unique e-mail address": self.unique_email,
            "unique user name": self.unique_user_name,
            "first ownership of a device": self.first_ownership,
        }

    def _furnish(self) -> None:
        provider, now = self._provider, self._provider.clock()
        details = {"redirect_uris": [CALLBACK], "grant_types": ["authorization_code", "refresh_token"]}
        robot = {
            "redirect_uris": [],
            "grant_types": ["client_credentials"],
            "response_types": [],
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": public_jwks(self._key),
        }
        with provider.database.transaction() as tx:
            clients.save_client(tx, "site", details, require_approval=False, first_party=True, now=now)
            clients.set_client_secret(tx, "site", SECRET, now=now)
            clients.save_client(tx, "robot", robot, now=now)
            rule = Rule("first-owner", serial_families=frozenset({"AB"}), ownership="new")
            add_version(tx, RuleSet(rules=(rule,)), base=0, actor_kind="operator", actor="races", now=now)
            self._anna = add_account(provider, tx)
            staff = {"roles": "customer_care approver"}
            self._staff = [add_account(provider, tx, **staff) for _ in range(2)]
            self._crowd = [add_account(provider, tx) for _ in range(self._tries)]

    def _sessions(self, people: list[Account]) -> list[dict[str, str]]:
        """The cookies of these people, who have just signed in, or did not long ago."""
        now, key = self._provider.clock(), people[0].account_id
        since, cookies = self._signed_in.get(key, (0, []))
        if now - since > FRESH:
            with self._provider.database.transaction() as tx:
                cookies = [start_session(self._provider, tx, one.account_id) for one in people]
            self._signed_in[key] = now, cookies
        return cookies

    def _page(
        self, path: str, values: Mapping[str, str] | None = None, cookies: Mapping[str, str] | None = None
    ) -> Request:
        """A form as a browser sends it."""
        filled = {"csrf_token": self._stage.form_token, **(values or {})}
        return form(path, filled, cookies={**self._stage.form_cookie, **(cookies or {})})

    def _link(self, tx: Transaction, purpose: str, **values: Any) -> IssuedLink:
        now, master = self._provider.clock(), self._provider.master
        values = {"email": "", "lifetime": LIFETIME, **values}
        return links.issue_link(tx, purpose=purpose, now=now, master=master, **values)

    def _code(self) -> tuple[str, str]:
        """A code and its family."""
        provider, now = self._provider, self._provider.clock()
        with provider.database.transaction() as tx:
            session = sessions.start_session(
                tx, account_id=self._anna.account_id, kept=True, lifetime=LIFETIME, now=now
            ).session
            family = codes.begin_family(
                tx,
                account_id=self._anna.account_id,
                client_id="site",
                scope="openid",
                nonce="n",
                sid=session.sid,
                auth_time=now,
                amr="pwd",
                kept=True,
                session_expires_at=session.expires_at,
                offline=False,
                expires_at=session.expires_at,
                now=now,
            )
            challenge = make_challenge(VERIFIER)
            code = codes.issue_code(tx, family, redirect_uri=CALLBACK, code_challenge=challenge, lifetime=60, now=now)
        return code, family.family_id

    def _redeem(self, code: str) -> Request:
        values = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        return form("/oauth/token", values, headers=SITE)

    def authorization_code(self) -> Round:
        """Redeemed by its own site from all sides."""
        code, _ = self._code()
        return Round([self._redeem(code)] * self._tries, with_status(200))

    def refresh_token(self) -> Round:
        """Within the grace all get an answer, with one and the same successor."""
        code, family = self._code()
        token = self._stage.volley.ask(self._redeem(code)).json()["refresh_token"]
        request = form("/oauth/token", {"grant_type": "refresh_token", "refresh_token": token}, headers=SITE)

        def won(answer: Answer) -> str | None:
            return str(answer.json()["refresh_token"]) if answer.status == 200 else None

        return Round([request] * self._tries, won, _SUCCESSORS, {"key": family})

    def confirmation_link(self) -> Round:
        """The button behind the link, pressed in the registering browser."""
        with self._provider.database.transaction() as tx:
            mine = f"{new_name()}@lab.example"
            registration, cookie = add_registration(self._provider, tx, email=mine, password_hash=self._hash)
            link = self._link(
                tx, registration_acts.PURPOSE, registration_id=registration.registration_id, email=mine, with_code=True
            )
        request = self._page(f"/confirm/{link.token}", cookies=cookie)
        key = registration.registration_id
        return Round([request] * self._tries, with_status(303), _BY_REGISTRATION, {"key": key})

    def short_code(self) -> Round:
        """The code of the mail, typed into the registering browser, and the link pressed as well."""
        with self._provider.database.transaction() as tx:
            mine = f"{new_name()}@lab.example"
            registration, cookie = add_registration(self._provider, tx, email=mine, password_hash=self._hash)
            link = self._link(
                tx, registration_acts.PURPOSE, registration_id=registration.registration_id, email=mine, with_code=True
            )
        typed = self._page("/register/code", {"code": link.code or ""}, cookie)
        pressed = self._page(f"/confirm/{link.token}", cookies=cookie)
        requests = [pressed if turn % 8 == 7 else typed for turn in range(self._tries)]
        act = {"act": "registration_confirmed", "reference": registration.reference}
        return Round(requests, None, _BY_REFERENCE, act)

    def reset_link(self) -> Round:
        """Each try with a password of its own."""
        with self._provider.database.transaction() as tx:
            link = self._link(tx, password_reset.PURPOSE, account_id=self._anna.account_id, email=self._anna.email)
        requests = [
            self._page("/reset", {"token": link.token, "new_password": f"{PASSWORD}-{turn}"})
            for turn in range(self._tries)
        ]
        values = {"act": "password_reset", "reference": link.reference}
        return Round(requests, leading_to("/reset/done"), _BY_REFERENCE, values)

    def email_change(self) -> Round:
        """The owner's button behind the link at the new address."""
        mine, cookie = self._crowd[0], self._sessions(self._crowd)[0]
        with self._provider.database.transaction() as tx:
            link = self._link(tx, email_change.CONFIRM, account_id=mine.account_id, email=f"{new_name()}@lab.example")
        requests = [self._page(f"/email/{link.token}", cookies=cookie)] * self._tries
        return Round(requests, leading_to("email=changed"))

    def undo(self) -> Round:
        """The way back, from the old mailbox."""
        with self._provider.database.transaction() as tx:
            mine = add_account(self._provider, tx)
            link = self._link(tx, email_change.UNDO, account_id=mine.account_id, email=f"{new_name()}@lab.example")
        requests = [self._page(f"/email/undo/{link.token}")] * self._tries
        return Round(requests, leading_to("/reset/"))

    def temporary_password(self) -> Round:
        """Typed at the sign-in page; the winner goes on to a new password."""
        with self._provider.database.transaction() as tx:
            mine = add_account(self._provider, tx)
        given = give_temporary_password(self._provider, staff_id=self._staff[0].account_id, account_id=mine.account_id)
        request = self._page("/sign-in", {"username": mine.user_name, "password": given.password})
        values = {"act": "temporary_password_used", "key": mine.account_id}
        return Round([request] * self._tries, leading_to("/reset/"), _ACTS, values)

    def invitation(self) -> Round:
        """The mail that leads a customer of the old portal over."""
        provider, now, name = self._provider, self._provider.clock(), new_name()
        with provider.database.transaction() as tx:
            mine = add_account(provider, tx, name=name, status="pending")
            old_portal.insert_old_account(
                tx, mine.account_id, source="old", row_id=name, hash_format="none", is_weak=False, now=now
            )
            registration, _ = add_registration(provider, tx, email=mine.email, password_hash=self._hash)
            link = self._link(
                tx,
                old_invitation.PURPOSE,
                account_id=mine.account_id,
                registration_id=registration.registration_id,
                email=mine.email,
            )
        typed = {
            "given_name": "Pat",
            "family_name": "Person",
            "company": "Works",
            "country": "DE",
            "serial_number": "CD123Z",
            "locale": "en",
            "password_way": "new",
        }
        requests = [
            self._page(f"/migrate/{link.token}", {**typed, "new_password": f"{PASSWORD}-{turn}"})
            for turn in range(self._tries)
        ]
        values = {"act": "old_account_moved", "key": mine.account_id}
        return Round(requests, with_status(303), _ACTS, values)

    def approval_decision(self) -> Round:
        """Two members of staff, one approves and one rejects."""
        with self._provider.database.transaction() as tx:
            mine = add_account(self._provider, tx, status="pending")
        path = f"/staff/applications/{mine.account_id}"
        acts = [{"act": "approve"}, {"act": "reject", "reason": "The device was returned."}]
        desks = self._sessions(self._staff)
        requests = [self._page(path, acts[turn % 2], desks[turn % 2]) for turn in range(self._tries)]
        return Round(requests, with_status(303), _DECISIONS, {"key": mine.account_id})

    def answer(self) -> Round:
        """An applicant's answer, sent again and again."""
        provider = self._provider
        with provider.database.transaction() as tx:
            email = f"{new_name()}@lab.example"
            registration, cookie = add_registration(provider, tx, email=email, password_hash=self._hash)
            key, now = registration.registration_id, provider.clock()
            mine = add_account(provider, tx, status="rejected", registration_id=key)
            sent = registration
            registrations.confirm_registration(
                tx, sent, account_id=mine.account_id, browser_hash=sent.browser_hash, now=now
            )
        typed = {"answer": "It was a typing error.", "status": registration_acts.status_token(provider, key)}
        requests = [self._page("/register/answer", typed, cookie)] * self._tries
        return Round(requests, leading_to("answered=1"), _ANSWERS, {"key": mine.account_id})

    def client_assertion(self) -> Round:
        """The same signed assertion."""
        now = self._provider.clock()
        issuer = self._provider.settings.server.issuer
        claims = claims_for("robot", aud=issuer, jti=new_name("jti"), iat=now, exp=now + 60)
        header = {"alg": "ES256", "kid": self._key.kid}
        values = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": sign(header, json.dumps(claims).encode(), self._key),
        }
        return Round([form("/oauth/token", values)] * self._tries, with_status(200))

    def initial_access_token(self) -> Round:
        """Good for one site."""
        token, now = new_secret(), self._provider.clock()
        with self._provider.database.transaction() as tx:
            client_registration.add_initial_token(tx, token, new_name("label"), uses=1, expires_at=None, now=now)
        request = Request(
            "/oauth/register",
            json.dumps({"redirect_uris": [CALLBACK]}).encode(),
            headers={"Authorization": f"Bearer {token}"},
            content_type="application/json",
        )
        return Round([request] * self._tries, with_status(201))

    def unique_email(self) -> Round:
        """Everybody in the crowd confirms the same new address."""
        wanted = f"{new_name()}@lab.example"
        with self._provider.database.transaction() as tx:
            made = [
                self._link(tx, email_change.CONFIRM, account_id=one.account_id, email=wanted) for one in self._crowd
            ]
        requests = [
            self._page(f"/email/{link.token}", cookies=cookie)
            for link, cookie in zip(made, self._sessions(self._crowd), strict=True)
        ]
        return Round(requests, leading_to("email=changed"), _BY_EMAIL, {"key": email_key(wanted)})

    def unique_user_name(self) -> Round:
        """Many people choose the same name; new ones each time, as a name is changed once a day."""
        wanted, provider = new_name("name"), self._provider
        with provider.database.transaction() as tx:
            people = [add_account(provider, tx) for _ in range(self._tries)]
            cookies = [start_session(provider, tx, one.account_id) for one in people]
        requests = [self._page("/account/user-name", {"user_name": wanted}, cookie) for cookie in cookies]
        return Round(requests, leading_to("user_name=changed"), _BY_NAME, {"key": user_name_key(wanted)})

    def first_ownership(self) -> Round:
        """Strangers to each other confirm registrations with the same device; the rule approves the first owner alone."""
        number = next(self._serials)
        serial = f"AB{number % 1000:03d}{chr(ord('A') + number // 1000 % 26)}"
        requests = []
        with self._provider.database.transaction() as tx:
            for turn in range(self._tries):
                email = f"{new_name()}@works{turn}.example"
                registration, cookie = add_registration(
                    self._provider,
                    tx,
                    email=email,
                    password_hash=self._hash,
                    serial_number=serial,
                    company=f"Works {turn}",
                )
                key = registration.registration_id
                link = self._link(tx, registration_acts.PURPOSE, registration_id=key, email=email)
                requests.append(self._page(f"/confirm/{link.token}", cookies=cookie))
        return Round(requests, with_status(303), _FIRST_OWNERS, {"key": serial}, due=self._tries)
