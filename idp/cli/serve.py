"""`idp serve`: answer requests, and deliver mails and signals, until SIGTERM or SIGINT.

The parent process migrates the database and makes the keys, then lets go of its connections and starts the server
processes (granian); each builds its own application. A server process that dies is started again; when the parent is
killed, its server processes end themselves.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import functools
import gc
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING, Any

import click

from idp import create_app
from idp.cli.common import Refused, with_settings
from idp.cli.slow_senders import HEADER_SECONDS, SlowSenders
from idp.logs import configure_logging
from idp.store.database import sqlite_path

if TYPE_CHECKING:
    from pathlib import Path

    from idp.config import Settings
    from idp.provider import Provider

STOP_SECONDS = 30
"""How long requests that are under way may take to finish (RL-7)."""

_REPEAT_SECONDS = 0.5
_ROUND_AFTER = 20_000
_PR_SET_PDEATHSIG = 1


@click.command("serve")
@with_settings
def command(settings: Settings) -> None:
    """Serve the provider until SIGTERM or Ctrl-C."""
    configure_logging(settings.server.log_level)
    host, port = parse_bind(settings.server.bind)
    with only_server(settings):
        check_free(host, port)
        prepare(settings)
        click.echo(f"Serving {settings.server.issuer} on {settings.server.bind} (Ctrl-C stops)")
        run_granian(settings, host, port)


def prepare(settings: Settings) -> None:
    """Migrate and make keys, then close every connection: none may be shared with the server processes."""
    provider: Provider = create_app(settings).extensions["idp"]
    provider.database.engine.dispose()


def run_granian(settings: Settings, host: str, port: int) -> None:
    """Start the server processes and stay until they have stopped."""
    from granian.constants import HTTPModes, Interfaces, Loops
    from granian.http import HTTP1Settings
    from granian.log import LogLevels
    from granian.server import Server

    server = Server(
        "idp",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=settings.server.workers,
        blocking_threads=settings.threads,
        loop=Loops.asyncio,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_SECONDS * 1000),
        websockets=False,
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,
    )
    logging.getLogger("_granian").addFilter(_is_no_remark_on_threads)
    server.on_startup(functools.partial(_stop_on_signals, server, signal.getsignal(signal.SIGHUP)))
    server.serve(target_loader=functools.partial(load_application, settings, os.getpid()), wrap_loader=False)


def _is_no_remark_on_threads(record: logging.LogRecord) -> bool:
    """The server software finds our number of threads high; it was measured (`Settings.threads`), and an operator may set another."""
    return "Python threads" not in record.getMessage()


def _stop_on_signals(server: Any, before: Any) -> None:
    """Stop on SIGTERM, Ctrl-C, and when the terminal goes away (unless `nohup` was asked for).

    The event that wakes granian's loop is set in a thread: set in the handler itself, it waits for a lock that the
    interrupted loop may hold, and the process never ends.
    """

    def interrupt(_number: int, _frame: object) -> None:
        threading.Thread(target=server.signal_handler_interrupt, name="stop", daemon=True).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, interrupt)
    signal.signal(signal.SIGHUP, signal.SIG_IGN if before is signal.SIG_IGN else interrupt)


def load_application(settings: Settings, parent: int) -> Callable[..., Any]:
    """Build the application of one server process, and start its delivery worker."""
    stop_when_told(parent)
    end_with_parent(parent)
    configure_logging(settings.server.log_level)
    app = create_app(settings)
    _leave_alone_what_stays()
    if settings.server.worker:
        from idp.signals.worker import Worker

        worker = Worker(app.extensions["idp"])
        worker.start()
        Finalize(None, worker.stop, exitpriority=100)
    return SlowSenders(app, threads=settings.threads, body_bytes=settings.limits.body_bytes)


def _leave_alone_what_stays() -> None:
    """Take what was made at the start out of the garbage collector's rounds, and make these rarer."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ROUND_AFTER)


def stop_when_told(parent: int) -> None:
    """Stop this server process after its parent.

    Ctrl-C and service managers signal a whole group, and the parent tells its processes as well. The parent takes one that
    ends before it was told for a crash, and granian sometimes misses a word. So both signals are taken by a thread, which
    lets the parent speak first and then repeats the word until the process has ended.
    """
    signals = {signal.SIGINT, signal.SIGTERM}
    for number in signals:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    threading.Thread(target=_wait_for_word, args=(signals, {parent, os.getpid()}), name="stop", daemon=True).start()


def _wait_for_word(signals: set[signal.Signals], senders: set[int]) -> None:
    told = signal.sigwaitinfo(signals)
    if told.si_pid not in senders:
        signal.sigtimedwait(signals, _REPEAT_SECONDS)
    while True:
        handler = signal.getsignal(told.si_signo)
        if not callable(handler):  # granian has not begun yet
            os._exit(0)
        handler(told.si_signo, None)
        time.sleep(_REPEAT_SECONDS)


def end_with_parent(parent: int) -> None:
    """End this process when its parent is killed: an orphan would go on holding port and database."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)
    threading.Thread(target=_watch_parent, args=(parent,), name="parent-watch", daemon=True).start()


def _watch_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_SECONDS)
    os._exit(1)


def parse_bind(bind: str) -> tuple[str, int]:
    """Address and port of `[server] bind`; an IPv6 address may stand in brackets."""
    host, _, port = bind.rpartition(":")
    return host.strip("[]"), int(port)


def check_free(host: str, port: int) -> None:
    """Refuse a port that somebody listens on: the server's own sockets would share it silently."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = os.strerror(error.errno or 0)
            raise Refused(
                f"server.bind: cannot listen on {host}:{port}: {reason}; stop the other server, or set another"
            ) from None


@contextlib.contextmanager
def only_server(settings: Settings) -> Iterator[None]:
    """Hold the lock that lets one server at a time use an SQLite database (DESIGN, "Small print")."""
    if not settings.database.is_sqlite:
        yield
        return
    path = sqlite_path(settings.database.url)
    with path.with_name(path.name + ".serving").open("w") as file:
        _lock(file.fileno(), path)
        yield


def _lock(handle: int, path: Path) -> None:
    """Wait a moment for the orphans of a killed server, then refuse."""
    for _ in range(50):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            time.sleep(0.1)
    raise Refused(f"{path}: another `idp serve` uses this database; stop it, or use PostgreSQL for several servers")
