"""What people and programs are told when something cannot be done: one handler for each audience (GO-1, GO-2, GO-5).

People get a page: what happened, whose turn it is, a way on, and a reference number that is also in the log. Programs get
the JSON of RFC 6749 §5.2. No answer holds a trace, a name of a file, or what was sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog
from flask import Response, g, jsonify, redirect, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from idp.errors import Busy, ProtocolError, Refusal
from idp.i18n import gettext as _
from idp.keys.secrets import new_reference
from idp.web.audiences import is_for_programs
from idp.web.browser_session import current_session
from idp.web.pages import render

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from werkzeug.wrappers import Response as AnyResponse

    from idp.provider import Provider

log = structlog.get_logger("idp.web.problems")

FORM_FIELDS = 1000
"""How many fields a form may have (RX-1)."""

LONGEST_PATH = 200
"""So much of an address without a route is written down."""

_MAYBE_SECRET = re.compile(r"[A-Za-z0-9_-]{16,}")
_SAFE_TEXT = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]*\Z")
_CODES = {
    401: "invalid_token",
    403: "access_denied",
    429: "slow_down",
    500: "server_error",
    503: "temporarily_unavailable",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What an error page says; `turn` is whose it is: `you`, `site` or `us`."""

    status: int
    title: str
    text: str
    turn: str = "you"
    can_try_again: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    developer_note: str = ""


def install(app: Flask, provider: Provider) -> None:
    """Bound what may be sent, and answer every error."""
    app.config.update(
        MAX_CONTENT_LENGTH=provider.settings.limits.body_bytes,
        MAX_FORM_MEMORY_SIZE=provider.settings.limits.body_bytes,
        MAX_FORM_PARTS=FORM_FIELDS,
    )
    app.before_request(check_size)
    app.register_error_handler(CSRFError, _on_strange_form)
    app.register_error_handler(ProtocolError, _on_protocol_error)
    app.register_error_handler(Refusal, _on_refusal)
    app.register_error_handler(Busy, _on_busy)
    app.register_error_handler(HTTPException, _on_http_error)
    app.register_error_handler(Exception, _on_defect)


def check_size() -> None:
    """Refuse a body with more fields than any form of ours has (RX-1)."""
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    if request.get_data(cache=True, parse_form_data=False).count(b"&") >= FORM_FIELDS:
        raise RequestEntityTooLarge


def answer(problem: Problem, *, error: str = "", detail: str = "") -> Response:
    """Tell the problem to whoever asked, and write it down once under its reference (GO-8)."""
    reference = new_reference()
    write = log.error if problem.status == 500 else log.info
    write("problem", reference=reference, status=problem.status, path=path_for_log(), error=error, detail=detail)
    if is_for_programs(request.path):
        response = _as_json(problem, error)
    else:
        g.is_error_page = True
        again = this_page() if problem.can_try_again else None
        response = render("errors/problem.html", problem.status, problem=problem, reference=reference, again=again)
    response.headers.update(problem.headers)
    response.headers["Cache-Control"] = "no-store"
    return response


def path_for_log() -> str:
    """Where it happened: the route, and of an address without one what cannot be the secret of a link (GO-7)."""
    rule = request.url_rule
    return rule.rule if rule is not None else _MAYBE_SECRET.sub("…", request.path[:LONGEST_PATH])


def this_page() -> str | None:
    """The address that shows the page of this request again, if it can be opened."""
    rule = request.url_rule
    if rule is None or "GET" not in (rule.methods or ()):
        return None
    query = request.query_string.decode("ascii", "replace")
    return request.script_root + request.path + (f"?{query}" if query else "")


def _as_json(problem: Problem, error: str) -> Response:
    note = problem.developer_note
    body = {"error": error or _CODES.get(problem.status, "invalid_request")}
    if note and _SAFE_TEXT.match(note):
        body["error_description"] = note
    response: Response = jsonify(body)
    response.status_code = problem.status
    response.headers["Pragma"] = "no-cache"
    return response


def _on_strange_form(error: CSRFError) -> AnyResponse:
    """A form of before somebody signed in; where it was the sign-in form, the page itself says what is left to do."""
    again = this_page()
    if request.endpoint == "sign_in.page" and again and current_session() is not None:
        return redirect(again, 303)
    problem = Problem(
        status=400,
        title=_("This page was open for too long"),
        text=_(
            "For your safety a form works only in the browser that opened it, and only as long as the same person is signed"
            " in. Nothing was changed. Open the page again and send it once more. If that does not help, allow cookies for"
            " this site."
        ),
        can_try_again=True,
    )
    return answer(problem, error="invalid_form", detail=str(error.description))


def _on_protocol_error(error: ProtocolError) -> Response:
    problem = Problem(
        status=error.status,
        title=_("The site asked for something we cannot do"),
        text=_(
            "The request that brought you here is not complete. You have done nothing wrong. Go back to the site and try"
            " again; if it happens again, tell the people who run the site."
        ),
        turn="site",
        headers=error.headers,
        developer_note=error.description,
    )
    return answer(problem, error=error.error, detail=error.detail)


def _on_refusal(refusal: Refusal) -> Response:
    problem = Problem(
        status=403,
        title=_("This cannot be done now"),
        text=_("Nothing was changed. Go back and look again; if you need it, customer care can help."),
    )
    return answer(problem, error="access_denied", detail=refusal.key)


def _on_busy(busy: Busy) -> Response:
    cause = type(busy.__cause__).__name__ if busy.__cause__ else "queue"
    return answer(_unavailable(busy.retry_after), error="temporarily_unavailable", detail=cause)


def _unavailable(retry_after: int) -> Problem:
    return Problem(
        status=503,
        title=_("We are busy at the moment"),
        text=_("Many people are here at the same time. Wait a few seconds and send it again; nothing was changed."),
        turn="us",
        can_try_again=True,
        headers={"Retry-After": str(retry_after)},
    )


def _on_http_error(error: HTTPException) -> Response:
    if error.code is None or error.code < 400:
        moved: Response = error.get_response()  # type: ignore[assignment]
        return moved
    kept = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After", "WWW-Authenticate")}
    known = _HTTP_PROBLEMS.get(error.code, _HTTP_PROBLEMS[400])
    title, text = known()
    turn = "us" if error.code >= 500 else "you"
    return answer(Problem(error.code, title, text, turn, headers=kept), detail=type(error).__name__)


def _on_defect(error: Exception) -> Response:
    log.error("defect", path=path_for_log(), kind=type(error).__name__, exc_info=error)
    title, text = _HTTP_PROBLEMS[500]()
    return answer(
        Problem(500, title, text, "us", can_try_again=True), error="server_error", detail=type(error).__name__
    )


_HTTP_PROBLEMS: dict[int, Callable[[], tuple[str, str]]] = {
    400: lambda: (
        _("This request could not be read"),
        _(
            "Something in the address or in the form is damaged or was sent twice. Open the page again and try once more."
        ),
    ),
    403: lambda: (
        _("This page is not open to you"),
        _(
            "You are signed in, but your account has no right to this page. If you need it, ask the person who gives rights."
        ),
    ),
    404: lambda: (
        _("There is no page here"),
        _(
            "The address may be mistyped, or the page has moved. If a link in a mail brought you here, copy the whole link."
        ),
    ),
    405: lambda: (
        _("This page cannot be opened this way"),
        _("It belongs to a form that was sent before. Start again from your account."),
    ),
    410: lambda: (_("This is no longer here"), _("It was used or has run out. Start again from your account.")),
    413: lambda: (
        _("That was too much at once"),
        _("What you sent is larger than this page accepts. Shorten it and send it again."),
    ),
    415: lambda: (_("This request could not be read"), _("This page accepts only forms that a browser sends.")),
    429: lambda: (
        _("Please wait a little"),
        _(
            "There were many tries in a short time. For the safety of all accounts the next one is possible in a few minutes."
        ),
    ),
    500: lambda: (
        _("Something went wrong on our side"),
        _(
            "It is not your fault, and we have been told. Try again in a moment; if it happens again, send us the reference."
        ),
    ),
    503: lambda: (
        _("We are busy at the moment"),
        _("Wait a few seconds and try again; nothing was changed."),
    ),
}
