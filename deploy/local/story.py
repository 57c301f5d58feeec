"""The demo's story through the front doors: a mail in by SMTP, a page out in the Maildir, an acknowledgement by POST."""

import asyncio
import mailbox
import secrets
from collections.abc import Callable
from email.message import EmailMessage, Message

import aiosmtplib
import httpx

from deploy.local.stack import Stack

CUSTOMER = "cliente@example.invalid"
COMPLAINT = "Não conseguimos emitir a nota desde cedo."


class Missing(Exception):
    """A part of the story did not happen; the message names the service and what was waited for."""


async def send_mail(stack: Stack, subject: str, sender: str = CUSTOMER, text: str = COMPLAINT) -> None:
    """Send a mail to the desk; raises ``Missing`` when intake does not take it."""
    message = EmailMessage()
    message["From"], message["To"] = sender, "suporte@example.invalid"
    message["Subject"], message["Message-ID"] = subject, f"<{secrets.token_hex(12)}@example.invalid>"
    message.set_content(f"{text}\n")
    try:
        await aiosmtplib.send(message, hostname="127.0.0.1", port=stack.smtp_port, timeout=15, start_tls=False)
    except (aiosmtplib.SMTPException, OSError) as error:
        raise Missing(
            f"intake: it did not take a mail at 127.0.0.1:{stack.smtp_port} ({type(error).__name__})"
        ) from None


def messages(stack: Stack) -> list[Message]:
    """Return every message that left."""
    return list(mailbox.Maildir(stack.mail)) if stack.mail.exists() else []


def text_of(message: Message) -> str:
    """Return the plain part."""
    part = next((p for p in message.walk() if p.get_content_type() == "text/plain"), None)
    payload = None if part is None else part.get_payload(decode=True)
    return payload.decode() if isinstance(payload, bytes) else ""


def link_of(message: Message) -> str:
    """Return the acknowledgement link: a line of its own in the plain part."""
    return next((line.strip() for line in text_of(message).splitlines() if line.startswith("http")), "")


async def page(stack: Stack, wanted: Callable[[Message], bool], seconds: float, what: str) -> Message:
    """Return the first message that is wanted; raises ``Missing`` with ``what`` after ``seconds``."""
    end = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < end:
        found = next((m for m in messages(stack) if wanted(m)), None)
        if found is not None:
            return found
        await asyncio.sleep(0.1)
    raise Missing(f"{what} within {seconds:.0f} s")


async def ready(stack: Stack, seconds: float) -> None:
    """Wait until every service answers; raises ``Missing`` that names each that does not."""
    end = asyncio.get_running_loop().time() + seconds
    while wrong := await stack.not_ready():
        if asyncio.get_running_loop().time() > end:
            raise Missing("; ".join(f"{name}: {why}" for name, why in wrong.items()))
        await asyncio.sleep(0.1)


async def acknowledge(link: str) -> None:
    """GET twice (which must change nothing), then POST; raises ``Missing`` when the page does not behave."""
    async with httpx.AsyncClient(timeout=10, follow_redirects=True) as client:
        shown = [await client.get(link) for _ in range(2)]
        if any(s.status_code != 200 or 'data-state="open"' not in s.text for s in shown):
            raise Missing("notifier: the acknowledgement page shows no button")
        taken = await client.post(link)
        if taken.status_code != 200 or 'data-state="yours"' not in taken.text:
            raise Missing("notifier: the acknowledgement was not taken")


async def metrics(stack: Stack) -> int:
    """Return how many series the four services export; raises ``Missing`` for one that exports none."""
    total = 0
    async with httpx.AsyncClient(timeout=10) as client:
        for name, url in stack.http.items():
            try:
                text = (await client.get(f"{url}/metrics")).text
            except httpx.HTTPError as error:
                raise Missing(f"{name}: no metrics ({type(error).__name__})") from None
            own = sum(line.startswith("prazo_") for line in text.splitlines())
            if not own:
                raise Missing(f"{name}: its metrics are empty")
            total += own
    return total
