"""Settings of intake (``PRAZO_…``)."""

from shared.service import ServiceSettings


class Settings(ServiceSettings):
    """Where mail is received, how large it may be, and how many connections may bring some at once."""

    http_port: int = 8001
    smtp_host: str = "127.0.0.1"
    smtp_port: int = 2525
    smtp_size_limit_bytes: int = 40 * 1024 * 1024
    smtp_sessions_limit: int = 100
    triage_service: str = "triage"
