"""The emergency window (policy rule 2): the complement of the business calendar, after holidays."""

from datetime import datetime

from shared.catalog import Catalogs
from shared.clock import to_us


class Window:
    """Asks the catalog version in force at the instant; no instant belongs to neither, and 07:00 to 08:00 is business."""

    def __init__(self, catalogs: Catalogs) -> None:
        self._catalogs = catalogs

    def is_emergency(self, at: datetime) -> bool:
        """Tell whether a call that came in at ``at`` came in outside business hours."""
        us = to_us(at)
        return not self._catalogs.for_start(us).business.is_open(us)

    def is_capable(self, service: str, at: datetime) -> bool:
        """Tell whether a ticket of ``service`` can be an emergency; an unknown one is timed as triage."""
        return bool(self._catalogs.for_start(to_us(at)).service(service).emergency)
