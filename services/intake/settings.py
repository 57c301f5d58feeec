"""Settings of intake (``PRAZO_…``)."""

from pydantic import Field

from shared.service import ServiceSettings


class Settings(ServiceSettings):
    """Where mail is received, how large it may be, how many connections may bring some at once, and where answers go.

    ``http_peer_…``: how often one address without valid credentials may ask under ``/v1``.
    """

    http_port: int = 8001
    http_peer_per_second: float = Field(5, gt=0, le=10_000)
    http_peer_burst: int = Field(50, ge=1, le=100_000)
    smtp_host: str = "127.0.0.1"
    smtp_port: int = 2525
    smtp_size_limit_bytes: int = 40 * 1024 * 1024
    smtp_sessions_limit: int = 100
    smtp_out: str = "127.0.0.1:25"
    triage_service: str = "triage"
