"""A reader of mails without a process of its own, for tests that are about something else."""

from datetime import datetime

from services.intake.domain.contact import Contact, Known, understand
from services.intake.domain.routing import Routing
from shared.clients import Clients

NOTHING_KNOWN = Known(Routing(), Clients(), "triage")


async def read(raw: bytes, received_at: datetime, *, null_sender: bool, mailbox: str = "") -> Contact:
    """Read as the service does where nothing is configured."""
    return understand(raw, NOTHING_KNOWN, received_at, null_sender=null_sender, mailbox=mailbox)
