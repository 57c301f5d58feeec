"""``sla_timer assess``: offline verdicts from catalog files and a file of events, no servers."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from services.sla_timer.commands.report import line_of
from services.sla_timer.commands.spool import Spool
from services.sla_timer.domain.assess import assess
from services.sla_timer.domain.journal import Fact, history
from shared.catalog import CatalogError, Catalogs, OutOfRange, load_files
from shared.clock import to_us
from shared.events import Undecodable, decode_json
from shared.events.policy import RULE_8, by_messenger

FINE, FINDINGS, USAGE = 0, 1, 2
_LINE_LIMIT_BYTES = 4 * 1024 * 1024


class Wrong(Exception):
    """An argument or a file cannot be used."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument("--catalog", nargs="+", action="extend", required=True, type=Path, metavar="F")
    parser.add_argument(
        "--events", required=True, metavar="F.jsonl", help="one CloudEvent a line, any order; - is stdin"
    )
    parser.add_argument("--at", metavar="INSTANT", help="RFC 3339 with offset; default: the last event")
    parser.add_argument("--json", action="store_true", help="JSON lines, which it prints anyway")


def run(arguments: argparse.Namespace) -> int:
    """Print one JSON line per clock; return 0, 1 when a line was left out or in conflict, or 2."""
    try:
        at_us = None if arguments.at is None else instant_us(arguments.at)
        catalogs = load_files(arguments.catalog)
        with Spool() as spool:
            left_out = _read(arguments.events, spool)
            wanted_us = spool.last_us if at_us is None else at_us
            for ticket_id, facts in spool.journals():
                left_out += _print(ticket_id, facts, catalogs, wanted_us or 0)
    except (Wrong, CatalogError, OSError) as error:
        print(f"assess: {error}", file=sys.stderr)
        return USAGE
    return FINDINGS if left_out else FINE


def instant_us(text: str) -> int:
    """Return microseconds of RFC 3339 with an offset; raises ``Wrong``."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Wrong(f"--at {text}: not an RFC 3339 instant") from None
    if at.tzinfo is None:
        raise Wrong(f"--at {text}: the offset is missing")
    return to_us(at)


def _read(path: str, spool: Spool) -> int:
    """Spool every event; return how many lines were left out or in conflict, each told on stderr."""
    left_out = 0
    with nullcontext(sys.stdin.buffer) if path == "-" else open(path, "rb") as file:  # - is stdin
        for number, line in _lines(file):
            try:
                raw = _object(line)
                event = decode_json(raw)
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
                print(f"line {number}: conflict: id: this source and id exist with other content", file=sys.stderr)
    return left_out


def _lines(file: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    return ((number, line) for number, line in enumerate(file, start=1) if line.strip())


def _object(line: bytes) -> dict[str, Any]:
    if len(line) > _LINE_LIMIT_BYTES:
        raise Undecodable("too_large", "event", f"a line has at most {_LINE_LIMIT_BYTES} bytes")
    try:
        raw = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise Undecodable("not_json", "event", str(error)) from None
    if not isinstance(raw, dict):
        raise Undecodable("not_json", "event", "the line is not a JSON object")
    return raw


def _print(ticket_id: str, facts: list[Fact], catalogs: Catalogs, at_us: int) -> int:
    found = history(fact for fact in facts if fact.at_us <= at_us)
    if found is None:
        return 0
    try:
        clocks = assess(found, catalogs, at_us, breaching=True).clocks
        lines = [line_of(ticket_id, clock, at_us) for clock in clocks]
    except OutOfRange as error:
        print(f"ticket {ticket_id}: {error}", file=sys.stderr)
        return 1
    for line in sorted(lines, key=lambda line: (line["metric"], line["cycle"])):
        sys.stdout.write(orjson.dumps(line).decode() + "\n")
    return 0
