"""Valid requests, recorded while people use the provider: whatever pages link to is opened, every form is sent once.

What a flow needs beyond pages (codes, tokens, assertions) is written down here by hand. Routes that nobody came by get a
request made from the route map, so no route and no method is left out; `list_uncovered` says which these were.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import requests
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter, Rule

from attacks.fuzz_wire import Request
from attacks.fuzz_world import CALLBACK, LINKS, PEOPLE, PUBLIC, SECRET, TOOL, VERIFIER, World, basic
from idp.protocol.pkce import make_challenge
from tests.support.visitor import Form, read_forms, read_links
from tests.support.world import SECRETS

FORM = b"application/x-www-form-urlencoded"
JSON = b"application/json"
METHODS = (b"GET", b"POST", b"PUT", b"PATCH", b"DELETE", b"HEAD", b"OPTIONS", b"TRACE", b"CONNECT", b"PROPFIND", b"get")
LIBRARY = basic("download-library", SECRETS["library"])

_SEEN_AT_MOST = 2
_LAST = ("sign-out", "end-all", "logout", "close", "user-name", "roles", "secret", "switch")
_WORDS = {
    "email": "fuzz@example.org",
    "password": "{{password}}",
    "username": "anna",
    "given_name": "Fuzz",
    "family_name": "Tester",
    "serial_number": "AB123C",
    "country": "DE",
    "company": "Lab",
    "account": "willi",
    "reason": "Send a photo of the name plate.",
    "message": "A question about my device.",
}


def record(world: World, app: Any) -> list[Request]:
    """Every request worth changing: of pages and forms, of flows, of the rest of the route map."""
    found = [*_flows(), *_walk_all(world, app), *_from_rules(app)]
    return list(dict.fromkeys(found))


def list_uncovered(app: Any, requests_: Iterable[Request]) -> list[str]:
    """Routes with a method of theirs that no request reaches."""
    adapter = app.url_map.bind("localhost")
    reached = {(_rule_of(adapter, request), request.method.decode("latin-1")) for request in requests_}
    return sorted(
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
        if (rule.rule, method) not in reached
    )


def endpoint_of(adapter: MapAdapter, request: Request) -> str:
    """The endpoint that a request is for, or nothing."""
    path = urlsplit(request.target.decode("latin-1")).path
    for method in (request.method.decode("latin-1"), "GET", "POST"):
        try:
            return str(adapter.match(path, method=method)[0])
        except HTTPException:
            continue
    return ""


def _rule_of(adapter: MapAdapter, request: Request) -> str:
    path = urlsplit(request.target.decode("latin-1")).path
    try:
        rule, _values = adapter.match(path, method=request.method.decode("latin-1"), return_rule=True)
    except HTTPException:
        return ""
    return str(rule.rule)


class Walker:
    """One person who opens every page that they find, and sends every form."""

    def __init__(self, world: World, adapter: MapAdapter, who: str) -> None:
        self.world, self.adapter, self.who = world, adapter, who
        self.seen: Counter[str] = Counter()
        self.forms: dict[tuple[str, str, str], tuple[str, Form, str]] = {}
        self.session = requests.Session()
        self.session.headers["Accept-Language"] = "en"

    def walk(self, starts: Iterable[str]) -> Iterator[Request]:
        """Pages first, then forms, those that end things last."""
        waiting = list(starts)
        while waiting:
            path = waiting.pop(0)
            endpoint = self._endpoint(path)
            if not endpoint or self.seen[endpoint] >= _SEEN_AT_MOST:
                continue
            self.seen[endpoint] += 1
            request = self._request(b"GET", path)
            yield request
            waiting += self._open(path)
        for _key, (page, form, button) in sorted(self.forms.items(), key=lambda item: _is_last(item[0])):
            yield self._submit(page, form, button)

    def _open(self, path: str) -> list[str]:
        cookies = self.world.fill(b"{{%s.cookies}}" % (self.who or "nobody").encode()).decode()
        answer = self.session.get(
            self.world.base + path, headers={"Cookie": cookies}, allow_redirects=False, timeout=30
        )
        here = urljoin(self.world.base, path)
        links = [answer.headers["Location"]] if "Location" in answer.headers else []
        if "html" in answer.headers.get("Content-Type", ""):
            links += read_links(answer.text)
            links += re.findall(rf"{re.escape(self.world.base)}(/[\w./?=&%-]+)", answer.text)
            self._note_forms(path, answer.text)
        return [_local(urljoin(here, link), self.world.base) for link in links]

    def _note_forms(self, page: str, html: str) -> None:
        for form in read_forms(html):
            action = _local(urljoin(self.world.base + page, form.action or page), self.world.base)
            for button in form.buttons or {"": ("", "")}:
                self.forms.setdefault((self._endpoint(action), form.method, button), (action, form, button))

    def _submit(self, action: str, form: Form, button: str) -> Request:
        fields = [(name, value or _guess(name)) for name, value in form.fields]
        fields += [(name.partition("=")[0], value) for name, value in form.checkboxes.items()]
        if button and form.buttons[button][0]:
            fields.append(form.buttons[button])
        fields = [(name, "{{csrf}}" if name.endswith("csrf_token") else value) for name, value in fields]
        text = urlencode(fields).replace("%7B%7B", "{{").replace("%7D%7D", "}}").encode()
        if form.method == "get":
            return self._request(b"GET", action.partition("?")[0] + "?" + text.decode())
        return self._request(b"POST", action, text)

    def _request(self, method: bytes, path: str, body: bytes = b"") -> Request:
        target = self.world.unfill(path.encode("ascii", "ignore"))
        headers: tuple[tuple[bytes, bytes], ...] = ((b"Accept", b"text/html"), (b"Accept-Language", b"en"))
        headers = (*headers, (b"Cookie", b"{{%s.cookies}}" % (self.who or "nobody").encode()))
        if body:
            headers = (*headers, (b"Content-Type", FORM), (b"Origin", b"http://{{host}}"))
        return Request(method, target, headers, self.world.unfill(body), self.who)

    def _endpoint(self, path: str) -> str:
        return endpoint_of(self.adapter, Request(b"GET", path.encode("utf-8", "replace"))) if path else ""


def _is_last(key: tuple[str, str, str]) -> bool:
    return any(word in " ".join(key).replace("_", "-") for word in _LAST)


def _guess(name: str) -> str:
    return next((value for word, value in _WORDS.items() if word in name), "")


def _local(address: str, base: str) -> str:
    return address.removeprefix(base).partition("#")[0] if address.startswith(base + "/") else ""


def _walk_all(world: World, app: Any) -> Iterator[Request]:
    world.names.setdefault(
        "nobody.cookies", b"idp_form=%s; idp_browser=%s" % (world.names["form"], world.names["browser"])
    )
    world.names.setdefault("host", world.host)
    adapter = app.url_map.bind("localhost")
    plain = [rule.rule for rule in app.url_map.iter_rules() if "<" not in rule.rule and "GET" in (rule.methods or ())]
    plain = [path for path in plain if not path.startswith(("/oauth/token", "/sign-out"))]
    for who in ("", *PEOPLE):
        starts = [*plain, *(path for _name, path in _link_paths())] if who in ("", "anna") else plain
        yield from Walker(world, adapter, who).walk(world.fill(path.encode()).decode() for path in starts)


def _link_paths() -> list[tuple[str, str]]:
    places = ("/confirm/", "/reset/", "/email/", "/email/undo/", "/migrate/", "/reopen/")
    return [(name, f"{place}{{{{link.{name}}}}}") for name, place in zip(LINKS, places, strict=True)]


def _post(path: str, fields: dict[str, str], *, authorization: bytes = LIBRARY, **headers: str) -> Request:
    body = urlencode(fields).replace("%7B%7B", "{{").replace("%7D%7D", "}}").encode()
    sent = [(b"Content-Type", FORM), *((name.encode(), value.encode()) for name, value in headers.items())]
    if authorization:
        sent.append((b"Authorization", authorization))
    return Request(b"POST", path.encode(), tuple(sent), body)


def _flows() -> Iterator[Request]:
    """The protocol's requests, each as a client would send it."""
    query = {
        "response_type": "code",
        "client_id": "download-library",
        "redirect_uri": "{{callback}}",
        "scope": "openid profile email approval session",
        "state": "s",
        "nonce": "n",
        "code_challenge": make_challenge(VERIFIER),
        "code_challenge_method": "S256",
        "prompt": "none",
        "max_age": "100",
        "ui_locales": "de en",
        "login_hint": "anna",
        "id_token_hint": "e30.e30.",
        "acr_values": "1",
        "claims": '{"userinfo":{"email":{"essential":true}},"id_token":{"auth_time":null}}',
        "resource": "download-library",
        "response_mode": "query",
        "display": "page",
        "request": "e30.e30.e30",
        "registration": "{}",
    }
    for left_out in (
        (),
        ("request", "registration", "id_token_hint"),
        ("prompt", "request", "registration", "id_token_hint"),
    ):
        text = urlencode({name: value for name, value in query.items() if name not in left_out})
        text = text.replace("%7B%7B", "{{").replace("%7D%7D", "}}")
        for who in ("", "anna", "willi"):
            cookies = (b"Cookie", b"{{%s.cookies}}" % (who or "nobody").encode())
            yield Request(b"GET", b"/oauth/authorize?" + text.encode(), (cookies,), b"", who)
            yield Request(b"POST", b"/oauth/authorize", (cookies, (b"Content-Type", FORM)), text.encode(), who)
    code = {
        "grant_type": "authorization_code",
        "code": "{{code}}",
        "redirect_uri": "{{callback}}",
        "code_verifier": VERIFIER,
    }
    yield _post("/oauth/token", code)
    credentials = {"client_id": "download-library", "client_secret": SECRETS["library"]}
    yield _post("/oauth/token", {**code, **credentials}, authorization=b"")
    yield _post("/oauth/token", {**code, "redirect_uri": CALLBACK, "client_id": PUBLIC}, authorization=b"")
    assertion = {
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJkZXNrLXRvb2wiLCJzdWIiOiJkZXNrLXRvb2wiLCJleHAiOjE5MDAwMDAwMDB9.e30",
    }
    yield _post("/oauth/token", {**code, **assertion}, authorization=b"")
    yield _post("/oauth/token", {"grant_type": "refresh_token", "refresh_token": "{{refresh}}", "scope": "openid"})
    yield _post("/oauth/token", {"grant_type": "client_credentials", "scope": "openid", "resource": "download-library"})
    staff = {**code, "code": "{{staff_code}}", "redirect_uri": CALLBACK}
    yield _post("/oauth/token", staff, authorization=basic(TOOL, SECRET))
    service = basic("license-service", SECRETS["service"])
    for path in ("/oauth/introspect", "/oauth/revoke"):
        for token in ("{{access}}", "{{refresh}}"):
            yield _post(path, {"token": token, "token_type_hint": "access_token"}, authorization=service)
            yield _post(path, {"token": token, "token_type_hint": "refresh_token"})
    yield _post(
        "/oauth/introspect",
        {"token": "{{access}}"},
        authorization=service,
        Accept="application/token-introspection+jwt",
    )
    yield Request(b"GET", b"/oauth/userinfo", ((b"Authorization", b"Bearer {{access}}"),))
    yield _post("/oauth/userinfo", {"access_token": "{{access}}"}, authorization=b"")
    yield from _registrations()
    hints = urlencode(
        {"id_token_hint": "e30.e30.e30", "client_id": "download-library", "state": "s", "ui_locales": "de"}
    )
    yield Request(b"GET", b"/oauth/logout?" + hints.encode(), ((b"Cookie", b"{{anna.cookies}}"),), b"", "anna")
    yield from _api_calls()


def _registrations() -> Iterator[Request]:
    key = {"kty": "RSA", "n": "AQAB" * 90, "e": "AQAB", "use": "sig", "alg": "RS256", "kid": "1"}
    metadata: dict[str, Any] = {
        "redirect_uris": ["https://app.example/cb"],
        "client_name": "Fuzz",
        "client_name#de": "Fuss",
        "client_uri": "https://app.example/",
        "logo_uri": "https://app.example/logo.png",
        "contacts": ["ops@app.example"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [key]},
        "scope": "openid profile",
        "default_max_age": 3600,
        "require_auth_time": True,
        "subject_type": "public",
        "id_token_signed_response_alg": "RS256",
        "userinfo_signed_response_alg": "ES256",
        "userinfo_encrypted_response_alg": "RSA-OAEP-256",
        "backchannel_logout_uri": "https://app.example/bc",
        "frontchannel_logout_uri": "https://app.example/fc",
        "post_logout_redirect_uris": ["https://app.example/out"],
        "initiate_login_uri": "https://app.example/in",
        "software_statement": "e30.e30.e30",
    }
    token = (b"Authorization", b"Bearer {{initial_token}}")
    for left_out in ((), ("software_statement",), ("jwks", "token_endpoint_auth_method", "software_statement")):
        body = json.dumps({name: value for name, value in metadata.items() if name not in left_out}).encode()
        yield Request(b"POST", b"/oauth/register", ((b"Content-Type", JSON), token), body)
        yield Request(b"PUT", b"/oauth/register/download-library", ((b"Content-Type", JSON), token), body)


def _api_calls() -> Iterator[Request]:
    token = (b"Authorization", b"Bearer {{staff_access}}")
    for path in (
        b"/api/queue?q=a&country=DE&family=AB&late=true",
        b"/api/accounts?q=anna&status=approved&after=1.x",
        b"/api/accounts/{{willi.id}}",
        b"/api/accounts/{{willi.id}}/similar",
        b"/api/old-portal",
        b"/api/registrations?q=a&state=all",
    ):
        yield Request(b"GET", path, (token,))
    decision = {"act": "approve", "reason": "Known customer.", "remark": "checked", "seen_at": "2026-01-01T00:00:00Z"}
    for path, body in (
        (b"/api/accounts/{{willi.id}}/decisions", decision),
        (b"/api/accounts/{{willi.id}}/decisions", {"act": "suspend", "reason": "why"}),
        (b"/api/accounts/{{anna.id}}/reset-links", {}),
    ):
        yield Request(b"POST", path, (token, (b"Content-Type", JSON)), json.dumps(body).encode())


def _from_rules(app: Any) -> Iterator[Request]:
    """Every rule with every method, for somebody who may everything and for nobody."""
    for rule in app.url_map.iter_rules():
        for who in ("olga", ""):
            for method in METHODS:
                yield _of_rule(rule, method, who)


def _of_rule(rule: Rule, method: bytes, who: str) -> Request:
    target = re.sub(r"<(?:([^<>:]+(?:\([^<>]*\))?):)?(\w+)>", _example, rule.rule).encode()
    headers: list[tuple[bytes, bytes]] = [(b"Cookie", b"{{%s.cookies}}" % (who or "nobody").encode())]
    if rule.rule.startswith("/api"):
        headers.append((b"Authorization", b"Bearer {{staff_access}}"))
    body = b""
    if method in (b"POST", b"PUT", b"PATCH", b"DELETE"):
        headers.append((b"Content-Type", JSON if rule.rule.startswith(("/api", "/oauth/register")) else FORM))
        body = b"csrf_token={{csrf}}&act=approve&q=1"
    return Request(method, target, tuple(headers), body, who)


def _example(match: re.Match[str]) -> str:
    converter, name = match[1] or "", match[2]
    if converter.startswith("any("):
        return converter[4:].partition(",")[0].rstrip(")")
    known = {"account_id": "{{willi.id}}", "client_id": "download-library", "number": "1", "language": "en"}
    if "int" in converter:
        return "1"
    return known.get(name, "x" * 43 if name == "token" else "confirm")
