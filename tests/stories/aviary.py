"""Where canaries are put in: a configured desk, its people, a faulty mail server, a database that can be away."""

import asyncio
import hashlib
import hmac
import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import orjson
import yaml
from argon2 import PasswordHasher

from shared import clock
from tests.canary import Canary
from tests.integration.intake.asterisk import SECRET, TRANSCRIPTS, USER

LOCAL, DOMAIN, NAME = "zelda.quimera", "canario-ltda.example", "Zélda Quimera"
ADDRESS, NUMBER, OTHER_NUMBER = f"{LOCAL}@{DOMAIN}", "62987112233", "62981774455"
PASSWORD, TOKEN, KEY = "senha-da-quimera-1", "token-da-quimera-2", "chave-da-quimera-0123456789abcdef"
WRONG_PASSWORD, IMAP_PASSWORD, AMI_WRONG = "senha-errada-da-quimera", "imap-da-quimera-3", "ami-da-quimera-4"
BODY, FILE, CPF, CNPJ = "o segredo da quimera", "folha-da-quimera.pdf", "529.982.247-25", "11.222.333/0001-81"
THREAD_KEY = secrets.token_hex(32)
CANARIES = [
    *(
        Canary("local part", LOCAL),
        Canary("domain", DOMAIN),
        Canary("name", NAME),
        Canary("body", BODY),
        Canary("file", FILE),
    ),
    *(Canary("number", NUMBER[2:], digits=True), Canary("number of the exchange", OTHER_NUMBER[2:], digits=True)),
    *(Canary("CPF", "52998224725", digits=True), Canary("CNPJ", "11222333000181", digits=True)),
    *(
        Canary("password", PASSWORD),
        Canary("wrong password", WRONG_PASSWORD),
        Canary("token", TOKEN),
        Canary("key", KEY),
    ),
    *(Canary("IMAP password", IMAP_PASSWORD), Canary("AMI secret", SECRET), Canary("wrong AMI secret", AMI_WRONG)),
    Canary("thread key", THREAD_KEY),
]


def configure(folder: Path, ami_port: int, imap_port: int) -> None:
    """Write what intake is configured by, with a canary in each secret, beside what the line has."""
    types = ["ticket.opened", "ticket.responded", "ticket.reclassified", "ticket.resolved"]
    token = {
        "name": "crm",
        "sha256": hashlib.sha256(TOKEN.encode()).hexdigest(),
        "source_prefix": "story/",
        "types": types,
    }
    hashed = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    ami: dict[str, Any] = {"host": "127.0.0.1", "port": ami_port, "user": USER, "secret_file": "ami"}
    mailbox: dict[str, Any] = {"address": "fiscal@desk.example", "host": "127.0.0.1", "port": imap_port, "tls": "none"}
    reply = {"sender": "suporte@desk.example", "after": "2s", "a_day": 1000}
    client = {
        "id": "canario",
        "name": "Canário",
        "modality": "saas",
        "database": "postgresql",
        "domains": [DOMAIN],
        "phones": [NUMBER],
    }
    files: dict[str, Any] = {
        "tokens.yaml": {"tokens": [token]},
        "agents.yaml": {"agents": {"ana": {"name": "Ana", "addresses": ["ana@desk.example"], "password": hashed}}},
        "desk.yaml": {"addresses": ["suporte@desk.example"], "page_domains": ["desk.example"], "auto_reply": reply},
        "clients.yaml": {"clients": [client]},
        "phone.yaml": {
            "ddd": "62",
            "misdial_seconds": 0,
            "exchanges": [
                {"name": "posts", "key_file": "pbx"},
                {"name": "asterisk", "ami": ami},
                {"name": "refuses", "ami": {**ami, "secret_file": "ami_wrong", "auth": "plain"}},
            ],
        },
        "mailboxes.yaml": {"mailboxes": {"fiscal": {**mailbox, "user": ADDRESS, "password_file": "imap"}}},
    }  # fmt: skip
    for name, content in files.items():
        (folder / name).write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    for name, secret in {"pbx": KEY, "ami": SECRET, "ami_wrong": AMI_WRONG, "imap": IMAP_PASSWORD}.items():
        (folder / name).write_text(secret, encoding="utf-8")
    (folder / "intake_thread_key").write_text(THREAD_KEY, encoding="ascii")


def transcript(folder: Path) -> str:
    """Return a night's calls on an exchange, of the canary's number."""
    path = folder / "canary.txt"
    path.write_text((TRANSCRIPTS / "night.txt").read_text().replace("62988887777", OTHER_NUMBER))
    return str(path)


def mail(n: int) -> EmailMessage:
    """Return a mail full of canaries, its subject too."""
    message = EmailMessage()
    message["From"], message["To"] = f'"{NAME}" <{ADDRESS}>', "suporte@desk.example"
    subjects = [
        f"Rejeição 539, ligar (62) 98711-2233 ou {ADDRESS}",
        f"CPF {CPF} e CNPJ {CNPJ}: nota parada, +55 62 9 8711 2233",
        f"RES: {ADDRESS.upper()} 062 98711 2233 {CPF.replace('.', '')}",
        f"=?utf-8?q?{LOCAL}=40{DOMAIN}?= 5562987112233",
    ]
    message["Subject"], message["Message-ID"] = (
        subjects[n % len(subjects)],
        f"<{LOCAL}.{secrets.token_hex(6)}@{DOMAIN}>",
    )
    message.set_content(f"{BODY}\n\nAtt.,\n{NAME}\n{NUMBER}\n{ADDRESS}\n{CPF}\n")
    message.add_attachment(f"{BODY}".encode(), maintype="application", subtype="pdf", filename=FILE)
    return message


def broken_mails() -> list[bytes]:
    """Return mails that cannot be read, that a machine wrote, and that bring back one of ours."""
    head = f"From: {NAME} <{ADDRESS}>\r\nTo: suporte@desk.example\r\nSubject: {ADDRESS} {NUMBER}\r\n".encode()
    parts = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 21_000
    report = b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\n550 5.1.1 <%s>\r\n--b--\r\n"
    return [
        head + b"Content-Type: text/plain; charset=\xff\xfe\r\n\r\n" + BODY.encode(),
        head + parts + BODY.encode(),
        b"\xff\xfe" + ADDRESS.encode() + b"\r\n\r\n" + BODY.encode(),
        head + b"Auto-Submitted: auto-replied\r\nIn-Reply-To: <x@desk.example>\r\n\r\n" + BODY.encode(),
        head.replace(b"From: ", b"From: MAILER-DAEMON ") + report % ADDRESS.encode(),
        f"From: {LOCAL}\ud800@{DOMAIN}\r\nSubject: a\0b {ADDRESS}\r\n\r\n{BODY}".encode("utf-8", "surrogatepass"),
    ]


def call(kind: str, call_id: str, **more: Any) -> bytes:
    """Return what an exchange posts of a call of the canary's."""
    said = {"type": f"call.{kind}", "pbx": "posts", "call_id": call_id, "at": clock.now().isoformat(), "number": NUMBER}
    return orjson.dumps({**said, **more})


def signed(body: bytes, key: str = KEY) -> dict[str, str]:
    """Return the headers of a signed request."""
    stamp = str(int(clock.now().timestamp()))
    proof = hmac.new(key.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"Prazo-Timestamp": stamp, "Prazo-Signature": f"v1={proof}"}


class FaultyMailServer:
    """Takes automatic answers, but the first of each kind of refusal; what it says repeats the address, as servers do."""

    def __init__(self) -> None:
        self.refusals = [f"451 4.2.0 <{ADDRESS}> {NAME} try again", f"550 5.1.1 <{ADDRESS}>: {NUMBER} is unknown"]
        self.taken = 0

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        """Refuse some recipients."""
        if self.refusals:
            return self.refusals.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, _envelope: Any) -> str:  # noqa: N802
        """Take a mail."""
        self.taken += 1
        return f"250 OK <{ADDRESS}> queued"


class Wire:
    """A TCP connection to a server that can be cut."""

    def __init__(self, host: str, port: int) -> None:
        self._to, self._cut = (host, port), False
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    def cut(self) -> None:
        """Break every connection and let none through."""
        self._cut = True
        for writer in self._writers:
            writer.transport.abort()

    def mend(self) -> None:
        """Let connections through again."""
        self._cut = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection."""
        if self._cut:
            writer.transport.abort()
            return
        there_reader, there_writer = await asyncio.open_connection(*self._to)
        self._writers |= {writer, there_writer}
        await asyncio.gather(_carry(reader, there_writer), _carry(there_reader, writer))
        self._writers -= {writer, there_writer}


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while part := await reader.read(65536):
            writer.write(part)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def wire(host: str, port: int) -> AsyncIterator[Wire]:
    """Listen on loopback for connections to a server."""
    made = Wire(host, port)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        made.cut()


def has_dovecot() -> bool:
    """Tell whether a real IMAP server is here."""
    return shutil.which("dovecot") is not None
