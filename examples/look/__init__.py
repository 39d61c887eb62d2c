"""What the demo's sites share: the frame of their pages and its style sheet. A real site has its own."""

from __future__ import annotations

import os

from flask import Blueprint, render_template

look = Blueprint("look", __name__, static_folder="static", static_url_path="/look", template_folder="templates")


@look.app_context_processor
def _start_page() -> dict[str, str]:
    return {"start_page": os.environ.get("START_URL", "")}


@look.app_errorhandler(404)
def missing(error: Exception) -> tuple[str, int]:
    """A page that is not there, with the way on."""
    return render_template("look/missing.html"), 404
