"""Whether a session is good enough for what a client asks (OpenID Connect Core §3.1.2.1; RD-18)."""

from __future__ import annotations


def needs_new_sign_in(
    *, prompt: frozenset[str], max_age: int | None, auth_time: int, is_idle: bool, is_fresh: bool, now: int
) -> bool:
    """Whether the end-user authenticates again.

    `is_fresh`: they did so after the request came. That satisfies `prompt=login` and any `max_age`, so that no demand is
    made twice; only an idle session is asked for its password in any case.
    """
    if is_idle:
        return True
    if is_fresh:
        return False
    return "login" in prompt or (max_age is not None and now - auth_time > max_age)
