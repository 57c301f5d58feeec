"""``sla_timer replay``: judge the whole journal again, from nothing, and compare with the clocks as they stand."""

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from services.sla_timer import reading
from services.sla_timer.basis import basis_of, milestone_of
from services.sla_timer.commands.online import carry_out, catalogs_of
from services.sla_timer.commands.report import instant
from services.sla_timer.domain.announce import Milestone, Told, schedule
from services.sla_timer.domain.assess import ENGINE, assess
from services.sla_timer.domain.clock import Clock, How
from services.sla_timer.domain.journal import Fact, history
from services.sla_timer.settings import Settings
from shared.catalog import Catalogs
from shared.clock import to_us
from shared.commands import FINDINGS, FINE, Wrong, printable, settings_of
from shared.errors import Permanent

_AT_ONCE = 500  # tickets
Key = tuple[str, str, int]
State = dict[str, Any]
Milestones = Mapping[Key, Sequence[Milestone]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.description = (
        "Rebuilds every clock from the journal, one ticket after another in bounded memory, and prints what differs from"
        " the clocks of the database, read in one snapshot that the server keeps from changing anything: state, verdict"
        " and due date, the verdict last told, and of an open clock what it counts by and when it is to be fired. Exit"
        " code 1: something differs. No difference, and counted: what is due for no longer than firing may be held and not fired yet,"
        " open clocks that the service has still to judge anew, and closed ones that an older engine judged otherwise."
    )
    parser.add_argument("--json", action="store_true", help="one JSON object per difference, then the counts")


def run(arguments: argparse.Namespace) -> int:
    """Print the differences and the counts; return 0, 1 with differences, 2 for wrong input, 3 without a database."""
    return carry_out("replay", lambda: _replay(arguments))


async def _replay(arguments: argparse.Namespace) -> int:
    found = settings_of(Settings)
    catalogs = catalogs_of(found)
    patience_us = int((found.hold_limit_seconds + found.settle_seconds) * 1e6)
    async with reading.connected(found.database_url) as connection, reading.snapshot(connection):
        at_us = to_us(await reading.queries.database_now(connection))
        newest = await reading.queries.newest_judgement(connection)
        await _same_versions(connection, catalogs)
        engines = {row["id"]: row["engine"] async for row in reading.queries.engines(connection)}
        older = frozenset(judgement for judgement, engine in engines.items() if engine != ENGINE)
        comparison = Comparison(catalogs, at_us, patience_us, newest, older)
        async for tickets in _batches(connection):
            ids = list(tickets)
            stored = {_key(r): r async for r in reading.queries.clocks_of(connection, ticket_ids=ids)}
            told: dict[Key, list[Milestone]] = defaultdict(list)
            async for row in reading.queries.milestones_of(connection, ticket_ids=ids):
                told[_key(row)].append(milestone_of(row))
            for line in comparison.compare(tickets, stored, told):
                _print(line, arguments.json)
        async for row in connection.cursor(reading.queries.clocks_without_journal.sql):
            _print(comparison.without_journal(row), arguments.json)
    _print_counts(comparison.counts, arguments.json)
    return FINDINGS if comparison.counts["differences"] else FINE


def _print_counts(counts: Counter[str], as_json: bool) -> None:
    if as_json:
        print(orjson.dumps(counts).decode())
        return
    print(
        f"{counts['clocks']} clocks, {counts['due_not_fired']} due and not fired yet,"
        f" {counts['to_judge_anew']} still to be judged anew, {counts['closed_by_older_engine']} closed otherwise by an"
        f" older engine, {counts['differences']} differences"
    )


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


class Comparison:
    """What the journal says against what the database has, at one instant; in memory are the counts only.

    ``patience_us``: the longest that firing may be held. What is due for longer, and was told of longer ago, is a
    difference: nobody would be paged for it.
    """

    def __init__(self, catalogs: Catalogs, at_us: int, patience_us: int, newest: int, older: frozenset[int]) -> None:
        self._catalogs, self._at_us, self._patience_us = catalogs, at_us, patience_us
        self._newest, self._older = newest, older
        self.counts: Counter[str] = Counter(
            clocks=0, due_not_fired=0, to_judge_anew=0, closed_by_older_engine=0, differences=0
        )

    def compare(
        self, tickets: Mapping[str, Sequence[Fact]], stored: Mapping[Key, Any], told: Milestones
    ) -> Iterator[State]:
        """Yield the differences of some tickets with all their clocks and everything that was told of them."""
        self.counts["clocks"] += len(stored)
        said: dict[Key, Clock] = {}
        for ticket_id, facts in tickets.items():
            try:
                said |= self._judge(ticket_id, facts)
            except Permanent as error:
                self.counts["differences"] += 1
                yield {"ticket_id": ticket_id, "error": str(error)}
                stored = {key: row for key, row in stored.items() if key[0] != ticket_id}
        for key in sorted(said.keys() | stored.keys()):
            clock, row = said.get(key), stored.get(key)
            past = Told(tuple(told.get(key, ())))
            now = None if clock is None else _of_clock(clock) | self._planned(clock, row, past)
            live = None if row is None else _of_row(row, past) | _stored_plan(clock, row)
            if now != live and not self._explained(now, live, row):
                self.counts["differences"] += 1
                yield _difference(key, now, live)

    def without_journal(self, row: Any) -> State:
        """Return the difference of a clock whose ticket has no event at all."""
        self.counts["clocks"] += 1
        self.counts["differences"] += 1
        return _difference(_key(row), None, _of_row(row, None))

    def _judge(self, ticket_id: str, facts: Sequence[Fact]) -> dict[Key, Clock]:
        found = history(facts)
        clocks = assess(found, self._catalogs, self._at_us, breaching=True).clocks if found else ()
        return {(ticket_id, clock.metric, clock.cycle): clock for clock in clocks}

    def _planned(self, clock: Clock, row: Any, past: Told) -> State:
        """Return what an open clock counts by and when time is to speak, which is what would page somebody."""
        if clock.end is not None or row is None:
            return {}
        ahead = schedule(clock, past, ())
        return _plan(orjson.loads(basis_of(clock, ahead)), ahead[0].at_us if ahead else None)

    def _explained(self, now: State | None, live: State | None, row: Any) -> bool:
        """Tell whether the service is about to mend it, or withdrew a clock that the journal knows no more."""
        if live is None:
            return False
        if now is None and live["verdict"] == "cancelled":
            return True
        if live["verdict"] == "open" and row["judged_by"] < self._newest:
            self.counts["to_judge_anew"] += 1
            return True
        if live["state"] == "done" and row["judged_by"] in self._older:
            self.counts["closed_by_older_engine"] += 1  # a closed verdict is kept unless its revision is ordered
            return True
        if now is None or row["fire_at"] is None or now["verdict"] != "breached" or now | _OPEN != live:
            return False
        since_us = max(to_us(row["fire_at"]), to_us(row["told_at"]))
        if self._at_us - since_us > self._patience_us:
            return False
        self.counts["due_not_fired"] += 1
        return True


def _difference(key: Key, now: State | None, live: State | None) -> State:
    return {"ticket_id": key[0], "metric": key[1], "cycle": key[2], "journal": now, "database": live}


_OPEN = {"verdict": "open", "told": "open"}


def _of_clock(clock: Clock) -> State:
    late = clock.breached_us is not None and clock.end is not None and clock.end.how is How.FULFILLED
    verdict = "closed_late" if late and not clock.exempted else clock.verdict
    return {"state": clock.state, "verdict": verdict, "due_at": instant(clock.due_us), "told": verdict}


def _of_row(row: Any, past: Told | None) -> State:
    verdict = row["verdict"]
    told = None if past is None else past.verdict
    if (
        past is not None and told == "cancelled" and past.breach is not None
    ):  # a cancellation ends it, the breach stands
        told = "breached"
    due = None if row["due_at"] is None else instant(to_us(row["due_at"]))
    return {"state": row["state"], "verdict": verdict, "due_at": due, "told": told}


def _stored_plan(clock: Clock | None, row: Any) -> State:
    if clock is None or clock.end is not None:
        return {}
    return _plan(orjson.loads(row["basis"]), None if row["fire_at"] is None else to_us(row["fire_at"]))


def _plan(basis: State, fire_us: int | None) -> State:
    return {name: basis.get(name) for name in _PLAN} | {"fire_at": None if fire_us is None else instant(fire_us)}


_PLAN = ("catalog", "calendar", "us", "start", "from", "pending", "service", "priority", "pauses", "due")


def _print(line: State, as_json: bool) -> None:
    if as_json:
        print(orjson.dumps(line).decode())
    elif "error" in line:
        print(printable(f"{line['ticket_id']}: cannot be judged: {line['error']}"))
    else:
        print(
            f"{line['ticket_id']} {line['metric']} {line['cycle']}: journal {line['journal']}, database {line['database']}"
        )
