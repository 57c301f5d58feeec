"""Settings of intake (``PRAZO_…``)."""

from pydantic import Field

from shared.service import ServiceSettings


class Settings(ServiceSettings):
    """Where mail is received, how large it may be, how many connections may bring some at once, and where answers go."""

    http_port: int = 8001
    smtp_host: str = "127.0.0.1"
    smtp_port: int = 2525
    smtp_size_limit_bytes: int = 40 * 1024 * 1024
    smtp_sessions_limit: int = 100
    smtp_out: str = "127.0.0.1:25"
    triage_service: str = "triage"
    desk_proxy_addresses: frozenset[str] = frozenset()
    """Reverse proxies whose word on the client's address, on https and on ``desk_proxy_header`` is taken."""
    desk_proxy_header: str = ""
    """The header by which they name the agent that is logged in; empty: log-in by password."""
    history_days: int = Field(400, ge=30)
    """How long the events and clocks of a closed ticket are kept for the desk pages."""
