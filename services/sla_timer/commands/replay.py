"""``sla_timer replay``: judge the whole journal again, from nothing, and compare with the clocks as they stand."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from services.sla_timer import reading
from services.sla_timer.commands.offline import FINDINGS, FINE, Wrong
from services.sla_timer.commands.online import carry_out, catalogs_of, settings
from services.sla_timer.commands.report import instant
from services.sla_timer.domain.assess import assess
from services.sla_timer.domain.clock import Clock, How
from services.sla_timer.domain.journal import Fact, history
from shared.catalog import Catalogs
from shared.clock import to_us

_AT_ONCE = 500  # tickets
Key = tuple[str, str, int]
State = dict[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.description = (
        "Rebuilds every clock from the journal, one ticket after another in bounded memory, and prints what differs from"
        " the clocks of the database, read in one snapshot that the server keeps from changing anything. Exit code 1:"
        " something differs. What is due and not fired yet is no difference, and is counted."
    )
    parser.add_argument("--json", action="store_true", help="one JSON object per difference, then the counts")


def run(arguments: argparse.Namespace) -> int:
    """Print the differences and the counts; return 0, 1 with differences, 2 for wrong input, 3 without a database."""
    return carry_out("replay", lambda: _replay(arguments))


async def _replay(arguments: argparse.Namespace) -> int:
    found = settings()
    catalogs = catalogs_of(found)
    counts: Counter[str] = Counter(clocks=0, due_not_fired=0, differences=0)
    async with reading.connected(found.database_url) as connection, reading.snapshot(connection):
        at_us = to_us(await reading.queries.database_now(connection))
        await _same_versions(connection, catalogs)
        async for tickets in _batches(connection):
            stored = {_key(r): r async for r in reading.queries.clocks_of(connection, ticket_ids=list(tickets))}
            for line in _differences(tickets, stored, catalogs, at_us, counts):
                _print(line, arguments.json)
        counts["clocks"] = await reading.queries.clock_count(connection)
    if arguments.json:
        print(orjson.dumps(counts).decode())
    else:
        words = f"{counts['clocks']} clocks, {counts['due_not_fired']} due and not fired yet"
        print(f"{words}, {counts['differences']} differences")
    return FINDINGS if counts["differences"] else FINE


async def _same_versions(connection: Any, catalogs: Catalogs) -> None:
    async for row in reading.queries.known_versions(connection):
        known = catalogs.version(row["version"])
        if known is None or known.content != row["content"]:
            word = "is not loaded" if known is None else "has other content than the database judged by"
            print(f"replay: catalog {row['version']} {word}", file=sys.stderr)
    if not catalogs.versions:
        raise Wrong("no catalog version is loaded")


async def _batches(connection: Any) -> Any:
    tickets: dict[str, Sequence[Fact]] = {}
    async for ticket_id, facts in reading.journals(connection):
        tickets[ticket_id] = facts
        if len(tickets) == _AT_ONCE:
            yield tickets
            tickets = {}
    if tickets:
        yield tickets


def _key(row: Any) -> Key:
    return row["ticket_id"], row["metric"], row["cycle"]


def _differences(
    tickets: Mapping[str, Sequence[Fact]],
    stored: Mapping[Key, Any],
    catalogs: Catalogs,
    at_us: int,
    counts: Counter[str],
) -> Iterator[State]:
    said: dict[Key, State] = {}
    for ticket_id, facts in tickets.items():
        found = history(facts)
        for clock in assess(found, catalogs, at_us, breaching=True).clocks if found else ():
            said[ticket_id, clock.metric, clock.cycle] = _of_clock(clock)
    for key in sorted(said.keys() | stored.keys()):
        now, live = said.get(key), _of_row(stored[key]) if key in stored else None
        if now == live or (now is None and live is not None and live["verdict"] == "cancelled"):
            continue  # equal, or withdrawn by a journal that knows it no more
        fire_at = stored[key]["fire_at"] if key in stored else None
        waits = fire_at is not None and to_us(fire_at) <= at_us
        if waits and now is not None and live is not None and now | {"verdict": "open"} == live:
            counts["due_not_fired"] += 1
            continue
        counts["differences"] += 1
        yield {"ticket_id": key[0], "metric": key[1], "cycle": key[2], "journal": now, "database": live}


def _of_clock(clock: Clock) -> State:
    late = clock.breached_us is not None and clock.end is not None and clock.end.how is How.FULFILLED
    verdict = "closed_late" if late and not clock.exempted else clock.verdict
    return {"state": clock.state, "verdict": verdict, "due_at": instant(clock.due_us)}


def _of_row(row: Any) -> State:
    due = None if row["due_at"] is None else instant(to_us(row["due_at"]))
    return {"state": row["state"], "verdict": row["verdict"], "due_at": due}


def _print(line: State, as_json: bool) -> None:
    if as_json:
        print(orjson.dumps(line).decode())
    else:
        print(
            f"{line['ticket_id']} {line['metric']} {line['cycle']}: journal {line['journal']}, database {line['database']}"
        )
