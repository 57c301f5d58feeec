"""Wiring of backup_audit."""

from datetime import timedelta

from services.backup_audit import store
from services.backup_audit.handlers import Auditor
from services.backup_audit.settings import Settings
from shared.clients import Clients
from shared.config import read_config
from shared.service import App, Kit, Loop


class _Scheduler:
    """The loop's turn: the first one saves the configuration, so that the database may still be away at the start."""

    def __init__(self, auditor: Auditor) -> None:
        self._auditor, self._saved = auditor, False

    async def turn(self) -> bool:
        """Audit what is due; True when there may be more at once."""
        if not self._saved:
            async with self._auditor.pool.acquire() as connection, connection.transaction():
                await store.save_configuration(connection, self._auditor.clients)
            self._saved = True
        return await self._auditor.turn()


def build(settings: Settings, kit: Kit) -> App:
    """Wire the auditor."""
    auditor = Auditor(
        pool=kit.pool,
        clients=read_config(settings.config_dir / "clients.yaml", Clients),
        interval=timedelta(seconds=settings.audit_interval_seconds),
        probe_seconds=settings.probe_seconds,
        backups_topic=f"{settings.topic_prefix}backups.v1",
        tickets_topic=f"{settings.topic_prefix}tickets.v1",
    )
    period = min(1.0, settings.audit_interval_seconds)
    return App(loops=[Loop("scheduler", _Scheduler(auditor).turn, period)])
