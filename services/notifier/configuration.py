"""The file that says whom to tell, with the iCalendar files that it names."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from services.notifier.domain.oncall import OnCall
from services.notifier.domain.shifts import MOST_BYTES, Shifts, UnusableCalendar, read_shifts
from shared.clients import Clients
from shared.config import Misconfigured, read_config

_MOST_SHOWN = 20


def read_oncall(folder: Path, at: datetime) -> OnCall:
    """Return ``oncall.yaml`` of a folder with its calendars; raises ``Misconfigured`` with every error.

    Each shift of the 400 days from ``at`` must name somebody: one that is over may name who has left since.
    """
    path = folder / "oncall.yaml"
    oncall = read_config(path, OnCall)
    found: dict[str, Shifts] = {}
    wrong: list[str] = []
    for name, rotation in oncall.imported.items():
        try:
            found[name] = read_shifts(_content(folder / rotation.icalendar), rotation.zone, oncall.names, at)
        except OSError as error:
            wrong.append(f"  rotations.{name}.icalendar: {folder / rotation.icalendar}: {error.strerror}")
        except UnusableCalendar as unusable:
            place = f"  rotations.{name}.icalendar: {folder / rotation.icalendar}"
            wrong += [f"{place}: {reason}" for reason in unusable.args[:_MOST_SHOWN]]
    if wrong:
        raise Misconfigured("\n".join([f"{path}:", *wrong]))
    return oncall.with_shifts(found)


def read_account_managers(folder: Path) -> Mapping[str, str]:
    """Return each client's account manager as ``clients.yaml`` names them: an id that ``oncall.yaml`` may know."""
    path = folder / "clients.yaml"
    clients = read_config(path, Clients).clients if path.exists() else ()
    return {client.id: client.account_manager for client in clients if client.account_manager is not None}


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MOST_BYTES + 1)
