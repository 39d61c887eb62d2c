"""`/staff/sites/<client_id>/connect/…`: ready-made configuration for the common libraries, with one site's values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, abort

from idp.accounts import site_desk, site_recipes
from idp.errors import Refusal
from idp.i18n import marked
from idp.policy.staff import Permission
from idp.web.context import provider
from idp.web.pages import render
from idp.web.staff.access import permitted

if TYPE_CHECKING:
    from idp.accounts.site_recipes import Recipe
    from idp.store.clients import RegisteredClient

blueprint = Blueprint("staff_connecting", __name__, url_prefix="/staff/sites/<client_id>/connect")

PLACES = {
    "CLIENT_ID": marked("The client id, written as this file's format wants it"),
    "CLIENT_SECRET": marked("The secret, as it was handed over"),
    "COOKIE_KEY": marked("A random text of the site's own, for its session"),
    "SITE": marked("The site's address, without a slash at the end"),
    "SECURE": marked("true; false for a trial without https"),
    "LISTEN": marked("Where the proxy listens"),
    "APPLICATION": marked("Where the application listens"),
}
"""What is to be put in for each place that is left."""


@blueprint.get("/<recipe>")
@permitted(Permission.READ_SITES)
def recipe(client_id: str, recipe: str) -> Response:
    """One library's files for this site, what is left to fill in, and what does not fit the registration."""
    client, made = _write(client_id, recipe)
    return render("staff/connecting.html", client=client, recipe=made, names=site_recipes.NAMES, places=PLACES)


@blueprint.get("/<recipe>/<path:name>")
@permitted(Permission.READ_SITES)
def file(client_id: str, recipe: str, name: str) -> Response:
    """One of the files, to save."""
    _client, made = _write(client_id, recipe)
    if name not in made.files:
        abort(404)
    answer = Response(made.files[name], content_type="text/plain; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name.rpartition("/")[2]}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _write(client_id: str, key: str) -> tuple[RegisteredClient, Recipe]:
    try:
        client, _report = site_desk.get_site(provider(), client_id)
        return client, site_recipes.write_recipe(client, provider().settings.server.issuer, key)
    except Refusal:
        abort(404)
