"""The mail server of the local stack: keeps every message that left in a Maildir. ``python -m deploy.local.mailbox PORT DIR``."""

import asyncio
import mailbox
import sys
from email import message_from_bytes
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session


class Keeper:
    """Stores each message with its recipients, then says 250."""

    def __init__(self, folder: Path) -> None:
        self._maildir = mailbox.Maildir(folder, create=True)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's name
        """Keep one message."""
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        message = mailbox.MaildirMessage(message_from_bytes(raw))
        message["X-Rcpt-To"] = ", ".join(str(rcpt) for rcpt in envelope.rcpt_tos)
        self._maildir.add(message)
        return "250 2.0.0 Kept"


async def keep(port: int, folder: Path) -> None:
    """Serve on the loopback until cancelled."""
    keeper = Keeper(folder)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(keeper, enable_SMTPUTF8=True), "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(keep(int(sys.argv[1]), Path(sys.argv[2])))
