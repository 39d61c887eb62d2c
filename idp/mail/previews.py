"""Every message as its readers would get it, from sample values: what there is comes from the functions that send.

A function's keyword arguments are filled by name, so that a new message is here as soon as it exists; one that asks for
something new needs a sample in `_sample_values`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from idp import i18n, mail
from idp.i18n import gettext as _
from idp.mail.outgoing import Draft
from idp.mail.overrides import find_fault
from idp.mail.recipient import Recipient
from idp.mail.render import render

if TYPE_CHECKING:
    from idp.mail.render import Rendered
    from idp.provider import Provider

_SECRET = "EXAMPLE-EXAMPLE-EXAMPLE-EXAMPLE-EXAMPLE-EXA"
SAMPLE = Recipient(email="anna.berg@example.com", name="Anna Berg", locale="en")


@dataclass(frozen=True, slots=True)
class Preview:
    """A message in one language, with the address that it would come from."""

    message: str
    language: str
    sender: str
    rendered: Rendered = field(repr=False)
    fault: str = ""
    """Why the operator's templates do not serve; it is shown in our words then."""


def list_messages() -> dict[str, Callable[..., int]]:
    """The functions that send, by the name of their message."""
    found = {name: getattr(mail, name) for name in mail.__all__}
    return {name: one for name, one in sorted(found.items()) if inspect.isfunction(one) and "to" in _asked_by(one)}


def preview(provider: Provider, message: str, language: str) -> Preview:
    """One message in one language. Raises `KeyError` where there is none of that name."""
    settings = provider.settings
    draft = write_sample(provider, message, language)
    rendered = render(settings, draft.message, name=SAMPLE.name, locale=language, values=draft.values)
    return Preview(
        message, language, settings.mail.sender, rendered, find_fault(settings, draft, language, name=SAMPLE.name)
    )


def write_sample(provider: Provider, message: str, language: str) -> Draft:
    """What the function of this message would write for a made-up recipient. Raises `KeyError`."""
    send, draft = list_messages()[message], Draft()
    with i18n.use_locale(language):
        values = _sample_values(provider, message)
    send(provider, draft, to=SAMPLE, **{name: values[name] for name in _wanted_by(send)})
    return draft


def _asked_by(send: Callable[..., int]) -> list[str]:
    """The names of a function's keyword arguments."""
    parameters = inspect.signature(send).parameters.values()
    return [one.name for one in parameters if one.kind is inspect.Parameter.KEYWORD_ONLY]


def _wanted_by(send: Callable[..., int]) -> list[str]:
    """The arguments that need a sample: not those that have a page of ours as their default."""
    parameters = inspect.signature(send).parameters
    kept = {name for name, one in parameters.items() if str(one.default).startswith("/")}
    return [name for name in _asked_by(send) if name not in {"to", "not_before", *kept}]


def _sample_values(provider: Provider, message: str) -> dict[str, Any]:
    now, lifetimes = provider.clock(), provider.settings.lifetimes
    return {
        "accepted": False,
        "applications": [{"name": "Anna Berg", "company": "Wasserwerk Süd", "due_at": now + 4 * 3600}],
        "devices": [{"serial_number": "AB123Z", "name": "Jan Peeters", "company": "Aqualab", "due_at": now + 5 * 3600}],
        "count": 3,
        "code": "BCDFGHJK",
        "email": "anna.berg@example.com",
        "expires_at": now + lifetimes.reset,
        "gained": True,
        "giver": "bert.hall@example.com",
        "has_account": True,
        "language": "en",
        "link": f"/{'reset' if message == 'reset_password' else 'confirm'}/{_SECRET}",
        "outcome": "accepted",
        "reason": _("The serial number is not the one on the name plate. Please look again."),
        "reference": "BCDF-GHJK",
        "reply_to": "anna.berg@example.com",
        "serial_number": "AB123Z",
        "site_name": _("Example site"),
        "text": _("The device has been sold to us. Which papers do you need?"),
        "topic": "approval",
        "status_link": f"/register/status/{_SECRET}",
        "until": now + 900,
        "undo_link": "/email/undo/example",
        "by_staff": False,
        "user_name": "anna.berg",
        "writer": "Anna Berg (anna.berg)",
    }
