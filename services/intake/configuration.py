"""The files that decide what a contact is: ``routing.yaml``, ``clients.yaml``, ``agents.yaml``, ``desk.yaml``,
``phone.yaml``, ``mailboxes.yaml``."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from services.intake.domain.agents import Agents
from services.intake.domain.contact import Known
from services.intake.domain.identity import Identity
from services.intake.domain.mailboxes import Mailboxes
from services.intake.domain.phone import Phone
from services.intake.domain.routing import Routing
from shared.catalog import Catalogs
from shared.clients import Clients
from shared.clock import to_us
from shared.config import Misconfigured, read_config, read_key

M = TypeVar("M", bound=BaseModel)
_KEY_LENGTH = 32  # characters of a key that signs calls


def read_desk(
    folder: Path, triage: str = "triage", key: bytes = b"", always_urgent: frozenset[str] = frozenset()
) -> Known:
    """Return the configuration of a folder, a missing file as an empty one; raises ``Misconfigured`` with every error."""
    return Known(
        routing=_read(folder / "routing.yaml", Routing),
        clients=_read(folder / "clients.yaml", Clients),
        triage=triage,
        agents=_read(folder / "agents.yaml", Agents),
        identity=_read(folder / "desk.yaml", Identity),
        key=key,
        always_urgent=always_urgent,
    )


def always_urgent_of(catalogs: Catalogs) -> frozenset[str]:
    """Return the services that are an emergency at any time in some version of the catalog."""
    return frozenset(s.id for catalog in catalogs.versions for s in catalog.services.values() if s.emergency_always)


def remote_access_of(catalogs: Catalogs) -> Callable[[str, datetime], bool]:
    """Return what tells whether a service usually needs a remote session, by the version in force at the instant."""

    def needs_remote(service: str, at: datetime) -> bool:
        return catalogs.for_start(to_us(at)).service(service).remote_access

    return needs_remote


def read_thread_key(secrets: Path) -> bytes:
    """Return the key by which our Message-IDs are signed; without the file nothing is signed, and threads are found by
    Message-IDs alone."""
    path = secrets / "intake_thread_key"
    return read_key(path) if path.exists() else b""


def read_phone(folder: Path) -> Phone:
    """Return ``phone.yaml`` of a folder, a missing one as one without exchanges; raises ``Misconfigured`` with every error."""
    return _read(folder / "phone.yaml", Phone)


def read_mailboxes(folder: Path, secrets: Path) -> Mailboxes:
    """Return ``mailboxes.yaml``, empty without the file; raises ``Misconfigured`` with every error and missing secret."""
    path = folder / "mailboxes.yaml"
    found = _read(path, Mailboxes)
    missing = [
        f"  mailboxes.{key}: no file {secrets / name}"
        for key, mailbox in found.mailboxes.items()
        for name in mailbox.secrets
        if not (secrets / name).is_file()
    ]
    if missing:
        raise Misconfigured("\n".join([f"{path}:", *missing]))
    return found


def read_keys(phone: Phone, secrets: Path) -> Mapping[str, Sequence[bytes]]:
    """Return the keys of each exchange that posts calls: one, or two while one replaces the other."""
    return {
        exchange.name: [
            read_secret(secrets / name, _KEY_LENGTH)
            for name in (exchange.key_file, exchange.next_key_file)
            if name is not None
        ]
        for exchange in phone.exchanges
    }


def read_secret(path: Path, at_least: int = 1) -> bytes:
    """Return the one line of a secret's file; raises ``Misconfigured`` that names the file and never what is in it."""
    try:
        secret = path.read_bytes().strip()
    except OSError as error:
        raise Misconfigured(f"{path}: cannot be read ({type(error).__name__})") from None
    if len(secret) < at_least:
        raise Misconfigured(f"{path}: at least {at_least} characters are needed")
    return secret


def _read(path: Path, model: type[M]) -> M:
    return read_config(path, model) if path.exists() else model()
