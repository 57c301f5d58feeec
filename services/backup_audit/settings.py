"""Settings of backup_audit (``PRAZO_…``)."""

from shared.service import ServiceSettings


class Settings(ServiceSettings):
    """``audit_interval_seconds``: between two looks at a slot that is not settled; ``probe_seconds``: a probe's wall clock."""

    http_port: int = 8004
    audit_interval_seconds: float = 30.0
    probe_seconds: float = 20.0
