"""The gate of the desk: who is signed in, what their roles permit, and that every route says what it needs (AD-1)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, cast

from flask import abort, current_app, g, request, url_for

from idp.policy.staff import Permission, is_at_work, is_staff, permissions_of
from idp.store import accounts
from idp.web.browser_session import current_session, is_fresh, redirect_to_sign_in
from idp.web.context import provider
from idp.web.local_paths import may_return_here
from idp.web.pages import render

if TYPE_CHECKING:
    from flask import Flask

    from idp.store.accounts import Account

P = ParamSpec("P")

MARK = "__staff_permission__"
FRESH = "__staff_fresh__"
SECTIONS = {
    "queue": Permission.READ_QUEUE,
    "registrations": Permission.READ_REGISTRATIONS,
    "accounts": Permission.READ_ACCOUNTS,
    "mail": Permission.READ_MAIL,
    "sites": Permission.READ_SITES,
    "rules": Permission.READ_RULES,
    "audit": Permission.READ_AUDIT,
    "roles": Permission.GIVE_ROLES,
}
"""The desk's sections with the permission that opens each."""

_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FILE = re.compile(r"[A-Za-z0-9_./-]{1,64}")


@dataclass(frozen=True, slots=True)
class Member:
    """The member of staff of this request."""

    account: Account
    permissions: frozenset[Permission]

    @property
    def account_id(self) -> str:
        """Whose decisions these are."""
        return self.account.account_id

    def may(self, name: str) -> bool:
        """Whether a permission is held, by its word: for templates."""
        return Permission(name) in self.permissions


def install(app: Flask) -> None:
    """Refuse what names no permission, and identifiers that cannot be ours; give templates the member of staff."""
    app.before_request(_check_declared)
    app.context_processor(_values)


def permitted(permission: Permission, *, fresh: bool = False) -> Callable[[Callable[P, Any]], Callable[P, Any]]:
    """Let a view run for members of staff whose roles hold this permission; others are told why not.

    `fresh`: the act matters so much that the password must have been given shortly before (SE-13).
    """

    def mark(view: Callable[P, Any]) -> Callable[P, Any]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
            refused = _refuse(permission) or (_ask_again() if fresh else None)
            return view(*args, **kwargs) if refused is None else refused

        setattr(guarded, MARK, permission)
        setattr(guarded, FRESH, fresh)
        return may_return_here(guarded)

    return mark


def member() -> Member:
    """The member of staff whom the gate let in."""
    return cast(Member, g.member)


def _ask_again() -> Any:
    return None if is_fresh(current_session()) else redirect_to_sign_in(again=True)


def _refuse(permission: Permission) -> Any:
    signed_in = current_session()
    if signed_in is None or signed_in.is_idle:
        return redirect_to_sign_in()
    with provider().database.reading() as tx:
        account = accounts.find_account(tx, signed_in.account_id)
    if account is None or not is_at_work(account.access, account.approval_status) or not is_staff(account.roles):
        return render("staff/not_staff.html", 403, account=account)
    g.member = Member(account, permissions_of(account.roles))
    if permission not in g.member.permissions:
        return render("staff/not_permitted.html", 403, home=_home_of(g.member))
    return None


def _values() -> dict[str, Any]:
    person = g.get("member")
    if person is None:
        return {}
    return {"member": person, "sections": [key for key, needed in SECTIONS.items() if needed in person.permissions]}


def _home_of(person: Member) -> str:
    """The first page of the desk that somebody may open."""
    paths = {"queue": "staff_queue.queue", "accounts": "staff_people.accounts", "audit": "staff_trail.trail"}
    return next(url_for(paths[key]) for key in paths if SECTIONS[key] in person.permissions)


def _check_declared() -> None:
    blueprint = request.blueprint or ""
    if not blueprint.startswith("staff_"):
        return
    if not hasattr(current_app.view_functions[request.endpoint or ""], MARK):
        abort(403)
    for key, value in (request.view_args or {}).items():
        if isinstance(value, str) and not (_FILE if key == "name" else _IDENTIFIER).fullmatch(value):
            abort(404)
