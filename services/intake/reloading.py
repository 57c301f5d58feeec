"""The configuration is read again on SIGHUP: all files are valid and count from now on, or none does and the old ones stay.

A file that is missing and was there is no valid one: to do without it is a restart, not a slip of the hand. ``tokens.yaml``
counts by itself. What holds connections (``mailboxes.yaml``, the exchanges of ``phone.yaml`` that are read by AMI) and the
catalog need a restart, which is said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import structlog

from services.intake import metrics
from services.intake.configuration import read_desk, read_keys, read_mailboxes, read_phone
from services.intake.domain.contact import Known
from services.intake.domain.mailboxes import Mailboxes
from services.intake.domain.phone import Ami, Phone, Suggested
from services.intake.handlers.call_tickets import CallDesk
from services.intake.pages.access import Gate
from services.intake.reader import Reader
from services.intake.sender import ReplySender
from services.intake.settings import Settings
from services.intake.sources.calls import CallsEndpoint
from services.intake.sources.publishers import Publishers
from shared.config import Misconfigured

log = structlog.get_logger(__name__)

_FILES = ("routing.yaml", "clients.yaml", "agents.yaml", "desk.yaml", "phone.yaml", "mailboxes.yaml")


class Files(NamedTuple):
    """What the files of the configuration say; ``keys``: those of each exchange that posts; ``present``: which files
    are there."""

    known: Known
    phone: Phone
    keys: Mapping[str, Sequence[bytes]]
    mailboxes: Mailboxes
    present: frozenset[str]

    @property
    def exchanges(self) -> Mapping[str, Ami]:
        """Return the exchanges that are read by AMI."""
        return {one.name: one.ami for one in self.phone.exchanges if one.ami is not None}


def read_files(settings: Settings, key: bytes, always_urgent: frozenset[str]) -> Files:
    """Return the configuration; raises ``Misconfigured`` with every error of the first file that has some."""
    folder = settings.config_dir
    phone = read_phone(folder)
    return Files(
        read_desk(folder, settings.triage_service, key, always_urgent),
        phone,
        read_keys(phone, settings.secrets_dir),
        read_mailboxes(folder, settings.secrets_dir),
        frozenset(name for name in _FILES if (folder / name).exists()),
    )


@dataclass(slots=True)
class Configured:
    """All that works by the files, and what they said last."""

    settings: Settings
    files: Files
    calls: CallDesk
    reader: Reader
    sender: ReplySender
    gate: Gate
    publishers: Publishers
    posted: CallsEndpoint

    def reload(self) -> None:
        """Read all files again and let them count, or log and count why not. Never raises."""
        self.publishers.reload()
        before = self.files.known
        try:
            found = read_files(self.settings, before.key, before.always_urgent)
            _nothing_missing(self.files, found)
        except (Misconfigured, OSError, ValueError) as error:
            metrics.reloads.labels("refused").inc()
            said = str(error) if isinstance(error, Misconfigured) else type(error).__name__
            log.error("configuration_refused", errors=said.splitlines())
            return
        restart = [
            name
            for name, old, new in (
                ("mailboxes.yaml", self.files.mailboxes, found.mailboxes),
                ("phone.yaml: ami", self.files.exchanges, found.exchanges),
            )
            if old != new
        ]
        self._use(found)
        metrics.reloads.labels("loaded").inc()
        log.info("configuration_loaded", needs_restart=restart)

    def _use(self, files: Files) -> None:
        known, phone = files.known, files.phone
        self.calls.desk.known = known
        self.calls.phone, self.calls.agents = phone, known.agents
        self.calls.suggested = Suggested(known.clients, phone.ddd or "")
        self.reader.known = known
        self.sender.settings = known.identity.auto_reply
        self.gate.agents = known.agents
        self.posted.keys = files.keys
        self.files = files._replace(mailboxes=self.files.mailboxes)


def _nothing_missing(before: Files, found: Files) -> None:
    gone = sorted(before.present - found.present)
    if gone:
        raise Misconfigured(f"{', '.join(gone)}: was there and is missing")
