"""A site that uses nothing of ours but Authlib's Flask client works as well, and PyJWT reads its tokens."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import jwt
import pytest
from authlib.integrations.flask_client import OAuth
from flask import Flask, jsonify, redirect, session, url_for
from flask.typing import ResponseReturnValue
from jwt import PyJWKClient
from werkzeug.serving import make_server

from tests.support.visitor import Visitor
from tests.support.world import PASSWORD, SECRETS, QuietHandler, World


def plain_site(world: World) -> Flask:
    """The example of Authlib's documentation, registered under the library's name."""
    app = Flask("plain_site")
    app.secret_key = "a secret of the plain site"
    app.config["SESSION_COOKIE_NAME"] = "plain_session"
    oauth = OAuth(app)
    oauth.register(
        "idp",
        client_id="download-library",
        client_secret=SECRETS["library"],
        server_metadata_url=world.provider_url + "/.well-known/openid-configuration",
        client_kwargs={"scope": "openid profile email approval", "code_challenge_method": "S256"},
    )

    @app.get("/login")
    def login() -> ResponseReturnValue:
        answer: ResponseReturnValue = oauth.idp.authorize_redirect(url_for("callback", _external=True))
        return answer

    @app.get("/account/sign-in/callback")
    def callback() -> ResponseReturnValue:
        token = oauth.idp.authorize_access_token()
        session["claims"] = dict(token["userinfo"])
        session["fresh"] = dict(oauth.idp.userinfo(token=token))
        session["id_token"] = token["id_token"]
        return redirect("/me")

    @app.get("/me")
    def me() -> ResponseReturnValue:
        return jsonify(session["claims"], session["fresh"], session["id_token"])

    return app


@pytest.fixture
def plain_url(sqlite_world: World) -> Iterator[str]:
    """The plain site, at the address where the library's callback is registered."""
    world = sqlite_world
    port = int(world.library_url.rpartition(":")[2])
    library = next(server for server in world.servers if server.port == port)
    library.shutdown()
    library.server_close()
    world.servers.remove(library)
    server = make_server("127.0.0.1", port, plain_site(world), threaded=True, request_handler=QuietHandler)
    world.servers.append(server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return world.library_url


def test_authlibs_flask_client_signs_in_and_reads_the_claims(sqlite_world: World, plain_url: str) -> None:
    """Discovery, PKCE, code, ID token and userinfo through a library that knows nothing of us."""
    world = sqlite_world
    visitor = Visitor(world.provider_url)
    visitor.get(plain_url + "/login")
    page = visitor.submit("login-submit", username="anna", password=PASSWORD)
    claims, fresh, id_token = page.response.json()
    assert claims["iss"] == world.provider_url
    assert claims["approval_status"] == fresh["approval_status"] == "approved"
    assert claims["sub"] == fresh["sub"]
    assert fresh["email"] == "approved@example.com"

    key = PyJWKClient(world.provider_url + "/oauth/jwks").get_signing_key_from_jwt(id_token)
    read = jwt.decode(id_token, key.key, algorithms=["RS256"], audience="download-library", issuer=world.provider_url)
    assert read["sub"] == claims["sub"]
