"""The site's calls to the provider: metadata, tokens, userinfo, keys (Authlib's OAuth 2 client, joserfc)."""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time
from collections.abc import Mapping
from typing import Any

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

ALGORITHMS = ("RS256", "ES256", "PS256", "EdDSA", "Ed25519")
LEEWAY = 10
_METADATA_LIFE = 3600
_KEYS_AT_MOST_EVERY = 5
_BIGGEST_ANSWER = 262144

# Authlib writes code verifiers at DEBUG.
logging.getLogger("authlib").setLevel(logging.INFO)


class ProviderUnavailable(Exception):
    """The provider did not answer, or not in a way that can be understood."""


class GrantEnded(Exception):
    """The provider no longer accepts what we hold: go through the authorization endpoint again (RFC 6749 §5.2)."""


class InvalidToken(Exception):
    """A token from the provider that does not verify; the text says why."""


class ProviderClient:
    """One site's view of its provider; thread-safe, caches metadata and keys."""

    def __init__(self, issuer: str, client_id: str, client_secret: str | None, timeout: float = 5.0) -> None:
        self.issuer = issuer.rstrip("/")
        self.client_id = client_id
        self._secret = client_secret
        self._timeout = timeout
        self._lock = threading.Lock()
        self._metadata: dict[str, Any] = {}
        self._metadata_until = 0.0
        self._keys: KeySet | None = None
        self._keys_at = 0.0

    def metadata(self) -> Mapping[str, Any]:
        """The provider's metadata (OpenID Connect Discovery §4.2), at most an hour old."""
        with self._lock:
            if time.monotonic() < self._metadata_until:
                return self._metadata
        document = self._get_json(self.issuer + "/.well-known/openid-configuration")
        if document.get("issuer") != self.issuer:
            raise ProviderUnavailable("the metadata names another issuer")
        with self._lock:
            self._metadata, self._metadata_until = document, time.monotonic() + _METADATA_LIFE
            return document

    def authorization_url(self, redirect_uri: str, scope: str, **extra: str) -> tuple[str, str, str]:
        """Where the browser goes, with `state` and PKCE verifier made for it (RFC 7636, S256)."""
        verifier = secrets.token_urlsafe(48)
        with self._session(redirect_uri=redirect_uri, scope=scope) as session:
            url, state = session.create_authorization_url(
                self.metadata()["authorization_endpoint"], code_verifier=verifier, **extra
            )
        return url, state, verifier

    def redeem_code(self, code: str, redirect_uri: str, verifier: str) -> dict[str, Any]:
        """Exchange the code for tokens (RFC 6749 §4.1.3)."""
        with self._session(redirect_uri=redirect_uri) as session:
            return self._token_call(session.fetch_token, code=code, code_verifier=verifier)

    def refresh(self, refresh_token: str) -> dict[str, Any]:
        """Exchange a refresh token for new tokens (RFC 6749 §6); a lost answer is asked for once more."""
        with self._session() as session:
            try:
                return self._token_call(session.refresh_token, refresh_token=refresh_token)
            except ProviderUnavailable:
                return self._token_call(session.refresh_token, refresh_token=refresh_token)

    def userinfo(self, access_token: str) -> dict[str, Any]:
        """The claims as they are now (OpenID Connect Core §5.3). Raises `GrantEnded` for a token that is dead."""
        answer = self._request("GET", self.metadata()["userinfo_endpoint"], token=access_token)
        if answer.status_code in (401, 403):
            raise GrantEnded("userinfo refuses the access token")
        return self._json(answer)

    def verify_id_token(self, text: str, nonce: str | None, now: int) -> dict[str, Any]:
        """The claims of an ID token for this site (OpenID Connect Core §3.1.3.7)."""
        claims = self._verify(text, now)
        if nonce is not None and claims.get("nonce") != nonce:
            raise InvalidToken("nonce")
        if not isinstance(claims.get("sub"), str):
            raise InvalidToken("sub")
        return claims

    def verify_logout_token(self, text: str, now: int) -> dict[str, Any]:
        """The claims of a logout token (OpenID Connect Back-Channel Logout §2.6)."""
        claims = self._verify(text, now, typ="logout+jwt")
        events = claims.get("events")
        if not isinstance(events, dict) or "http://schemas.openid.net/event/backchannel-logout" not in events:
            raise InvalidToken("events")
        if "nonce" in claims or not isinstance(claims.get("jti"), str) or not ("sid" in claims or "sub" in claims):
            raise InvalidToken("claims")
        if abs(now - int(claims.get("iat", 0))) > 300:
            raise InvalidToken("iat")
        return claims

    def _verify(self, text: str, now: int, typ: str | None = None) -> dict[str, Any]:
        if len(text) > 16384:
            raise InvalidToken("size")
        registry = JWSRegistry(algorithms=list(ALGORITHMS))
        try:
            try:
                token = jwt.decode(text, self._key_set(), registry=registry)
            except (JoseError, ValueError):
                # The key may be newer than what we know (OpenID Connect Core §10.1.1).
                token = jwt.decode(text, self._key_set(renew=True), registry=registry)
            rules = jwt.JWTClaimsRegistry(
                now=now,
                leeway=LEEWAY,
                iss={"essential": True, "value": self.issuer},
                aud={"essential": True, "value": self.client_id},
                exp={"essential": True},
                iat={"essential": True},
            )
            rules.validate(token.claims)
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            raise InvalidToken(type(error).__name__) from None
        if typ is not None and str(token.header.get("typ", "")).lower() != typ:
            raise InvalidToken("typ")
        audience = token.claims["aud"]
        if isinstance(audience, list) and len(audience) > 1 and token.claims.get("azp") != self.client_id:
            raise InvalidToken("azp")
        return dict(token.claims)

    def _key_set(self, *, renew: bool = False) -> KeySet:
        with self._lock:
            fresh = time.monotonic() - self._keys_at < (_KEYS_AT_MOST_EVERY if renew else _METADATA_LIFE)
            if self._keys is not None and fresh:
                return self._keys
        document = self._get_json(self.metadata()["jwks_uri"])
        with self._lock:
            self._keys, self._keys_at = KeySet.import_key_set(document), time.monotonic()  # type: ignore[arg-type]
            return self._keys

    def _session(self, **options: Any) -> OAuth2Session:
        return OAuth2Session(
            client_id=self.client_id,
            client_secret=self._secret,
            token_endpoint=self.metadata()["token_endpoint"],
            token_endpoint_auth_method="client_secret_basic" if self._secret else "none",
            code_challenge_method="S256",
            default_timeout=self._timeout,
            **options,
        )

    @staticmethod
    def _token_call(call: Any, **values: Any) -> dict[str, Any]:
        try:
            return dict(call(**values))
        except OAuthError as error:
            if error.error == "invalid_grant":
                raise GrantEnded(error.error) from None
            raise ProviderUnavailable(str(error.error)) from None
        except (requests.RequestException, ValueError) as error:
            raise ProviderUnavailable(type(error).__name__) from None

    def _request(self, method: str, url: str, token: str | None = None) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            return requests.request(method, url, headers=headers, timeout=self._timeout, allow_redirects=False)
        except requests.RequestException as error:
            raise ProviderUnavailable(type(error).__name__) from None

    def _get_json(self, url: str) -> dict[str, Any]:
        return self._json(self._request("GET", url))

    @staticmethod
    def _json(answer: requests.Response) -> dict[str, Any]:
        if answer.status_code != 200 or len(answer.content) > _BIGGEST_ANSWER:
            raise ProviderUnavailable(f"status {answer.status_code}")
        try:
            value = json.loads(answer.content)
        except (ValueError, RecursionError):
            raise ProviderUnavailable("the answer is not JSON") from None
        if not isinstance(value, dict):
            raise ProviderUnavailable("the answer is not an object")
        return value
