"""The network is off: whoever looks up or connects to anything but this machine is stopped, and the test fails.

The attempt is recorded as well as refused, so that code which catches every error cannot hide it.
"""

from __future__ import annotations

import functools
import ipaddress
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

_LOCAL_NAMES = {"localhost", "ip6-localhost", socket.gethostname().lower()}

attempts: list[str] = []


class NetworkIsOff(RuntimeError):
    """A test tried to leave this machine."""


def is_local(host: object) -> bool:
    """Whether a host, as sockets take it, stays on this machine; None and "" mean the machine itself."""
    if host is None or host in ("", b""):
        return True
    name = host.decode("idna") if isinstance(host, bytes) else str(host)
    name = name.lower().rstrip(".")
    if name in _LOCAL_NAMES or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.strip("[]").partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def refuse(what: str) -> None:
    """Record the attempt and stop it."""
    attempts.append(what)
    raise NetworkIsOff(f"{what}: tests stay on this machine")


def install() -> Callable[[], None]:
    """Put the guard in front of every way out; out: a function that takes it away."""
    undo = [
        _guard(socket, "getaddrinfo", lambda args: args[0] if args else None),
        _guard(socket, "gethostbyname", lambda args: args[0]),
        _guard(socket, "gethostbyname_ex", lambda args: args[0]),
        _guard(socket.socket, "connect", _host_of_address),
        _guard(socket.socket, "connect_ex", _host_of_address),
        _guard(socket.socket, "sendto", _host_of_address),
    ]

    def uninstall() -> None:
        for step in undo:
            step()

    return uninstall


def _host_of_address(args: tuple[Any, ...]) -> object:
    """The host in the address that ends the arguments of a socket's method; a path of a Unix socket has none."""
    if args[0].family not in (socket.AF_INET, socket.AF_INET6):
        return None
    address = args[-1]
    return address[0] if isinstance(address, tuple) else None


def _guard(owner: Any, name: str, host_of: Callable[[tuple[Any, ...]], object]) -> Callable[[], None]:
    inherited = name not in vars(owner)
    original = getattr(owner, name)

    @functools.wraps(original)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        host = kwargs["host"] if "host" in kwargs else host_of(args)
        if not is_local(host):
            refuse(f"{name}({host!r})")
        return original(*args, **kwargs)

    setattr(owner, name, guarded)
    return (lambda: delattr(owner, name)) if inherited else (lambda: setattr(owner, name, original))


@pytest.fixture(scope="session", autouse=True)
def _network_guard() -> Iterator[None]:
    uninstall = install()
    yield
    uninstall()


@pytest.fixture(autouse=True)
def network_attempts() -> Iterator[list[str]]:
    """What this test tried to reach outside; it fails if anything is left in the list at its end."""
    attempts.clear()
    yield attempts
    if attempts:
        tried, attempts[:] = ", ".join(attempts), []
        pytest.fail(f"the test tried to leave this machine: {tried}")
