"""``oncall.yaml``, its calendars and ``clients.yaml`` are read again on SIGHUP and once an hour, and only if they are valid.

The channels hold connections and secrets: where they changed a restart is needed, which is said, and nothing counts until then.
"""

from dataclasses import dataclass

import structlog

from services.notifier import metrics
from services.notifier.configuration import read_account_managers, read_oncall
from services.notifier.handlers.duty import Duty
from services.notifier.settings import Settings
from shared import clock
from shared.config import Misconfigured

log = structlog.get_logger(__name__)

EVERY_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Configured:
    """Whom the files put on duty."""

    settings: Settings
    duty: Duty

    async def turn(self) -> bool:
        """Read again what other programs write: calendars. Never more to do at once."""
        self.reload()
        return False

    def reload(self) -> None:
        """Let the files count, or log and count why not. Never raises."""
        folder = self.settings.config_dir
        try:
            oncall = read_oncall(folder, clock.now())
            managers = read_account_managers(folder)
            if oncall.channels != self.duty.oncall.channels:
                raise Misconfigured(f"{folder / 'oncall.yaml'}: channels changed, which needs a restart")
        except (Misconfigured, OSError, ValueError) as error:
            metrics.reloads.labels("refused").inc()
            said = str(error) if isinstance(error, Misconfigured) else type(error).__name__
            log.error("configuration_refused", errors=said.splitlines())
            return
        self.duty.oncall, self.duty.account_managers = oncall, managers
        metrics.reloads.labels("loaded").inc()
        log.info("configuration_loaded", people=len(oncall.people))
