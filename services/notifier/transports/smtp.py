"""Mail to a person by SMTP (``shared.mail``); an attempt takes less than a delivery's lease."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime

from services.notifier.domain.escalation import Word
from services.notifier.notices import notice_id
from services.notifier.store import Content, Delivery, Result
from shared.mail import MailServer

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
    """Sends through one mail server, a connection per mail."""

    def __init__(self, address: str, mail_from: str) -> None:
        self._server, self._from = MailServer.at(address), mail_from
        self._domain = mail_from.rpartition("@")[2]

    def message(self, mail: Mail) -> EmailMessage:
        """Return the message: plain text complete by itself, HTML beside it, one thread per alert (RFC 5322, 3834)."""
        ticket, metric, cycle = mail.delivery.key
        message = EmailMessage()
        message["From"], message["To"] = f"Prazo <{self._from}>", mail.to
        message["Subject"] = mail.content.subject
        message["Date"] = format_datetime(mail.sent_at)
        message["Message-ID"] = f"<notice.{notice_id(mail.delivery.delivery_id)}@{self._domain}>"
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
        sent = await self._server.send(self.message(mail), self._from, mail.to)
        if sent.outcome in ("accepted", "failed_permanent"):
            return Result(sent.outcome, sent.reason, provider_id=sent.answer)
        return again(sent.outcome, sent.reason or "", mail.delivery)


def again(outcome: str, reason: str, delivery: Delivery) -> Result:
    """Return the result of an attempt that is worth another: as long as the alert wants it; an all-clear eight times."""
    if delivery.word is Word.ALL_CLEAR and delivery.attempt >= _ALL_CLEAR_ATTEMPTS:
        return Result("failed_permanent", reason)
    seconds = 2.0 ** min(delivery.attempt, 10)
    return Result(outcome, reason, retry_in=min(timedelta(seconds=seconds), _LONGEST_RETRY))
