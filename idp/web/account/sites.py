"""`/account/sites`: what one permitted which site, and taking it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, redirect, request, url_for

from idp.accounts.sites import list_permitted_sites, withdraw_consent
from idp.web.account.forms import WithdrawForm
from idp.web.browser_session import get_signed_in, signed_in_required
from idp.web.context import provider
from idp.web.forms import ActForm
from idp.web.oauth.scope_words import name_scope
from idp.web.pages import render

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

blueprint = Blueprint("sites", __name__)


@blueprint.get("/account/sites")
@signed_in_required
def page() -> Response:
    """The sites that were permitted something."""
    sites = [
        (site.client, [name_scope(name) for name in sorted(site.scope)], site.granted_at)
        for site in list_permitted_sites(provider(), get_signed_in().account_id)
    ]
    return render("account/sites.html", sites=sites, form=ActForm(), was_withdrawn="withdrawn" in request.args)


@blueprint.post("/account/sites/withdraw")
@signed_in_required
def withdraw() -> Response:
    """Take a permission back."""
    form = WithdrawForm()
    if form.validate_on_submit() and withdraw_consent(provider(), get_signed_in().account_id, form.client_id.data):
        return redirect(url_for("sites.page", withdrawn=1), 303)
    return redirect(url_for("sites.page"), 303)
