"""The files that decide what a contact is: ``routing.yaml``, ``clients.yaml``, ``agents.yaml``, ``desk.yaml``; the catalog."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from services.intake.domain.agents import Agents
from services.intake.domain.contact import Known
from services.intake.domain.identity import Identity
from services.intake.domain.routing import Routing
from shared.catalog import Catalogs, load_directory
from shared.clients import Clients
from shared.config import Misconfigured, read_config

M = TypeVar("M", bound=BaseModel)


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


def read_catalogs(folder: Path) -> Catalogs | None:
    """Return the catalog of a folder, None without one; raises ``CatalogError`` with every fault."""
    return load_directory(folder / "catalog") if any((folder / "catalog").glob("*.yaml")) else None


def always_urgent_of(catalogs: Catalogs | None) -> frozenset[str]:
    """Return the services that are an emergency at any time in some version of the catalog."""
    versions = () if catalogs is None else catalogs.versions
    return frozenset(s.id for catalog in versions for s in catalog.services.values() if s.emergency_always)


def read_key(path: Path) -> bytes:
    """Return the key by which our Message-IDs are signed: at least 32 bytes in hex, the same for every replica.

    Without the file nothing is signed, and threads are found by Message-IDs alone.
    """
    if not path.exists():
        return b""
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise Misconfigured(f"{path}: at least 64 hex digits are needed ({type(error).__name__})") from None
    if len(key) < 32:
        raise Misconfigured(f"{path}: at least 64 hex digits are needed")
    return key


def _read(path: Path, model: type[M]) -> M:
    return read_config(path, model) if path.exists() else model()
