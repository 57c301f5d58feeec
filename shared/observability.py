"""Logs and traces: structlog once per process, W3C trace context for what begins here."""

import logging
import secrets
import sys

import structlog


def configure_logging(service: str) -> None:
    """Write one line per message to standard output: JSON, or coloured text on a terminal; ``service`` is on each."""
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if sys.stdout.isatty() else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(),
    )
    structlog.contextvars.bind_contextvars(service=service)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s", stream=sys.stdout)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # an ERROR on every rebalance and reconnect is normal


def new_traceparent() -> str:
    """Return a fresh sampled W3C ``traceparent`` (version 00)."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
