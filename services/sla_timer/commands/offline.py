"""What the commands share that read a file of events instead of a database: exit codes, instants, lines."""

import codecs
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import datetime
from typing import Any, BinaryIO

from services.sla_timer.commands.spool import Spool
from shared.clock import to_us
from shared.commands import Wrong
from shared.events import Undecodable, check_arrival, decode_json, loads, received_at_of
from shared.events.policy import RULE_8, by_messenger

_LINE_LIMIT_BYTES = 4 * 1024 * 1024


def instant_us(text: str) -> int:
    """Return microseconds of RFC 3339 with an offset; raises ``Wrong``."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Wrong(f"--at {text}: not an RFC 3339 instant") from None
    if at.tzinfo is None:
        raise Wrong(f"--at {text}: the offset is missing")
    if not 1970 <= at.year < 2100:
        raise Wrong(f"--at {text}: must lie in the years 1970 to 2099")
    return to_us(at)


def read_events(path: str, spool: Spool) -> int:
    """Spool every event; return how many lines were left out or in conflict, each told on stderr."""
    left_out = 0
    with nullcontext(sys.stdin.buffer) if path == "-" else open(path, "rb") as file:  # - is stdin
        for number, line in _lines(file):
            try:
                raw = _object(line)
                event = decode_json(raw)
                check_arrival(raw, event)
                received_at_of(event)
                if event.type == "ticket.refused":
                    continue
                if not event.type.startswith("ticket."):
                    raise Undecodable("unknown_type", "type", "not a ticket event")
                if by_messenger(event):
                    raise Undecodable("policy_rule_8", "data.channel", RULE_8)
            except Undecodable as wrong:
                left_out += 1
                print(f"line {number}: {wrong.reason}: {wrong.field}: {wrong.detail}", file=sys.stderr)
                continue
            if not spool.add(raw, event):
                left_out += 1
                said = f"{event.source!r} {event.id!r} exist with other content: the smaller is kept"
                print(f"line {number}: conflict: id: source and id {said}", file=sys.stderr)
    return left_out


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield each line with its number; of one that is too long only so much is in memory that it is seen to be."""
    number = 0
    while line := file.readline(_LINE_LIMIT_BYTES + 1):
        number += 1
        kept = line
        while not line.endswith(b"\n") and (line := file.readline(_LINE_LIMIT_BYTES + 1)):
            pass
        if number == 1:
            kept = kept.removeprefix(codecs.BOM_UTF8)
        if kept.strip():
            yield number, kept


def _object(line: bytes) -> dict[str, Any]:
    if len(line) > _LINE_LIMIT_BYTES:
        raise Undecodable("too_large", "event", f"a line has at most {_LINE_LIMIT_BYTES} bytes")
    raw = loads(line)
    if not isinstance(raw, dict):
        raise Undecodable("not_json", "event", "the line is not a JSON object")
    return raw
