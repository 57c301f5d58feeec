"""Who the desk is, as ``desk.yaml`` says: its addresses, whose word on senders it takes, and what its answers say."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from services.intake.domain.agents import Address
from shared.config import Duration, Part


def _link(text: str) -> str:
    if not re.fullmatch(r"https?://\S{1,500}", text):
        raise ValueError("must be an http or https URL")
    return text


Link = Annotated[str, AfterValidator(_link)]


class AutoReply(Part):
    """What the automatic answer says and how often it is given; without ``sender`` none is sent."""

    sender: Address | None = None
    name: str = Field("Suporte", min_length=1, max_length=80)
    emergency_phone: str | None = Field(None, max_length=40)
    registration: Link | None = None
    remote_access: Link | None = None
    knowledge_base: Link | None = None
    after: Duration = timedelta(seconds=60)
    """How long the due date is waited for."""
    a_day: int = Field(10, ge=1, le=1000)
    """The most that one contact gets in 24 hours: two machines that answer each other come to an end."""


class Identity(Part):
    """The file ``desk.yaml``."""

    addresses: tuple[Address, ...] = ()
    authserv_ids: tuple[Annotated[str, Field(min_length=1, max_length=255)], ...] = ()
    """Names by which our own mail server signs Authentication-Results (RFC 8601); empty: nobody is verified or refused."""
    page_domains: tuple[Annotated[str, Field(min_length=1, max_length=255)], ...] = ()
    """Domains of the pages that notifier sends, to know them again when they bounce."""
    thread_open_for: Duration = timedelta(days=30)
    """An answer that comes so long after the resolution is a new contact."""
    flood_from: int = Field(10, ge=2, le=10_000)
    """From so many tickets of one contact within an hour on they are shown as one group; each is timed by itself."""
    auto_reply: AutoReply = AutoReply()
