"""What every way in needs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import asyncpg

from services.intake.domain.contact import Contact, Known


class Read(Protocol):
    """Reads one mail; never raises for what the mail is."""

    async def __call__(self, raw: bytes, received_at: datetime, *, null_sender: bool, mailbox: str = "") -> Contact:
        """Return what it says."""


@dataclass(slots=True)
class Desk:
    """The database, the topics that events go to, the configuration (replaced on a reload), and who reads mails.

    ``needs_remote``: whether a service, at an instant, usually needs a remote session (policy rule 4).
    """

    pool: "asyncpg.Pool[asyncpg.Record]"
    tickets_topic: str
    notices_topic: str
    known: Known
    read: Read
    needs_remote: Callable[[str, datetime], bool] = lambda service, at: False
