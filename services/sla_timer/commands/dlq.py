"""``sla_timer dlq``: the dead letters of tickets.v1: list them, show one, send the originals again."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

import orjson

from services.sla_timer.commands.online import carry_out
from services.sla_timer.commands.report import instant
from services.sla_timer.settings import Settings
from shared.clock import to_us
from shared.commands import FINDINGS, FINE, Wrong, agreed, printable, settings_of
from shared.kafka.dlq import Letter, letters, send_again

_SHOWN_BYTES = 64 * 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    actions = parser.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="one line per letter; exit code 1 when there is one")
    listing.add_argument("--reason", help="only those of this reason")
    show = actions.add_parser("show", help="headers, reason and the original bytes of one letter")
    show.add_argument("place", metavar="PARTITION:OFFSET")
    again = actions.add_parser("replay", help="send originals to tickets.v1 again; the letters stay")
    again.add_argument("places", nargs="*", metavar="PARTITION:OFFSET")
    again.add_argument("--reason", help="every letter of this reason")
    again.add_argument("--yes", action="store_true", help="do not ask")
    for action in (listing, show, again):
        action.add_argument("--json", action="store_true", help="JSON lines")


def run(arguments: argparse.Namespace) -> int:
    """Carry out; return 0, 1 for findings, 2 for wrong input, 3 without a broker."""
    return carry_out("dlq", lambda: _run(arguments))


async def _run(arguments: argparse.Namespace) -> int:
    found = settings_of(Settings, database_url="")
    every = [one async for one in letters(found.kafka, f"{found.topic_prefix}tickets.v1.dlq")]
    match arguments.action:
        case "list":
            return _list(every, arguments)
        case "show":
            return _show(every, arguments)
        case _:
            return await _replay(found.kafka, every, arguments)


def _list(every: Sequence[Letter], arguments: argparse.Namespace) -> int:
    chosen = [one for one in every if arguments.reason in (None, one.reason)]
    for one in chosen:
        if arguments.json:
            print(orjson.dumps(_fields(one)).decode())
        else:
            print(
                f"{one.place:<10} {instant(to_us(one.at))} {one.reason:<14} {_text(one.key or b'')}  {printable(one.detail)}"
            )
    return FINDINGS if chosen else FINE


def _show(every: Sequence[Letter], arguments: argparse.Namespace) -> int:
    one = _at(every, arguments.place)
    value = (one.value or b"")[:_SHOWN_BYTES]
    headers = {name: _text(raw or b"") for name, raw in one.headers}
    if arguments.json:
        print(orjson.dumps({**_fields(one), "headers": headers, "value": _text(value)}).decode())
        return FINE
    for name, said in {**_fields(one), **{f"header {name}": text for name, text in headers.items()}}.items():
        print(f"{name}: {said}")
    print(_text(value))
    return FINE


async def _replay(bootstrap: str, every: Sequence[Letter], arguments: argparse.Namespace) -> int:
    if bool(arguments.places) == (arguments.reason is not None):
        raise Wrong("replay needs either PARTITION:OFFSET … or --reason R")
    wanted = [_at(every, place) for place in arguments.places]
    wanted += [one for one in every if one.reason == arguments.reason]
    cut = [one for one in wanted if one.cut or not one.topic]
    for one in cut:
        print(f"dlq: {one.place} was cut when it was put aside: the original is not here", file=sys.stderr)
    whole = [one for one in wanted if one not in cut]
    if whole and not arguments.yes and not agreed(f"send {len(whole)} records to tickets.v1 again?"):
        raise Wrong("nothing was sent")
    results = await send_again(bootstrap, whole) if whole else []
    failed = [one for one, result in zip(whole, results, strict=True) if result is not None]
    if arguments.json:
        print(orjson.dumps({"sent": len(whole) - len(failed), "failed": [one.place for one in failed]}).decode())
    else:
        print(f"{len(whole) - len(failed)} sent, {len(failed)} failed")
    return FINDINGS if failed or cut else FINE


def _at(every: Sequence[Letter], place: str) -> Letter:
    found = next((one for one in every if one.place == place), None)
    if found is None:
        raise Wrong(f"{place}: no such letter; PARTITION:OFFSET as in dlq list")
    return found


def _fields(one: Letter) -> dict[str, Any]:
    return {
        "place": one.place,
        "at": instant(to_us(one.at)),
        "reason": one.reason,
        "detail": one.detail,
        "topic": one.topic,
        "key": None if one.key is None else _text(one.key),
        "cut": one.cut,
    }


def _text(raw: bytes) -> str:
    """Return bytes as text that is safe on a terminal: what is not printable is escaped."""
    text = raw.decode(errors="backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
