"""Answers encrypted to a client (JWE, RFC 7516; OpenID Connect Core §10.2): signed first, then put into an envelope.

A client asks for it by its registration (`…_encrypted_response_alg` and `…_enc`). Its key may have to be fetched, so the
envelope is found before the transaction begins. Direct and symmetric encryption is left out: client secrets are hashes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from joserfc import jwe

from idp.errors import ProtocolError
from idp.protocol.client_keys import find_encryption_key

if TYPE_CHECKING:
    from idp.protocol.client_keys import ClientKey, ClientKeys
    from idp.store.clients import RegisteredClient

Answer = Literal["id_token", "userinfo"]


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is needed to encrypt for one client: its key, and the algorithms that it registered."""

    key: ClientKey = field(repr=False)
    alg: str
    enc: str

    def seal(self, content: str | bytes, *, is_jwt: bool) -> str:
        """The content as a JWE; a JWT inside is said to be one (RFC 7519 §5.2)."""
        header: dict[str, Any] = {"alg": self.alg, "enc": self.enc}
        if self.key.kid is not None:
            header["kid"] = self.key.kid
        if is_jwt:
            header["cty"] = "JWT"
        return jwe.encrypt_compact(header, content, self.key.key, algorithms=[self.alg, self.enc])


def find_envelope(client: RegisteredClient, answer: Answer, keys: ClientKeys) -> Envelope | None:
    """The envelope for this answer; None where the client wants none.

    Raises `ProtocolError` where the client has no key to encrypt to, and `Busy` where that cannot be found out now.
    """
    alg = client.details.get(f"{answer}_encrypted_response_alg")
    if alg is None:
        return None
    key = find_encryption_key(client, alg, keys)
    if key is None:
        raise ProtocolError("invalid_request", "the client has no key that can be encrypted to", detail=f"no {alg} key")
    return Envelope(key, alg, client.details.get(f"{answer}_encrypted_response_enc", "A128CBC-HS256"))
