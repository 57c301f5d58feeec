"""Settings of sla_timer (``PRAZO_…``)."""

from shared.service import ServiceSettings


class Settings(ServiceSettings):
    """``hold_*``: firing waits while unread records are older than ``hold_lag_seconds``, at most ``hold_limit_seconds``
    after broker and database answer again; after an outage publishers get ``settle_seconds`` to flush what they held."""

    http_port: int = 8002
    hold_lag_seconds: float = 2.0
    hold_limit_seconds: float = 300.0
    settle_seconds: float = 10.0
