"""The files that decide what a contact is: ``routing.yaml``, ``clients.yaml`` and ``agents.yaml``."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from services.intake.domain.agents import Agents
from services.intake.domain.contact import Known
from services.intake.domain.routing import Routing
from shared.clients import Clients
from shared.config import read_config

M = TypeVar("M", bound=BaseModel)


def read_desk(folder: Path, triage: str = "triage") -> Known:
    """Return the configuration of a folder, a missing file as an empty one; raises ``Misconfigured`` with every error."""
    return Known(
        _read(folder / "routing.yaml", Routing),
        _read(folder / "clients.yaml", Clients),
        triage,
        _read(folder / "agents.yaml", Agents),
    )


def _read(path: Path, model: type[M]) -> M:
    return read_config(path, model) if path.exists() else model()
