"""`/mailbox`: what the `mailbox:` transport kept, as a reader of mails would see it.

It shows links with secrets in them, so it exists only with that transport, on a loopback issuer, for callers on this
machine. The HTML part is a document of its own in a sandboxed frame: no script, nothing loaded, no form.
"""

from __future__ import annotations

import re
from functools import wraps
from typing import TYPE_CHECKING

from flask import Blueprint, Response, abort, make_response, request
from markupsafe import Markup, escape

from idp.config import is_loopback_host
from idp.mail.mailbox import KeptMail, find_mail, read_mailbox
from idp.web import content_policy, pages
from idp.web.context import provider

if TYPE_CHECKING:
    from collections.abc import Callable

blueprint = Blueprint("mailbox", __name__)

HTML_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; form-action 'none'; base-uri 'none'"
)
SANDBOX = "allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation"

_LINK = re.compile(r"https?://[^\s<>\"]+")


def _only_here(view: Callable[..., Response]) -> Callable[..., Response]:
    """Answer 404 to everybody but a developer on this machine."""

    @wraps(view)
    def guarded(**values: str) -> Response:
        settings = provider().settings
        is_near = is_loopback_host(request.remote_addr or "")
        if not (settings.mail.is_mailbox and settings.issuer_is_loopback and is_near):
            abort(404)
        return view(**values)

    return guarded


@blueprint.get("/mailbox")
@_only_here
def inbox() -> Response:
    """All mails, newest first; `?to=` shows those of one address."""
    wanted = request.args.get("to", "").strip().lower()
    mails = [mail for mail in read_mailbox(provider()) if not wanted or mail.to.lower() == wanted]
    return pages.render("ops/mailbox.html", mails=mails, wanted=wanted)


@blueprint.get("/mailbox/<message_id>")
@_only_here
def letter(message_id: str) -> Response:
    """One mail with both of its parts."""
    mail = _find(message_id)
    content_policy.set_directive("frame-src", "'self'")
    return pages.render("ops/letter.html", mail=mail, text=with_links(mail.text), sandbox=SANDBOX)


@blueprint.get("/mailbox/<message_id>/html")
@_only_here
def html_part(message_id: str) -> Response:
    """The HTML part alone, for the frame."""
    html = _find(message_id).html.replace("<head>", '<head><base target="_top">', 1)
    response = make_response(html)
    response.headers["Content-Security-Policy"] = f"{HTML_POLICY}; sandbox {SANDBOX}"
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response.headers["Cache-Control"] = "no-store"
    return response


def _find(message_id: str) -> KeptMail:
    mail = find_mail(provider(), message_id) if message_id.isprintable() else None
    if mail is None:
        abort(404)
    return mail


def with_links(text: str) -> Markup:
    """A text part with its links made clickable, everything else escaped."""
    parts, end = [], 0
    for found in _LINK.finditer(text):
        link = escape(found.group())
        parts += [escape(text[end : found.start()]), Markup('<a href="{0}">{0}</a>').format(link)]
        end = found.end()
    return Markup("").join([*parts, escape(text[end:])])
