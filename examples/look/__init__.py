"""What the demo's sites share: the frame of their pages and its style sheet. A real site has its own."""

from __future__ import annotations

from flask import Blueprint

look = Blueprint("look", __name__, static_folder="static", static_url_path="/look", template_folder="templates")
