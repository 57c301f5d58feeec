"""``notifier dlq``: notices that reached nobody: list them, send them again, or close them."""

import argparse
from collections.abc import Sequence
from typing import Any

import orjson

from services.notifier.commands.online import carry_out, database
from services.notifier.settings import Settings
from services.notifier.store import queries
from shared.commands import FINDINGS, FINE, Wrong, agreed, printable, settings_of

_FIELDS = ("notice_id", "person", "channel", "word", "reason", "attempt", "alerts", "ticket_id", "opened_at")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.description = (
        "A dead letter moved on at once to the next method and step; it stands here until somebody closes it."
    )
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="one line per dead letter; exit code 1 when there is one")
    for name, about in (("replay", "try them again, at once, if they are still wanted"), ("drop", "close them")):
        action = actions.add_parser(name, help=about)
        action.add_argument("notices", nargs="*", metavar="NOTICE")
        action.add_argument("--all", action="store_true", help="every dead letter")
        action.add_argument("--yes", action="store_true", help="do not ask")
    for action in actions.choices.values():
        action.add_argument("--json", action="store_true", help="JSON lines")


def run(arguments: argparse.Namespace) -> int:
    """Carry out; return 0, 1 for findings, 2 for wrong input, 3 without a database."""
    return carry_out("dlq", lambda: _run(arguments))


async def _run(arguments: argparse.Namespace) -> int:
    async with database(settings_of(Settings)) as pool:
        dead = [row async for row in queries.dead_notices(pool)]
        if arguments.action == "list":
            for row in dead:
                print(_line(row, arguments.json))
            return FINDINGS if dead else FINE
        chosen = _chosen(arguments, dead)
        if chosen and not arguments.yes and not agreed(f"{arguments.action} {len(chosen)} dead letters?"):
            raise Wrong("nothing was changed")
        change = queries.replay_notices if arguments.action == "replay" else queries.drop_notices
        done = [str(row["notice_id"]) async for row in change(pool, notice_ids=chosen)]
    print(orjson.dumps({arguments.action: done}).decode() if arguments.json else f"{len(done)} of {len(chosen)}")
    return FINE if len(done) == len(chosen) else FINDINGS


def _chosen(arguments: argparse.Namespace, dead: Sequence[Any]) -> list[str]:
    known = [str(row["notice_id"]) for row in dead]
    if arguments.all == bool(arguments.notices):
        raise Wrong(f"{arguments.action} needs either NOTICE … or --all")
    unknown = [one for one in arguments.notices if one not in known]
    if unknown:
        raise Wrong(f"{printable(unknown[0])}: no dead letter; NOTICE as in dlq list")
    return known if arguments.all else list(arguments.notices)


def _line(row: Any, as_json: bool) -> str:
    if as_json:
        said = {name: row[name] for name in _FIELDS} | {"notice_id": str(row["notice_id"])}
        return orjson.dumps(said, option=orjson.OPT_UTC_Z).decode()
    at = row["opened_at"].isoformat(timespec="seconds").replace("+00:00", "Z")
    many = f" +{row['alerts'] - 1}" if row["alerts"] > 1 else ""
    about = printable(row["ticket_id"] or "-")
    return f"{row['notice_id']}  {at}  {row['person']:<12} {row['channel']:<10} {row['word']:<9} {row['reason']}  {about}{many}"
