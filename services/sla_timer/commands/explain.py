"""``sla_timer explain``: why a ticket is late or not, every counted interval of every clock, in words."""

import argparse
import sys
from pathlib import Path
from typing import Any

import orjson

from services.sla_timer import reading
from services.sla_timer.commands.offline import instant_us, read_events
from services.sla_timer.commands.online import carry_out, catalogs_of
from services.sla_timer.commands.report import instant, line_of
from services.sla_timer.commands.spool import Spool
from services.sla_timer.commands.sums import structured
from services.sla_timer.commands.tell import Speaker, heading, told
from services.sla_timer.commands.words import LANGUAGES
from services.sla_timer.domain.assess import Assessment, assess
from services.sla_timer.domain.journal import Fact, history
from services.sla_timer.domain.story import Story, stories
from services.sla_timer.settings import Settings
from shared.catalog import Catalogs, load_files
from shared.clock import to_us
from shared.commands import FINDINGS, FINE, Wrong, printable, settings_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.description = (
        "Explains every clock of a ticket from the database (settings as the service), or from files with --catalog and"
        " --events. Exit code 1: the ticket is unknown, or a line of the events was left out."
    )
    parser.add_argument("ticket", metavar="TICKET")
    parser.add_argument("--at", metavar="INSTANT", help="RFC 3339 with offset; default: now, offline the last event")
    parser.add_argument("--lang", choices=LANGUAGES, default="pt-BR")
    parser.add_argument("--catalog", nargs="+", action="extend", type=Path, metavar="F", help="offline: catalog files")
    parser.add_argument("--events", metavar="F.jsonl", help="offline: one CloudEvent a line; - is stdin")
    parser.add_argument("--json", action="store_true", help="the same facts as one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print the explanation; return 0, 1 for an unknown ticket, 2 for wrong input, 3 without a database."""
    return carry_out("explain", lambda: _offline(arguments) if _is_offline(arguments) else _online(arguments))


def _is_offline(arguments: argparse.Namespace) -> bool:
    if (arguments.catalog is None) != (arguments.events is None):
        raise Wrong("offline needs both --catalog and --events")
    return arguments.catalog is not None


def _offline(arguments: argparse.Namespace) -> int:
    at_us = None if arguments.at is None else instant_us(arguments.at)
    catalogs = load_files(arguments.catalog)
    with Spool() as spool:
        left_out = read_events(arguments.events, spool)
        facts = spool.journal(arguments.ticket)
        wanted_us = spool.last_us if at_us is None else at_us
    return max(_explain(arguments, facts, catalogs, wanted_us), FINDINGS if left_out else FINE)


async def _online(arguments: argparse.Namespace) -> int:
    at_us = None if arguments.at is None else instant_us(arguments.at)
    found = settings_of(Settings)
    catalogs = catalogs_of(found)
    async with reading.connected(found.database_url) as connection, reading.snapshot(connection):
        now = await reading.queries.database_now(connection)
        facts = list(await reading.journal_of(connection, arguments.ticket))
    return _explain(arguments, facts, catalogs, to_us(now.replace(microsecond=0)) if at_us is None else at_us)


def _explain(arguments: argparse.Namespace, facts: list[Fact], catalogs: Catalogs, at_us: int) -> int:
    known = history(fact for fact in facts if fact.at_us <= at_us)
    if known is None:
        print(f"explain: {_unknown(arguments.ticket, facts, at_us)}", file=sys.stderr)
        return FINDINGS
    assessment = assess(known, catalogs, at_us, breaching=True)
    found = list(stories(assessment, catalogs, at_us))
    if arguments.json:
        print(orjson.dumps(_object(arguments.ticket, assessment, found, at_us)).decode())
    else:
        sys.stdout.writelines(f"{line}\n" for line in text(arguments.ticket, assessment, found, arguments.lang, at_us))
    return FINE


def _unknown(ticket_id: str, facts: list[Fact], at_us: int) -> str:
    if not facts:
        return f"ticket {ticket_id}: no such ticket"
    if history(facts) is None:
        return f"ticket {ticket_id}: {len(facts)} events, but its opening has not arrived: it has no clock yet"
    return f"ticket {ticket_id}: not opened yet at {instant(at_us)}"


def text(ticket_id: str, assessment: Assessment, found: list[Story], language: str, at_us: int) -> list[str]:
    """Return the explanation as lines: what the ticket is, then each clock's story."""
    names = {i: service.names.get(language, i) for i, service in assessment.catalog.services.items()}
    lines = list(heading(ticket_id, assessment, language, at_us))
    for story in found:
        lines += ["", *told(story, Speaker(language, story.zone, names))]
    return [printable(line) for line in lines]


def _object(ticket_id: str, assessment: Assessment, found: list[Story], at_us: int) -> dict[str, Any]:
    return {
        "ticket_id": ticket_id,
        "title": assessment.history.opened.title,
        "service": assessment.ticket.service,
        "priority": assessment.ticket.priority,
        "client_id": assessment.ticket.client_id,
        "flags": assessment.flags,
        "at": instant(at_us),
        "clocks": [line_of(ticket_id, story.clock, at_us) | structured(story) for story in found],
    }
