"""``sla_timer simulate``: what would have breached under another catalog: counts by service, the tickets that change."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from services.sla_timer import reading
from services.sla_timer.commands.offline import instant_us, read_events
from services.sla_timer.commands.online import carry_out, catalogs_of
from services.sla_timer.commands.spool import Spool
from services.sla_timer.domain.assess import Assessment, assess
from services.sla_timer.domain.journal import Fact, history
from services.sla_timer.settings import Settings
from shared.catalog import Catalogs, OutOfRange, load_files
from shared.clock import to_us
from shared.commands import FINDINGS, FINE, Wrong, printable, settings_of

Verdicts = dict[tuple[str, int], str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.description = (
        "Judges every ticket twice: by the catalog of the service (offline: by --against) and by the given one alone."
        " Reads the database in one snapshot, or --events; nothing is written. Exit code 1: a line or a ticket was left out."
    )
    parser.add_argument("--catalog", nargs="+", action="extend", required=True, type=Path, metavar="NEW")
    parser.add_argument(
        "--against", nargs="+", action="extend", type=Path, metavar="OLD", help="offline: catalog files"
    )
    parser.add_argument("--events", metavar="F.jsonl", help="offline: one CloudEvent a line; - is stdin")
    parser.add_argument("--at", metavar="INSTANT", help="RFC 3339 with offset; default: now, offline the last event")
    parser.add_argument("--json", action="store_true", help="one JSON object per ticket that changes, then the counts")


def run(arguments: argparse.Namespace) -> int:
    """Print changes and counts; return 0, 1 when a line or a ticket was left out, 2 for wrong input, 3 without a database."""
    return carry_out("simulate", lambda: _offline(arguments) if _is_offline(arguments) else _online(arguments))


def _is_offline(arguments: argparse.Namespace) -> bool:
    if (arguments.against is None) != (arguments.events is None):
        raise Wrong("offline needs both --against and --events")
    return arguments.events is not None


def _offline(arguments: argparse.Namespace) -> int:
    old, new = load_files(arguments.against), load_files(arguments.catalog)
    with Spool() as spool:
        left_out = read_events(arguments.events, spool)
        at_us = spool.last_us if arguments.at is None else instant_us(arguments.at)
        simulation = Simulation(old, new, at_us, arguments.json)
        for ticket_id, facts in spool.journals():
            simulation.judge(ticket_id, facts)
    simulation.report()
    return FINDINGS if left_out or simulation.left_out else FINE


async def _online(arguments: argparse.Namespace) -> int:
    found = settings_of(Settings)
    old, new = catalogs_of(found), load_files(arguments.catalog)
    async with reading.connected(found.database_url) as connection, reading.snapshot(connection):
        now_us = to_us(await reading.queries.database_now(connection))
        at_us = now_us if arguments.at is None else instant_us(arguments.at)
        simulation = Simulation(old, new, at_us, arguments.json)
        async for ticket_id, facts in reading.journals(connection):
            simulation.judge(ticket_id, facts)
    simulation.report()
    return FINDINGS if simulation.left_out else FINE


class Simulation:
    """Two catalogs over the same journals; in memory are the counts only."""

    def __init__(self, old: Catalogs, new: Catalogs, at_us: int, as_json: bool) -> None:
        self._old, self._new, self._at_us, self._json = old, new, at_us, as_json
        self._breached: Counter[tuple[str, str, str]] = Counter()
        self._tickets = self._changed = self.left_out = 0

    def judge(self, ticket_id: str, facts: Sequence[Fact]) -> None:
        """Judge one ticket twice; print it if a verdict changes."""
        known = history(fact for fact in facts if fact.at_us <= self._at_us)
        if known is None:
            return
        try:
            now = assess(known, self._old, self._at_us, breaching=True)
            would = assess(known, self._new, self._at_us, breaching=True)
        except OutOfRange as error:
            self.left_out += 1
            print(printable(f"simulate: ticket {ticket_id}: {error}"), file=sys.stderr)
            return
        self._tickets += 1
        service = self._service(now, would)
        self._count("now", service, now)
        self._count("would", service, would)
        changes = list(_changes(_verdicts(now), _verdicts(would)))
        if changes:
            self._changed += 1
            self._print(ticket_id, service, changes)

    def report(self) -> None:
        """Print the counts by service and metric."""
        services = sorted({(service, metric) for _, service, metric in self._breached})
        rows: list[dict[str, Any]] = [
            {"service": s, "metric": m, "breached": self._breached["now", s, m], "would": self._breached["would", s, m]}
            for s, m in services
        ]
        if self._json:
            total = {"tickets": self._tickets, "changed": self._changed, "breaches": rows}
            sys.stdout.write(orjson.dumps(total).decode() + "\n")
            return
        print(f"{self._tickets} tickets, {self._changed} with another verdict")
        for row in rows:
            change = f"{row['breached']} breached, would be {row['would']} ({row['would'] - row['breached']:+d})"
            print(f"  {row['service']:<24} {row['metric']:<10} {change}")

    def _service(self, now: Assessment, would: Assessment) -> str:
        """Return the ticket's service where either catalog knows it, else triage: the counts stay few."""
        known = now.ticket.service in now.catalog.services or now.ticket.service in would.catalog.services
        return now.ticket.service if known else now.catalog.triage

    def _count(self, when: str, service: str, found: Assessment) -> None:
        for clock in found.clocks:
            if clock.verdict == "breached":
                self._breached[when, service, clock.metric] += 1

    def _print(self, ticket_id: str, service: str, changes: Sequence[dict[str, Any]]) -> None:
        if self._json:
            sys.stdout.write(
                orjson.dumps({"ticket_id": ticket_id, "service": service, "changes": changes}).decode() + "\n"
            )
            return
        words = (f"{c['metric']} {c['cycle']}: {c['now']} → {c['would']}" for c in changes)
        print(f"{ticket_id} ({service}): {', '.join(words)}")


def _verdicts(found: Assessment) -> Verdicts:
    return {(clock.metric, clock.cycle): clock.verdict for clock in found.clocks}


def _changes(now: Verdicts, would: Verdicts) -> Iterator[dict[str, Any]]:
    for metric, cycle in sorted(now.keys() | would.keys()):
        a, b = now.get((metric, cycle), "none"), would.get((metric, cycle), "none")
        if a != b:
            yield {"metric": metric, "cycle": cycle, "now": a, "would": b}
