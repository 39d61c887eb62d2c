"""Log lines: one JSON object each on standard error, in UTC, without secrets.

Only ASCII is written, so that nothing a stranger sent breaks a line or steers a terminal (IV-10). A traceback never shows
local variables, which may hold passwords, codes and links; third-party libraries are heard from warnings up, because their
debug lines show tokens; and whatever looks like a secret all the same is taken out last (LG-4, LG-5, GO-7).
"""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import structlog

from idp.redaction import redact

if TYPE_CHECKING:
    from idp.config import Settings

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request that is being answered, in every line that is written for it; empty outside of requests."""


def _add_request_id(_logger: object, _method: str, line: dict[str, Any]) -> dict[str, Any]:
    if found := request_id.get():
        line["request_id"] = found
    return line


_CHAIN: list[Any] = [
    _add_request_id,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    redact,
]


def prepare_loggers() -> None:
    """Send our log lines through the standard library, whoever serves the application and sets up its handlers."""
    structlog.configure(
        processors=[*_CHAIN, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def warn_of_test_settings(settings: Settings) -> None:
    """Say at each start, loudly, what is switched on that only tests need."""
    for name, meaning in settings.test_settings.items():
        structlog.get_logger("idp").warning("TEST SETTING, never for production", setting=name, meaning=meaning)


def configure_logging(level: str) -> None:
    """Set up the log lines of a process of ours (the `idp` command)."""
    prepare_loggers()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_CHAIN,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=True),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("idp").setLevel(_LEVELS[level])
