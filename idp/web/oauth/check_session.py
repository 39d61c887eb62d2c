"""`/oauth/check_session`: the one page of ours that sites may frame (Session Management §3.2; DESIGN against WB-3).

Its script answers the site's frame with `unchanged`, `changed` or `error`. It reads the state cookie and nothing else, and
is mounted only where the issuer is https: browsers keep cookies of framed pages for secure ones alone.
"""

from __future__ import annotations

from flask import Blueprint, Response

from idp.web.browser_session import state_cookie_name
from idp.web.content_policy import set_directive
from idp.web.pages import render

blueprint = Blueprint("check_session", __name__)


@blueprint.get("/oauth/check_session")
def check_session() -> Response:
    """The frame."""
    set_directive("frame-ancestors", "*")
    return render("oauth/check_session.html", cookie=state_cookie_name())
