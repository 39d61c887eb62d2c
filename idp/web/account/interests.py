"""`/account/interests`: products, topics and region, which choose the news and which sites may learn (F-1.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, redirect, request, url_for

from idp.accounts.interests import choose_interests, interests_of
from idp.errors import Refusal
from idp.i18n import gettext as _
from idp.store import accounts
from idp.web.browser_session import get_signed_in, signed_in_required, typed_before
from idp.web.context import provider
from idp.web.forms import ActForm
from idp.web.interest_words import offered_groups, offered_regions
from idp.web.pages import render

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

blueprint = Blueprint("interests", __name__)


@blueprint.get("/account/interests")
@signed_in_required
def page() -> Response:
    """What is chosen now."""
    with provider().database.reading() as tx:
        chosen, region = interests_of(accounts.get_account(tx, get_signed_in().account_id))
    typed = typed_before()
    if typed is not None:
        chosen, region = tuple(typed.getlist("interests")), typed.get("region")
    return _page(chosen, region)


@blueprint.post("/account/interests")
@signed_in_required
def choose() -> Any:
    """Keep it."""
    form, chosen, region = ActForm(), request.form.getlist("interests"), request.form.get("region", "")
    if not form.validate_on_submit():
        return _page(tuple(chosen), region, form=form, status=422)
    try:
        choose_interests(provider(), get_signed_in().account_id, chosen, region)
    except Refusal:
        form.tell("", _("Something that you chose is not offered any more. Look again and save."))
        return _page(tuple(chosen), region, form=form, status=422)
    return redirect(url_for("interests.page", saved=1), 303)


def _page(chosen: tuple[str, ...], region: str | None, *, form: ActForm | None = None, status: int = 200) -> Response:
    offered = provider().settings.interests
    return render(
        "account/interests.html",
        status,
        form=form or ActForm(formdata=None),
        groups=offered_groups(offered),
        regions=offered_regions(offered),
        chosen=chosen,
        region=region or "",
        was_saved="saved" in request.args and status == 200,
    )
