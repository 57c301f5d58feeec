"""Mail out by SMTP (RFC 5321): what is known after an attempt, said in four words.

A refusal before MAIL is about the server, not about the recipient: never for good. A connection that is lost after the
greetings leaves the outcome unknown: the same Message-ID goes out again.
"""

import asyncio
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Literal, NamedTuple

import aiosmtplib

_TIMEOUT_SECONDS = 15
_TOTAL_SECONDS = 45

Outcome = Literal["accepted", "failed_temporary", "failed_permanent", "unknown"]


class Sent(NamedTuple):
    """What became of an attempt; ``answer`` is the server's, printable and short. Nothing is ever accepted on a 5xx."""

    outcome: Outcome
    reason: str | None = None
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class MailServer:
    """One server that takes our mail, a connection for each, within 45 seconds."""

    host: str
    port: int

    @classmethod
    def at(cls, address: str) -> "MailServer":
        """Return the server at ``host:port``."""
        host, _, port = address.rpartition(":")
        return cls(host, int(port))

    async def send(self, message: EmailMessage, sender: str, recipient: str) -> Sent:
        """Send one mail to one recipient; ``sender`` "" is the null reverse-path."""
        client = aiosmtplib.SMTP(hostname=self.host, port=self.port, timeout=_TIMEOUT_SECONDS)
        greeted = False
        try:
            async with asyncio.timeout(_TOTAL_SECONDS):
                await client.connect()  # with the greetings, and STARTTLS where it is offered
                greeted = True
                _, answer = await client.send_message(message, sender=sender, recipients=[recipient])
        except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPResponseException) as error:
            return _refused(error, greeted)
        except aiosmtplib.SMTPNotSupported as error:  # an address beyond ASCII, found out before MAIL
            return Sent("failed_permanent", type(error).__name__)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            return Sent("unknown" if greeted else "failed_temporary", type(error).__name__)
        finally:
            client.close()
        return Sent("accepted", answer=_storable(answer[:200]))


def _storable(answer: str) -> str:
    """Return an answer as PostgreSQL takes it: no NUL, and no surrogate of a byte that is not UTF-8."""
    return "".join(c if c.isprintable() else "\ufffd" for c in answer)


def _refused(error: Exception, greeted: bool) -> Sent:
    codes = [r.code for r in error.recipients] if isinstance(error, aiosmtplib.SMTPRecipientsRefused) else []
    code = codes[0] if codes else getattr(error, "code", 0)
    if code < 400:  # no answer of SMTP: it says nothing
        return Sent("unknown" if greeted else "failed_temporary", type(error).__name__)
    return Sent("failed_permanent" if code >= 500 and greeted else "failed_temporary", f"smtp_{code}")
