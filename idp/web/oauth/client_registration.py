"""`/oauth/register`, where clients may register themselves, and `/oauth/register/<client_id>` for those that did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response

from idp.accounts.clients import delete_client
from idp.accounts.guessing import take_client_registration
from idp.errors import ProtocolError
from idp.protocol.endpoint import answer_error
from idp.protocol.registration import PATH, Registering, answer_management, answer_registration
from idp.web.browser_session import client_address
from idp.web.context import provider
from idp.web.oauth.machine import ANY_METHOD, read_request, respond

if TYPE_CHECKING:
    from idp.provider import Provider
    from idp.store.database import Transaction

blueprint = Blueprint("oauth_register", __name__)
management = Blueprint("oauth_registered", __name__)


@blueprint.route(PATH, methods=ANY_METHOD)
def register() -> Response:
    """Register a client."""
    parts = provider()
    try:
        request = read_request()
    except ProtocolError as error:
        return respond(answer_error(error, endpoint="registration"))
    return respond(answer_registration(request, _build_registering(parts), parts.clock()))


@management.route(PATH + "/<client_id>", methods=ANY_METHOD)
def registered(client_id: str) -> Response:
    """Read, change or delete a registration."""
    parts = provider()
    try:
        request = read_request()
    except ProtocolError as error:
        return respond(answer_error(error, endpoint="registration"))
    return respond(answer_management(request, client_id, _build_registering(parts), parts.clock()))


def _build_registering(parts: Provider) -> Registering:
    """What the registration endpoints work with."""

    def delete(tx: Transaction, client_id: str, now: int) -> None:
        delete_client(parts, tx, client_id, actor_kind="client", now=now)

    settings = parts.settings
    return Registering(
        issuer=settings.server.issuer,
        mode=settings.clients.registration,
        algorithms=settings.keys.algorithms,
        require_pkce=settings.clients.require_pkce,
        secret_days=settings.clients.secret_days,
        master=parts.master,
        database=parts.database,
        fetch=parts.fetcher.get,
        take_try=lambda now: take_client_registration(parts, client_address(), now),
        delete_client=delete,
    )
