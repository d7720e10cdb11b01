"""Structured logs: JSON lines for machines, readable lines on a terminal."""

from __future__ import annotations

import logging
import sys

import structlog

QUIET = logging.WARNING
"""Level for commands with output for a person: only warnings and errors."""


def configure_logs(*, json: bool | None = None, level: int = logging.INFO) -> None:
    """Set up structlog for the process.

    Parameters
    ----------
    json
        ``True`` for one JSON object a line, ``False`` for coloured text; by default text
        when standard error is a terminal.
    level
        The least level that is written.
    """
    as_json = not sys.stderr.isatty() if json is None else json
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False)
            if as_json
            else structlog.dev.ConsoleRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # Evaluated for each line, because standard error may be redirected later.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
