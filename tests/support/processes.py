"""Processes and ports on this machine, for the helpers that start a real server."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
from collections import deque

_RESERVED: deque[socket.socket] = deque()
_RESERVED_AT_MOST = 200


def free_port() -> int:
    """A TCP port of 127.0.0.1 that is free, and that nobody else is given by this function.

    Its number is held on UDP by the process that asked, so neither this process nor another one that runs tests draws
    it again before its server listens. Below the ports that Linux gives to outgoing connections: one of these would
    take it as well. The oldest reservations end when there are 200; their servers listen by then.
    """
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        reservation = socket.socket(type=socket.SOCK_DGRAM)
        try:
            reservation.bind(("127.0.0.1", port))
            with socket.socket() as listener:
                listener.bind(("127.0.0.1", port))
        except OSError:
            reservation.close()
            continue
        _RESERVED.append(reservation)
        if len(_RESERVED) > _RESERVED_AT_MOST:
            _RESERVED.popleft().close()
        return port


def stop(process: subprocess.Popen[bytes], *, by: signal.Signals = signal.SIGTERM, seconds: float = 10) -> int:
    """Stop a process that we started and wait for it; SIGKILL after the time. Out: its exit code."""
    if process.poll() is None:
        process.send_signal(by)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """End a process that leads its own group, and its children, without warning."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
