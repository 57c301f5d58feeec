"""The whole line for stories: intake, sla_timer and notifier as processes, and a Maildir at its end."""

import asyncio
import hashlib
import mailbox
import secrets
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage, Message
from pathlib import Path
from typing import Any

import aiosmtplib
import httpx
import yaml

from deploy.local.process import Child, Command, free_port
from shared.clock import now
from tests.builders import catalog_file
from tests.conftest import dsn_for
from tests.stories.timer import TARGETS

ONCALL = {
    "channels": {"mail": {"kind": "email"}},
    "people": {
        "ana": {"name": "Ana", "language": "pt-BR", "methods": [{"by": "mail", "to": "ana@oncall.example"}]},
        "bob": {"name": "Bob", "language": "en", "methods": [{"by": "mail", "to": "bob@oncall.example"}]},
    },
    "policies": {
        "standard": {
            "steps": [{"on": "breached", "to": "ana"}, {"on": "breached", "after": "4s", "to": "bob"}],
            "repeat_every": "1h",
            "repeats": 1,
        }
    },
    "choose": [{"policy": "standard"}],
    "manager": ["bob"],
}
TOKEN = "story-only"
SCHEMAS = {"intake": "intake", "sla_timer": "sla", "notifier": "notifier"}


@dataclass
class Line:
    """Three services over one broker prefix and one database."""

    environment: dict[str, str]
    dsns: dict[str, str]
    folder: Path
    smtp_port: int
    http: dict[str, str]
    children: dict[str, Child] = field(default_factory=dict)

    async def start(self, service: str) -> Child:
        """Start one service."""
        environment = {
            **self.environment,
            "PRAZO_DATABASE_URL": self.dsns[service],
            "PRAZO_HTTP_PORT": self.http[service].rpartition(":")[2],
        }
        log = self.folder / f"{service}.log"
        self.children[service] = await Child.start(
            Command([sys.executable, "-m", f"services.{service}"], log, environment)
        )
        return self.children[service]

    async def mail(self, subject: str) -> None:
        """Send a mail in by SMTP, trying until it got 250."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "c@cliente.example", "suporte@desk.example", subject
        message["Message-ID"] = f"<{secrets.token_hex(8)}@cliente.example>"
        message.set_content("Socorro")
        for _ in range(100):
            try:
                await aiosmtplib.send(message, hostname="127.0.0.1", port=self.smtp_port, timeout=5, start_tls=False)
                return
            except (aiosmtplib.SMTPException, OSError):
                await asyncio.sleep(0.2)
        raise AssertionError("intake never took the mail")

    async def publish(self, type_: str, ticket: str, **data: Any) -> int:
        """Publish a ticket event over HTTP, as another system would; return the status."""
        event = {
            "specversion": "1.0",
            "id": secrets.token_hex(8),
            "source": "story/http",
            "type": f"ticket.{type_}",
            "subject": ticket,
            "time": now().isoformat(),
            "data": {"ticket_id": ticket, **data},
        }
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/cloudevents+json"}
        async with httpx.AsyncClient(timeout=15) as client:
            answer = await client.post(f"{self.http['intake']}/v1/events", json=event, headers=headers)
        return answer.status_code

    async def ready(self, seconds: float = 40) -> None:
        """Wait until every started service is ready."""
        await self._all_answer("readyz", seconds)

    async def live(self, seconds: float = 40) -> None:
        """Wait until every started service runs its loops."""
        await self._all_answer("livez", seconds)

    async def _all_answer(self, probe: str, seconds: float) -> None:
        end = asyncio.get_running_loop().time() + seconds
        async with httpx.AsyncClient(timeout=5) as client:
            for name in [n for n in SCHEMAS if n in self.children]:
                while asyncio.get_running_loop().time() < end:
                    try:
                        if (await client.get(f"{self.http[name]}/{probe}")).status_code == 200:
                            break
                    except httpx.HTTPError:
                        pass
                    await asyncio.sleep(0.1)
                else:
                    raise AssertionError(f"{name} does not answer /{probe}")

    def pages(self) -> list[Message]:
        """Return every message that left, oldest first."""
        box = mailbox.Maildir(self.folder / "mail")
        return sorted(box, key=lambda m: m.get_date() if isinstance(m, mailbox.MaildirMessage) else 0)

    async def until(self, holds: Callable[[list[Message]], bool], seconds: float) -> list[Message]:
        """Return the messages once ``holds`` of them, or after ``seconds``."""
        end = asyncio.get_running_loop().time() + seconds
        while not holds(self.pages()) and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(0.1)
        return self.pages()


@asynccontextmanager
async def line(kafka: str, topics: str, postgres: str, database: str, folder: Path) -> AsyncIterator[Line]:
    """Make a line whose every ticket has 4 s to be answered; nothing is started but the mail server at its end."""
    (folder / "catalog").mkdir()
    catalog_file(folder / "catalog", **TARGETS)
    (folder / "oncall.yaml").write_text(yaml.safe_dump(ONCALL), encoding="utf-8")
    known: dict[str, Any] = {
        "name": "story",
        "sha256": hashlib.sha256(TOKEN.encode()).hexdigest(),
        "source_prefix": "story/",
    }
    known["types"] = ["ticket.opened", "ticket.responded", "ticket.resolved"]
    (folder / "tokens.yaml").write_text(yaml.safe_dump({"tokens": [known]}), encoding="utf-8")
    (folder / "notifier_token_key").write_text(secrets.token_hex(32), encoding="ascii")
    out, smtp = free_port(), free_port()
    http = {name: f"http://127.0.0.1:{free_port()}" for name in SCHEMAS}
    environment = {
        "PRAZO_KAFKA": kafka,
        "PRAZO_TOPIC_PREFIX": topics,
        "PRAZO_CONFIG_DIR": str(folder),
        "PRAZO_SECRETS_DIR": str(folder),
        "PRAZO_SMTP_PORT": str(smtp),
        "PRAZO_SMTP_OUT": f"127.0.0.1:{out}",
        "PRAZO_PUBLIC_URL": http["notifier"],
    }
    dsns = {name: dsn_for(postgres, f"{schema}_app", database) for name, schema in SCHEMAS.items()}
    made = Line(environment, dsns, folder, smtp, http)
    argv = [sys.executable, "-m", "deploy.local.mailbox", str(out), str(folder / "mail")]
    made.children["mailbox"] = await Child.start(Command(argv, folder / "mailbox.log"))
    try:
        yield made
    finally:
        await asyncio.gather(*(child.stop(10) for child in made.children.values()))


def link_of(message: Message) -> str:
    """Return the acknowledgement link: a line of its own in the plain part."""
    plain = next(part for part in message.walk() if part.get_content_type() == "text/plain")
    payload = plain.get_payload(decode=True)
    text = payload.decode() if isinstance(payload, bytes) else ""
    return next(row.strip() for row in text.splitlines() if row.startswith("http"))


async def get(url: str, method: str = "GET") -> httpx.Response:
    """Ask for a page, following the redirect of a form."""
    async with httpx.AsyncClient(follow_redirects=True, timeout=10) as client:
        return await client.request(method, url)
