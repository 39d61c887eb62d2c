"""Processes and ports on this machine, for the helpers that start a real server."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess


def free_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago.

    Below those that Linux gives to outgoing connections: one of these would take the port before its server does.
    """
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as listener, contextlib.suppress(OSError):
            listener.bind(("127.0.0.1", port))
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
