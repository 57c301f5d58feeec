"""``intake forget``: erase a person: address or number, raw mails, answers, numbers of calls; tickets stay."""

import argparse
import getpass
import re
import sys
from functools import partial
from typing import Any
from uuid import UUID

import orjson

from services.intake.commands.online import carry_out
from services.intake.configuration import read_desk
from services.intake.handlers.forgetting import Order, StillWaiting, erasable, forget, person_of, waiting_for
from services.intake.settings import Settings
from services.intake.store import queries
from shared import clock
from shared.commands import FINDINGS, FINE, Wrong

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.description = (
        "Erases everything that says who a contact is; tickets and events stay, for they carry the opaque id only. The"
        " erasure is recorded: who, when, how much. Whoever writes again is a new contact. Exit code 1: something of the"
        " person is still to be read, sent or decided; nothing is lost, run it again in a minute. `contacts find` names"
        " the CONTACT_REF of an address or number; a person may have one of each. Mails of others that quote the person,"
        " the mailbox's own copies and backups are not reached."
    )
    parser.add_argument("contact_ref", metavar="CONTACT_REF", help="the id that tickets carry (a UUID)")
    parser.add_argument("--by", metavar="NAME", help="who asks for it, as in agents.yaml; default: the system's user")
    parser.add_argument("--dry-run", action="store_true", help="print the counts and erase nothing")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Erase a person; return 0, 1 while something waits, 2 for an unknown contact_ref, 3 without a database."""
    return carry_out("forget", partial(_forget, arguments))


async def _forget(arguments: argparse.Namespace, settings: Settings, pool: Any) -> int:
    ref, by, ours = _reference(arguments.contact_ref), _name(arguments.by), _ours(settings)
    person = await person_of(pool, ref)
    if person is None:
        raise Wrong(f"CONTACT_REF {ref}: no contact has this id")
    if arguments.dry_run:
        waiting = await waiting_for(pool, person)
        counts = await erasable(pool, person, ours)
        _say(arguments, {"contact_ref": ref, "would_erase": counts._asdict(), "still_waiting": waiting._asdict()})
        return FINDINGS if any(waiting) else FINE
    try:
        await forget(pool, person, Order(by, clock.now(), ours))
    except StillWaiting as waiting_for_us:
        print(f"forget: {waiting_for_us} still waiting: run it again when they are done", file=sys.stderr)
        return FINDINGS
    recorded = await queries.erasure_of(pool, contact_ref=ref)
    _say(arguments, {"contact_ref": ref, "again": person.ended_at is not None, **recorded})
    return FINE


def _ours(settings: Settings) -> list[str]:
    known = read_desk(settings.config_dir)
    agents = (address for agent in known.agents.agents.values() for address in agent.addresses)
    return [*agents, *known.identity.addresses]


def _reference(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise Wrong("CONTACT_REF: must be a UUID, the id that tickets carry, not an address") from None


def _name(text: str | None) -> str:
    try:
        name = (getpass.getuser() if text is None else text).lower()
    except (OSError, KeyError):  # a user without a name
        name = ""
    if _NAME.fullmatch(name) is None:
        raise Wrong("--by: must be an id as in agents.yaml (letters, digits, . _ -), not an address")
    return name


def _say(arguments: argparse.Namespace, facts: dict[str, Any]) -> None:
    if arguments.json:
        print(orjson.dumps(facts).decode())
        return
    for name, value in facts.items():
        shown = ", ".join(f"{count} {what}" for what, count in value.items()) if isinstance(value, dict) else value
        print(f"{name}: {shown}")
