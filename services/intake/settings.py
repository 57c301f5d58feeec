"""Settings of intake (``PRAZO_…``)."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated

from pydantic import Field

from shared.service import ServiceSettings

_LOOPBACK = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))


class Settings(ServiceSettings):
    """Where mail is received, how large it may be, how many connections may bring some at once, and where answers go.

    ``http_peer_…``: how often one address without valid credentials may ask under ``/v1``.
    """

    http_port: int = 8001
    http_peer_per_second: float = Field(5, gt=0, le=10_000)
    http_peer_burst: int = Field(50, ge=1, le=100_000)
    smtp_host: str = "127.0.0.1"
    smtp_port: int = 2525
    smtp_size_limit_bytes: int = Field(40 * 1024 * 1024, ge=64 * 1024, le=256 * 1024 * 1024)
    """The largest mail that is taken; PostgreSQL holds at most 1 GB of one, and doubles it on the way."""
    smtp_memory_limit_bytes: int = Field(512 * 1024 * 1024, ge=1024 * 1024)
    """What all mails that are being received may take together; over it a mail gets 452."""
    smtp_sessions_limit: int = Field(100, ge=1)
    smtp_idle_seconds: float = Field(300, gt=0)
    """How long a sender may say nothing (RFC 5321, section 4.5.3.2.7: at least five minutes), then 421."""
    smtp_session_seconds: float = Field(3600, gt=0)
    """How long a session may last, then 421."""
    smtp_peer_connections_limit: int = Field(50, ge=0)
    smtp_peer_messages_per_minute: int = Field(0, ge=0)
    """0: no limit, as policy rule 6 has it; a limit defers (451) and never refuses."""
    smtp_trusted_networks: tuple[IPv4Network | IPv6Network, ...] = _LOOPBACK
    """Peers without limits of their own: our own mail server."""
    smtp_domains: tuple[Annotated[str, Field(min_length=1, max_length=255)], ...] = ()
    smtp_mailboxes: tuple[Annotated[str, Field(pattern="^[^@]+@[^@]+$", max_length=320)], ...] = ()
    """For whom mail is taken; empty as ``smtp_domains``: for everybody."""
    smtp_tls_cert_file: Path | None = None
    smtp_tls_key_file: Path | None = None
    """The certificate with its chain, and its key (none: it stands in the same file), PEM; read again when they change."""
    smtp_require_starttls: bool = False
    lmtp_host: str = "127.0.0.1"
    lmtp_port: int = Field(0, ge=0, le=65535)
    """0: no LMTP by TCP."""
    lmtp_socket: Path | None = None
    smtp_out: str = "127.0.0.1:25"
    triage_service: str = "triage"
    desk_proxy_addresses: frozenset[str] = frozenset()
    """Reverse proxies whose word on the client's address, on https and on ``desk_proxy_header`` is taken."""
    desk_proxy_header: str = ""
    """The header by which they name the agent that is logged in; empty: log-in by password."""
    history_days: int = Field(400, ge=30)
    """How long the events and clocks of a closed ticket are kept for the desk pages, and contacts that nobody registered."""
    personal_days: int = Field(180, ge=1)
    """How long raw mails with their attachments, automatic answers and calls are kept."""
