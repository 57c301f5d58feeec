"""Policy rule 6: no limit on the number of tickets of a client. A flood is grouped for people, and each ticket is timed."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.utils import make_msgid
from typing import Any

import aiosmtplib

from deploy.local.policy.stage import SECONDS, Stage, need
from deploy.local.policy.table import Shown, Story
from deploy.local.policy.topics import until
from deploy.local.story import Missing
from shared.events import Event

_SENDER, _WORDS = "financeiro@acme.example", "parado na loja"
_CONNECTIONS = 8
_PER_SECOND = 20  # slower than this a flood is not read in vain
_ROWS = 10  # of one flood, what people see at the most
_CLOCKS = ("response", "action")


async def run(stage: Stage) -> Shown:
    """Send the flood over a few connections; every mail must be a ticket of its own with both clocks."""
    began = asyncio.get_running_loop().time()
    await asyncio.gather(
        *(_send(stage.stack.smtp_port, range(first, stage.mails, _CONNECTIONS)) for first in range(_CONNECTIONS))
    )
    seconds = SECONDS + stage.mails / _PER_SECOND
    opened = await until(lambda: _opened(stage), seconds, f"intake: of {stage.mails} mails not all became tickets")
    await until(lambda: _all_timed(stage, opened), seconds, f"sla_timer: not all of {stage.mails} tickets are timed")
    took = asyncio.get_running_loop().time() - began
    need(len({e.subject for e in opened}) == stage.mails, "intake: two mails share one ticket")
    need({e.data.client_id for e in opened} == {"acme"}, "intake: not all tickets are the client's")
    listed = await stage.person.listed(_WORDS)
    need(listed.tickets == stage.mails, f"intake: the desk page counts {listed.tickets} of {stage.mails} tickets")
    need(len(listed.titles) <= _ROWS, f"intake: the desk page shows the flood as {len(listed.titles)} rows")
    first, last = min(opened, key=_age), max(opened, key=_age)
    ends = [next(stage.topics.of(e.subject, "sla.started", clock)) for e in (first, last) for clock in _CLOCKS]
    return Shown(
        [
            f"{stage.mails} mails of one contact of one client became {stage.mails} tickets, each with a response and an"
            f" action clock, {took:.0f} s after the first was sent; none was refused.",
            f"The desk page shows them in {len(listed.titles)} rows that count all {listed.tickets}. Of the first and the"
            " last:",
        ],
        [first, last, *ends],
    )


async def _send(port: int, numbers: range) -> None:
    server = aiosmtplib.SMTP(hostname="127.0.0.1", port=port, timeout=60, start_tls=False)
    try:
        async with server:
            for number in numbers:
                await server.send_message(_mail(number))
    except (aiosmtplib.SMTPException, OSError) as error:
        raise Missing(f"intake: it did not take a mail of the flood ({error})") from None


def _mail(number: int) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = _SENDER, "suporte@example.invalid"
    message["Subject"], message["Message-ID"] = f"Caixa {number} {_WORDS}", make_msgid(domain="acme.example")
    message.set_content(f"O caixa {number} está travando.\n")
    return message


def _opened(stage: Stage) -> Sequence[Event[Any]] | None:
    found = [event for event in stage.topics.openings if event.data.title.endswith(_WORDS)]
    return found if len(found) >= stage.mails else None


def _age(event: Event[Any]) -> tuple[datetime, str]:
    return event.time, event.subject


def _all_timed(stage: Stage, opened: Sequence[Event[Any]]) -> bool | None:
    """Return True, or None while a clock is missing."""
    return all(any(stage.topics.of(e.subject, "sla.started", clock)) for e in opened for clock in _CLOCKS) or None


STORY = Story(6, "A flood of one client: nothing is refused, everything is timed", run, alone=True)
