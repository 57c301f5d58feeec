"""Asterisk's queue_log: what happened while nobody read the manager interface, which repeats nothing.

A line is ``seconds|channel|queue|agent|EVENT|parameters…``. The channel is the caller's Uniqueid.
"""

import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from glob import escape
from pathlib import Path

from services.intake.domain.calls import CallEvent, CallId, Heard, Kind
from shared.clock import from_us, to_us

TAIL_BYTES = 8 * 1024 * 1024  # some 80,000 lines
ROTATED = 7
_PACKED = frozenset({".gz", ".bz2", ".xz", ".zst"})
_KINDS: dict[str, tuple[Kind, str]] = {
    "ENTERQUEUE": ("started", ""),
    "CONNECT": ("answered", ""),
    "ABANDON": ("ended", "caller_hangup"),
    "COMPLETECALLER": ("ended", "caller_hangup"),
    "COMPLETEAGENT": ("ended", "agent_hangup"),
    "BLINDTRANSFER": ("ended", "transfer"),
    "ATTENDEDTRANSFER": ("ended", "transfer"),
    "TRANSFER": ("ended", "transfer"),
    "EXITWITHTIMEOUT": ("left", "timeout"),
    "EXITEMPTY": ("left", "no_agent"),
    "EXITWITHKEY": ("left", "key"),
    "WITHDRAW": ("left", "closed"),
}


def read_since(path: Path, since: datetime) -> list[str]:
    """Return the last lines of a log and of what was rotated of it since an instant, the oldest file first.

    Of each file at most ``TAIL_BYTES``, of rotated ones at most ``ROTATED``, no packed ones. Raises ``OSError`` where the log
    cannot be read.
    """
    siblings = path.parent.glob(f"{escape(path.name)}[.-]*")
    written = sorted((file.stat().st_mtime, file) for file in siblings if file.suffix not in _PACKED)
    rotated = [file for at, file in written if at >= since.timestamp()][-ROTATED:]
    return [line for file in (*rotated, path) for line in _tail(file)]


def _tail(path: Path) -> list[str]:
    """Return the last whole lines of a file: one without its end is being written."""
    with path.open("rb") as file:
        start = max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES)
        file.seek(start)
        whole, _, _ = file.read(TAIL_BYTES).rpartition(b"\n")
    lines = whole.decode("utf-8", "replace").split("\n")
    return lines[1:] if start else lines


def words(lines: Iterable[str], pbx: str, calls: dict[str, str], since: datetime, now: datetime) -> Iterator[Heard]:
    """Return what lines since an instant say of calls; ``calls`` names the call of a channel, else it is the channel's own.

    A line that is none, or tells of no caller, is passed over.
    """
    for line in lines:
        fields = line.split("|")
        kind, cause = _KINDS.get(fields[4] if len(fields) > 4 else "", (None, ""))
        if kind is None or not fields[0].isdecimal() or len(fields[0]) > 11 or fields[1] in ("", "NONE"):
            continue
        at, channel = from_us(int(fields[0]) * 1_000_000), fields[1][:200]
        if to_us(at) < to_us(since):
            continue
        number = fields[6] if kind == "started" and len(fields) > 6 else ""
        agent = fields[3] if kind == "answered" else ""
        said = {"number": number[:100], "queue": fields[2][:100], "agent": agent[:100], "cause": cause}
        yield Heard(CallId(pbx, calls.get(channel, channel)), CallEvent(kind, at, now, **said), channel)
