"""Settings of notifier (``PRAZO_…``)."""

from ipaddress import IPv4Network, IPv6Network

from shared.service import ServiceSettings


class Settings(ServiceSettings):
    """``smtp_out``: host:port of the outgoing mail server; ``public_url``: base of the links in pages; ``heartbeat_url``:
    a dead man's switch outside that gets a POST after each audit that found nothing (empty: none); ``allowed_networks``:
    inner networks (a JSON list of CIDRs) that channels over HTTP may reach, which otherwise reach public addresses only."""

    http_port: int = 8003
    smtp_out: str = "127.0.0.1:25"
    mail_from: str = "prazo@localhost"
    public_url: str = "http://127.0.0.1:8003"
    heartbeat_url: str = ""
    allowed_networks: tuple[IPv4Network | IPv6Network, ...] = ()
