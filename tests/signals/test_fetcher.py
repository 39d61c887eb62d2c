"""The guarded fetcher: where it goes, where it does not, and that it never waits long (SS-1)."""

from __future__ import annotations

import ipaddress
import socket
import time
from typing import Any

import pytest

from idp.signals.fetcher import Fetcher, FetchFailed, FetchRefused, is_public
from tests.support.listener import answer_with, listening

PRIVATE = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b::a01:203",
    "2001:db8::1",
    "2002:7f00:1::",
    "fc00::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_are_not_public(address: str) -> None:
    """Loopback, private, link-local, multicast, mapped and special-use ranges are refused (SS-1)."""
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808"])
def test_addresses_that_are_public(address: str) -> None:
    """The open Internet is reachable."""
    assert is_public(ipaddress.ip_address(address))


def names(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Let every name have these addresses; out: the names that were asked for."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def resolve(host: str, port: int, *_rest: Any, **_values: Any) -> list[tuple[Any, ...]]:
        if host in addresses:  # sockets ask for literals too
            return real(host, port, *_rest, **_values)
        asked.append(host)
        kinds = [(socket.AF_INET6 if ":" in a else socket.AF_INET, a) for a in addresses]
        return [(kind, socket.SOCK_STREAM, 6, "", (a, port)) for kind, a in kinds]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.7", "169.254.169.254", "::1", "::ffff:10.0.0.7"])
def test_a_public_name_with_a_private_address_is_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """A name cannot lead inside (SS-1)."""
    names(monkeypatch, address)
    with pytest.raises(FetchRefused, match="not a public one"):
        Fetcher().get("https://site.example.com/jwks")


def test_one_private_address_among_public_ones_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Mixed answers are how rebinding begins (SS-1)."""
    names(monkeypatch, "8.8.8.8", "127.0.0.1")
    with pytest.raises(FetchRefused, match="not a public one"):
        Fetcher().get("https://site.example.com/jwks")


@pytest.mark.parametrize(
    "url",
    [
        "http://site.example.com/",
        "ftp://site.example.com/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "https://user@site.example.com/",
        "https://site.example.com\\@10.0.0.1/",
        "https://site.example.com/\r\nX: y",
        "https://site.example.com/ü",
        "https:///path",
        "https://site.example.com:99999/",
        "//site.example.com/",
        "",
    ],
)
def test_addresses_that_are_not_called(url: str) -> None:
    """Only plain https addresses, unless the operator named the host."""
    with pytest.raises(FetchRefused):
        Fetcher().get(url)


def test_http_is_called_on_loopback_where_the_operator_names_it() -> None:
    """The demo's sites: named host and port, on loopback."""
    with listening(answer_with("200 OK", b"{}", "Content-Type: application/json; charset=utf-8\r\n")) as site:
        answer = Fetcher([site.host]).get(site.url("/jwks?a=b"))
        assert (answer.status, answer.content_type, answer.body) == (200, "application/json", b"{}")
        assert site.requests[0].startswith(b"GET /jwks?a=b HTTP/1.1\r\n")
        assert f"host: {site.host}".encode() in site.requests[0].lower()
        with pytest.raises(FetchRefused):
            Fetcher(["127.0.0.1:1"]).get(site.url())


def test_http_is_never_called_beyond_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Naming a host does not permit http to it when it is elsewhere."""
    names(monkeypatch, "10.0.0.7")
    with pytest.raises(FetchRefused, match="loopback only"):
        Fetcher(["intranet.example.com"]).get("http://intranet.example.com/")


def test_a_name_is_asked_for_once_and_the_checked_address_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection is pinned to the address that was checked (SS-1)."""
    with listening(answer_with("204 No Content")) as site:
        asked = names(monkeypatch, "127.0.0.1")
        fetched = Fetcher(["site.example.com"]).post_form(f"http://site.example.com:{site.port}/out", {"a": "ü&="})
        assert fetched.status == 204
        assert asked == ["site.example.com"]
        assert site.requests[0].endswith(b"\r\n\r\na=%C3%BC%26%3D")


def test_redirects_are_not_followed() -> None:
    """An answer of 302 is an answer (SS-1)."""
    with (
        listening(answer_with("200 OK")) as inner,
        listening(answer_with("302 Found", headers=f"Location: {inner.url()}\r\n")) as site,
    ):
        answer = Fetcher([site.host, inner.host]).get(site.url())
        assert answer.status == 302
        assert inner.requests == []


def test_an_answer_that_is_too_long_is_given_up() -> None:
    """64 kB and no more (SS-1)."""
    with listening(answer_with("200 OK", b"x" * 65537)) as site, pytest.raises(FetchFailed, match="too long"):
        Fetcher([site.host]).get(site.url())


def test_a_compressed_answer_is_not_unpacked() -> None:
    """No decompression bombs: what comes compressed stays so (SS-1)."""
    with listening(answer_with("200 OK", b"\x1f\x8b", "Content-Encoding: gzip\r\n")) as site:
        assert Fetcher([site.host]).get(site.url()).body == b"\x1f\x8b"


def test_a_dripping_site_is_left_at_the_deadline() -> None:
    """The time is bounded in all, not only between two bytes: the site would have dripped on (SS-1, SS-3)."""
    dripped = 0

    def drip(connection: socket.socket) -> None:
        nonlocal dripped
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while dripped < 100:
            dripped += 1
            connection.sendall(b"X-Slow: 1\r\n")
            time.sleep(0.05)

    with listening(drip) as site, pytest.raises(FetchFailed, match="no answer in time"):
        Fetcher([site.host]).get(site.url(), within=0.5)
    assert 0 < dripped < 100


def test_a_site_that_hangs_up_or_is_not_there() -> None:
    """Failures are told apart in words that hold no address."""
    with listening(lambda connection: connection.close()) as site, pytest.raises(FetchFailed, match="broke off"):
        Fetcher([site.host]).get(site.url())
    with pytest.raises(FetchFailed, match="connection refused"):
        Fetcher([site.host]).get(site.url())


def test_an_unknown_name_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name without addresses may have one later."""

    def unknown(*_arguments: object, **_values: object) -> None:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(FetchFailed, match="not known"):
        Fetcher().get("https://nowhere.example.com/")


def test_tls_is_checked_against_the_name() -> None:
    """A listener without a certificate for the name is no site."""
    with listening(answer_with("200 OK")) as site, pytest.raises(FetchFailed):
        Fetcher([site.host]).get(f"https://{site.host}/")


def test_the_environment_sets_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxies of the environment would take the checked address away."""
    with listening(answer_with("200 OK")) as proxy, listening(answer_with("200 OK")) as site:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url())
        Fetcher([site.host]).get(site.url())
        assert (len(site.requests), proxy.requests) == (1, [])
