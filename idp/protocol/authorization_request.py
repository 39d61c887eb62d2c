"""The authorization request: OpenID Connect Core §3, RFC 6749 §4.1.1, RFC 7636 §4.3, RFC 8707 §2.1, RFC 9700 §2.1.

One parse into a frozen value, then small named checks. The client and the redirect URI are checked first, and until they
hold nothing travels by redirect. Request objects were laid over the parameters before (`request_object`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from idp.errors import ProtocolError
from idp.policy.authentication_context import AcrWish, can_meet
from idp.protocol.authorization_response import QUERY, RESPONSE_MODES
from idp.protocol.claims_request import ClaimsRequest, parse_claims_request
from idp.protocol.client import RESPONSE_TYPES
from idp.protocol.resource_indicators import check_resources as check_registered_resources
from idp.protocol.resource_indicators import parse_resources

if TYPE_CHECKING:
    from idp.protocol.parameters import Parameters
    from idp.store.clients import RegisteredClient

STAFF_SCOPES = ("staff.read", "staff.write")
"""For tools of staff (`/api/`): only for clients that the operator registered with them by name."""
SCOPES = ("openid", "profile", "email", "address", "phone", "approval", "interests", "session", "offline_access")
PROMPTS = frozenset({"none", "login", "consent", "select_account"})
STANDARD = (
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "response_mode",
    "nonce",
    "display",
    "prompt",
    "max_age",
    "ui_locales",
    "claims_locales",
    "id_token_hint",
    "login_hint",
    "acr_values",
    "claims",
    "request",
    "request_uri",
    "registration",
    "code_challenge",
    "code_challenge_method",
    "resource",
)
LONGEST_LOGIN_HINT = 255

_GRANT_TYPES = {" ".join(sorted(kind.split())): grant_types for kind, grant_types in RESPONSE_TYPES.items()}
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?(/[^#]*)?\Z")


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What a client asks for. `faults` names parameters that were unsound, in the order of the standard's list."""

    client_id: str
    redirect_uri: str
    response_type: str | None
    response_mode: str | None
    scope: frozenset[str]
    state: str | None
    nonce: str | None
    prompt: frozenset[str]
    max_age: int | None
    id_token_hint: str | None = field(repr=False)
    login_hint: str | None = field(repr=False)
    ui_locales: tuple[str, ...]
    code_challenge: str | None
    code_challenge_method: str | None
    unsupported: frozenset[str]
    faults: tuple[str, ...]
    claims: ClaimsRequest = field(default_factory=ClaimsRequest)
    acr_values: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()

    @property
    def answers(self) -> frozenset[str]:
        """What comes back from here: `code`, `id_token`, `token`."""
        return frozenset((self.response_type or "").split(" ")) - {""}

    @property
    def is_silent(self) -> bool:
        """Whether no page may be shown (prompt=none)."""
        return "none" in self.prompt


def parse_authorization_request(parameters: Parameters) -> AuthorizationRequest:
    """Read the parameters. Raises `ProtocolError` for our own page where client or redirect URI cannot be told (RD-4)."""
    client_id, redirect_uri = parameters.get("client_id"), parameters.get("redirect_uri")
    if client_id is None:
        raise _stays("the parameter client_id is missing or not sound")
    if redirect_uri is None:
        raise _stays("the parameter redirect_uri is missing or not sound")
    faults = [name for name in STANDARD if name in parameters.faults]
    if parameters.too_long and not faults:
        faults = ["a parameter"]
    max_age = parameters.get("max_age")
    if max_age is not None and not (max_age.isascii() and max_age.isdigit() and len(max_age) < 10):
        faults.append("max_age")
        max_age = None
    try:
        claims = parse_claims_request(parameters.get("claims"))
    except ValueError:
        claims, faults = ClaimsRequest(), [*faults, "claims"]
    return AuthorizationRequest(
        client_id=client_id,
        redirect_uri=redirect_uri,
        response_type=_sort_words(parameters.get("response_type")),
        response_mode=parameters.get("response_mode"),
        scope=frozenset((parameters.get("scope") or "").split(" ")) - {""},
        state=parameters.get("state"),
        nonce=parameters.get("nonce"),
        prompt=frozenset((parameters.get("prompt") or "").split(" ")) - {""},
        max_age=None if max_age is None else int(max_age),
        id_token_hint=parameters.get("id_token_hint"),
        login_hint=parameters.get("login_hint"),
        ui_locales=tuple((parameters.get("ui_locales") or "").split(" "))[:10],
        code_challenge=parameters.get("code_challenge"),
        code_challenge_method=parameters.get("code_challenge_method"),
        unsupported=frozenset({"request", "request_uri", "registration"} & {*parameters.values, *parameters.faults}),
        faults=tuple(faults),
        claims=claims,
        acr_values=_split(parameters.get("acr_values"))[:20],
        resources=parse_resources(parameters.get("resource")),
    )


def _split(text: str | None) -> tuple[str, ...]:
    return tuple(word for word in (text or "").split(" ") if word)


def _sort_words(text: str | None) -> str | None:
    """The order of a response type's words says nothing (OAuth 2.0 Multiple Response Types §3)."""
    return None if text is None else " ".join(sorted(text.split(" ")))


def check_client(client: RegisteredClient | None) -> RegisteredClient:
    """The client is registered and not disabled (RD-4); its error stays on our page."""
    if client is None:
        raise _stays("the client is not known")
    if client.disabled:
        raise _stays("the client is disabled")
    return client


def check_redirect_uri(request: AuthorizationRequest, client: RegisteredClient) -> None:
    """The redirect URI is one of the registered ones, character by character (RD-1, RD-3; RFC 9700 §4.1.3)."""
    if request.redirect_uri in client.redirect_uris:
        return
    if _is_loopback_with_other_port(request.redirect_uri, client.redirect_uris):
        return
    raise _stays("the redirect_uri is not registered for this client")


def _is_loopback_with_other_port(uri: str, registered: frozenset[str]) -> bool:
    """Native clients on a loopback address literal may choose their port (RFC 8252 §7.3; RD-2)."""
    if not _LOOPBACK.match(uri):
        return False
    return any(_LOOPBACK.match(known) and _without_port(known) == _without_port(uri) for known in registered)


def _without_port(uri: str) -> str:
    return re.sub(r"^(http://(?:127\.0\.0\.1|\[::1\])):[0-9]{1,5}", r"\1", uri)


def check_parameters(request: AuthorizationRequest, client: RegisteredClient) -> None:
    """No standard parameter was sent twice, oversized or broken (RD-7, RD-8)."""
    if request.faults:
        raise ProtocolError("invalid_request", f"{request.faults[0]} is repeated, too long or malformed")
    if request.login_hint is not None and len(request.login_hint) > LONGEST_LOGIN_HINT:
        raise ProtocolError("invalid_request", "login_hint is too long")


def check_unsupported(request: AuthorizationRequest, client: RegisteredClient) -> None:
    """What was not read by now is refused by its own code, as inline registration is (OpenID Connect Core §3.1.2.6)."""
    for name in ("request", "request_uri", "registration"):
        if name in request.unsupported:
            raise ProtocolError(f"{name}_not_supported", f"the parameter {name} is not supported")


def check_response_type(request: AuthorizationRequest, client: RegisteredClient) -> None:
    """One that exists, with its grant types, and that the client is registered for (RD-10)."""
    if request.response_type is None:
        raise ProtocolError("invalid_request", "response_type is missing")
    grant_types = _GRANT_TYPES.get(request.response_type)
    if grant_types is None:
        raise ProtocolError("unsupported_response_type", "the response_type is not supported")
    if request.response_type not in client.response_types or not grant_types <= client.grant_types:
        raise ProtocolError("unauthorized_client", "the client is not registered for this response_type")


def check_response_mode(request: AuthorizationRequest, client: RegisteredClient) -> None:
    """A known one; the query only for codes alone (RD-11; Multiple Response Types §3)."""
    if request.response_mode not in (None, *RESPONSE_MODES):
        raise ProtocolError("invalid_request", "response_mode must be query, fragment or form_post")
    if request.response_mode == QUERY and request.response_type != "code":
        raise ProtocolError("invalid_request", "response_mode query is for response_type code only")


def check_scope(request: AuthorizationRequest, client: RegisteredClient) -> None:
    """At least one scope is left that we know and the client may ask for (RFC 6749 §3.3); ID tokens need openid."""
    allowed = allowed_scope(request, client)
    if not allowed:
        raise ProtocolError("invalid_scope", "no requested scope is available to the client")
    if "id_token" in request.answers and "openid" not in allowed:
        raise ProtocolError("invalid_scope", "an ID token needs scope openid")


def check_nonce(request: AuthorizationRequest, client: RegisteredClient) -> None:
    """An ID token that comes through the browser is bound to its request (OpenID Connect Core §3.2.2.1, §3.3.2.11)."""
    if "id_token" in request.answers and request.nonce is None:
        raise ProtocolError("invalid_request", "nonce is missing")


def check_resources(request: AuthorizationRequest, client: RegisteredClient) -> None:
    """Resource servers that the client is registered for (RFC 8707 §2)."""
    check_registered_resources(request.resources, client)


def check_acr(request: AuthorizationRequest, client: RegisteredClient) -> None:
    """An essential `acr` is one that can be reached (OpenID Connect Core §5.5.1.1; Unmet Authentication Requirements §2)."""
    if not can_meet(find_acr_wish(request, client)):
        raise ProtocolError("unmet_authentication_requirements", "the essential acr cannot be reached")


def find_acr_wish(request: AuthorizationRequest, client: RegisteredClient) -> AcrWish:
    """From `acr_values`, the `claims` parameter, or else what the client registered (§3.1.2.1, §5.5.1.1)."""
    wish = request.claims.wish("id_token", "acr")
    if request.claims.has("id_token", "acr"):
        listed = [*wish.get("values", ()), *([wish["value"]] if "value" in wish else [])]
        return AcrWish([str(value) for value in listed], is_asked=True, is_essential=bool(wish.get("essential")))
    values = request.acr_values or client.details.get("default_acr_values") or ()
    return AcrWish(tuple(values), is_asked=bool(values))


def check_pkce(request: AuthorizationRequest, client: RegisteredClient) -> None:
    """A challenge by S256 is there, unless the operator exempts a confidential client (CO-5; RFC 7636 §4.4.1)."""
    if "code" not in request.answers:
        return
    if request.code_challenge is None:
        if request.code_challenge_method is not None or not is_pkce_exempt(client):
            raise ProtocolError("invalid_request", "code_challenge is missing")
        return
    if request.code_challenge_method != "S256":
        raise ProtocolError("invalid_request", "code_challenge_method must be S256")
    if not _CHALLENGE.match(request.code_challenge):
        raise ProtocolError("invalid_request", "code_challenge must be 43 base64url characters")


def check_prompt(request: AuthorizationRequest, client: RegisteredClient) -> None:
    """Known values only, and none alone (OpenID Connect Core §3.1.2.1)."""
    if request.prompt - PROMPTS:
        raise ProtocolError("invalid_request", "prompt has an unknown value")
    if request.is_silent and len(request.prompt) > 1:
        raise ProtocolError("invalid_request", "prompt none stands alone")


CHECKS: tuple[Callable[[AuthorizationRequest, RegisteredClient], None], ...] = (
    check_parameters,
    check_unsupported,
    check_response_type,
    check_response_mode,
    check_scope,
    check_nonce,
    check_pkce,
    check_prompt,
    check_resources,
    check_acr,
)


def check_request(request: AuthorizationRequest, client: RegisteredClient) -> None:
    """Everything that the client may be told by redirect. Raises `ProtocolError` at the first fault."""
    for check in CHECKS:
        check(request, client)


def allowed_scope(request: AuthorizationRequest, client: RegisteredClient) -> frozenset[str]:
    """What of the asked scope can be granted: known to us and to the client's registration; the rest is left out.

    `offline_access` needs the refresh grant, and a code to get it with (OpenID Connect Core §11).
    """
    allowed = known_scope(client)
    if "refresh_token" not in client.grant_types or "code" not in request.answers:
        allowed -= {"offline_access"}
    return request.scope & allowed


def known_scope(client: RegisteredClient) -> frozenset[str]:
    """The scopes of ours that the client is registered for; where it registered none all, except those of staff."""
    return frozenset(SCOPES) & (client.scopes or frozenset(SCOPES)) | frozenset(STAFF_SCOPES) & client.scopes


def is_pkce_exempt(client: RegisteredClient) -> bool:
    """Only confidential clients can be exempt (DESIGN: shown in red to staff)."""
    return client.pkce_exempt and not client.is_public


def _stays(description: str) -> ProtocolError:
    return ProtocolError("invalid_request", description, may_redirect=False)
