"""``sla_timer assess``: offline verdicts from catalog files and a file of events, no servers."""

import argparse
import sys
from pathlib import Path

import orjson

from services.sla_timer.commands.offline import instant_us, read_events
from services.sla_timer.commands.report import line_of
from services.sla_timer.commands.spool import Spool
from services.sla_timer.domain.assess import assess
from services.sla_timer.domain.journal import Fact, history
from shared.catalog import CatalogError, Catalogs, OutOfRange, load_files
from shared.commands import FINDINGS, FINE, USAGE, Wrong, printable


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
            left_out = read_events(arguments.events, spool)
            wanted_us = spool.last_us if at_us is None else at_us
            for ticket_id, facts in spool.journals():
                left_out += _print(ticket_id, facts, catalogs, wanted_us)
    except (Wrong, CatalogError, OSError) as error:
        print(f"assess: {error}", file=sys.stderr)
        return USAGE
    return FINDINGS if left_out else FINE


def _print(ticket_id: str, facts: list[Fact], catalogs: Catalogs, at_us: int) -> int:
    found = history(fact for fact in facts if fact.at_us <= at_us)
    if found is None:
        return 0
    try:
        clocks = assess(found, catalogs, at_us, breaching=True).clocks
        lines = [line_of(ticket_id, clock, at_us) for clock in clocks]
    except OutOfRange as error:
        print(printable(f"ticket {ticket_id}: {error}"), file=sys.stderr)
        return 1
    for line in sorted(lines, key=lambda line: (line["metric"], line["cycle"])):
        sys.stdout.write(orjson.dumps(line).decode() + "\n")
    return 0
