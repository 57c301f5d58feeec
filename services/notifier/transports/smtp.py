"""Mail to a person by SMTP. A connection lost after the greetings means that the outcome is unknown: same Message-ID again.

A refusal before MAIL is about the server, not about the person: never for good.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime

import aiosmtplib

from services.notifier.domain.escalation import Word
from services.notifier.store import Content, Delivery, Result

_TIMEOUT_SECONDS = 15
_TOTAL_SECONDS = 45  # less than a delivery's lease
_ALL_CLEAR_ATTEMPTS = 8
_LONGEST_RETRY = timedelta(seconds=120)


@dataclass(frozen=True, slots=True)
class Mail:
    """A page ready to go; ``content`` has its token."""

    to: str
    content: Content
    delivery: Delivery
    sent_at: datetime


class SmtpTransport:
    """Sends through one mail server, a connection per mail, each within 45 seconds."""

    def __init__(self, address: str, mail_from: str) -> None:
        host, _, port = address.rpartition(":")
        self._host, self._port, self._from = host, int(port), mail_from
        self._domain = mail_from.rpartition("@")[2]

    def message(self, mail: Mail) -> EmailMessage:
        """Return the message: plain text complete by itself, HTML beside it, one thread per alert (RFC 5322, 3834)."""
        ticket, metric, cycle = mail.delivery.key
        message = EmailMessage()
        message["From"], message["To"] = f"Prazo <{self._from}>", mail.to
        message["Subject"] = mail.content.subject
        message["Date"] = format_datetime(mail.sent_at)
        message["Message-ID"] = f"<delivery.{mail.delivery.delivery_id}@{self._domain}>"
        thread = f"<alert.{mail.delivery.alert_id}@{self._domain}>"
        message["In-Reply-To"], message["References"] = thread, thread
        message["Auto-Submitted"] = "auto-generated"
        message["Prazo-Ticket"] = " ".join(ticket.split())
        message["Prazo-Clock"] = f"{metric}/{cycle}"
        message["Prazo-Event"] = mail.delivery.word.value
        message.set_content(mail.content.plain)
        message.add_alternative(mail.content.html, subtype="html")
        return message

    async def send(self, mail: Mail) -> Result:
        """Send one mail; the answer says what is known. Nothing is ever "sent" on a 5xx."""
        client = aiosmtplib.SMTP(hostname=self._host, port=self._port, timeout=_TIMEOUT_SECONDS)
        greeted = False
        try:
            async with asyncio.timeout(_TOTAL_SECONDS):
                await client.connect()  # with the greetings, and STARTTLS where it is offered
                greeted = True
                _, answer = await client.send_message(self.message(mail))
        except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPResponseException) as error:
            return _refused(error, mail.delivery, greeted)
        except aiosmtplib.SMTPNotSupported as error:  # an address beyond ASCII, found out before MAIL
            return Result("failed_permanent", type(error).__name__)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            return again("unknown" if greeted else "failed_temporary", type(error).__name__, mail.delivery)
        finally:
            client.close()
        return Result("accepted", provider_id=_storable(answer[:200]))


def _storable(answer: str) -> str:
    """Return an answer as PostgreSQL takes it: no NUL, and no surrogate of a byte that is not UTF-8."""
    return "".join(c if c.isprintable() else "\ufffd" for c in answer)


def _refused(error: Exception, delivery: Delivery, greeted: bool) -> Result:
    codes = [r.code for r in error.recipients] if isinstance(error, aiosmtplib.SMTPRecipientsRefused) else []
    code = codes[0] if codes else getattr(error, "code", 0)
    if code < 400:  # no answer of SMTP: it says nothing
        return again("unknown" if greeted else "failed_temporary", type(error).__name__, delivery)
    if code >= 500 and greeted:
        return Result("failed_permanent", f"smtp_{code}")
    return again("failed_temporary", f"smtp_{code}", delivery)


def again(outcome: str, reason: str, delivery: Delivery) -> Result:
    """Return the result of an attempt that is worth another: as long as the alert wants it; an all-clear eight times."""
    if delivery.word is Word.ALL_CLEAR and delivery.attempt >= _ALL_CLEAR_ATTEMPTS:
        return Result("failed_permanent", reason)
    seconds = 2.0 ** min(delivery.attempt, 10)
    return Result(outcome, reason, retry_in=min(timedelta(seconds=seconds), _LONGEST_RETRY))
