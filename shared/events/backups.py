"""Data of the types on ``backups.v1``, published by backup_audit."""

from typing import Literal

from pydantic import AwareDatetime

from shared.events.envelope import Data


class Artifact(Data):
    """The file that was looked at."""

    name: str
    size_bytes: int
    sha256: str | None = None
    started_at: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None
    format: str | None = None
    encoding: str | None = None


class Evidence(Data):
    """One check: what was looked at and what came of it. Counts and hashes, never data."""

    check: str
    result: str
    detail: str
    duration_seconds: float


class BackupData(Data):
    """What every backup event carries. ``slot`` is the planned start, ``expected_by`` the end of its grace."""

    client_id: str
    routine_id: str
    modality: str
    responsible: Literal["vendor", "client", "unknown"]
    confidence: float
    level: str
    artifact: Artifact | None = None
    slot: AwareDatetime
    expected_by: AwareDatetime
    evidence: tuple[Evidence, ...] = ()
    next_check_at: AwareDatetime | None = None
    reason: str | None = None


class BackupVerified(BackupData):
    """The slot's backup is there and passed the level's checks."""


class BackupOverdue(BackupData):
    """Missing, late, or no verified copy young enough."""


class BackupIncomplete(BackupData):
    """A partial or short file."""


class BackupCorrupt(BackupData):
    """A file that does not decode or whose checksum is wrong."""


class BackupSuspicious(BackupData):
    """Stale content, lost magic or random bytes."""


class BackupDirectoryUnreachable(BackupData):
    """The client's directory cannot be listed."""


class BackupUnverified(BackupData):
    """We could not tell: our tool, version or timeout; ``reason`` says why."""


class BackupRecovered(BackupData):
    """A failure came to its end."""


class BackupRestored(BackupData):
    """A restore proved the backup."""
