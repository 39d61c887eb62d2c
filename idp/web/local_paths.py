"""Ways back inside the provider: a `next` is the path of a page that says it may be returned to, or nothing (WB-6)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ParamSpec

from flask import current_app, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

P = ParamSpec("P")

_SHAPE = re.compile(r"/(?![/\\])[A-Za-z0-9/_.~-]{0,200}(\?[A-Za-z0-9_.~%=&+-]{0,800})?\Z")
_MARK = "__may_be_returned_to__"


def may_return_here(view: Callable[P, Any]) -> Callable[P, Any]:
    """Mark a view as a page that a sign-in may lead back to."""
    setattr(view, _MARK, True)
    return view


def parse_next(text: str | None) -> str | None:
    """A local path with query, if it names a marked page of ours; anything else is None."""
    if not text or not _SHAPE.match(text):
        return None
    path = text.partition("?")[0]
    adapter = current_app.url_map.bind(request.host)
    try:
        endpoint, _values = adapter.match(path, method="GET")
    except (HTTPException, RequestRedirect):
        return None
    view = current_app.view_functions.get(endpoint)
    return text if getattr(view, _MARK, False) else None
