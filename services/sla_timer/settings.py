"""Settings of sla_timer (``PRAZO_…``)."""

from pydantic import Field

from shared.service import ServiceSettings


class Settings(ServiceSettings):
    """``hold_*``: firing waits while unread records are older than ``hold_lag_seconds``, at most ``hold_limit_seconds``
    after broker and database answer again; after an outage publishers get ``settle_seconds`` to flush what they held.

    ``exemption_sources``: whose ``ticket.exempted`` counts (a JSON list of CloudEvents sources); of nobody else's."""

    http_port: int = 8002
    hold_lag_seconds: float = Field(2.0, ge=1.0, le=9.0)
    hold_limit_seconds: float = Field(300.0, ge=1.0)
    settle_seconds: float = Field(10.0, ge=0.0)
    exemption_sources: frozenset[str] = frozenset()
