"""The table: of every rule of the policy, what was seen to happen and the events that prove it."""

import asyncio
import json
import textwrap
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

from deploy.local.policy.stage import Stage
from deploy.local.story import Missing
from shared.events import Event

RULES = {
    1: "Fiscal documents and faults of the software; no tax advice",
    2: "Business hours; outside of them emergencies, by phone only",
    3: "The SLA hangs on the service, never on the client",
    4: "Remote access by Terminal Service, else by a link",
    5: "Not responsible for the client's infrastructure",
    6: "No limit on the number of tickets of a client",
    7: "The knowledge base is offered",
    8: "No support over messengers",
    9: "Updates, migrations and re-installations are scheduled",
    10: "Who makes which backup",
    11: "The vendor's training is charged",
    12: "One standard DANFe layout",
    13: "All users should be registered",
}
WIDTH = 100
_INDENT = " " * 15


class Shown(NamedTuple):
    """What was seen: sentences, and the events that prove them."""

    happened: Sequence[str]
    events: Sequence[Event[Any]]


class Story(NamedTuple):
    """One story of a rule. ``run`` returns what was seen, or raises ``Missing`` that says what was not.

    ``alone``: it is run after the others, with nothing beside it.
    """

    rule: int
    title: str
    run: Callable[[Stage], Awaitable[Shown]]
    alone: bool = False


class Proof(NamedTuple):
    """An event by its identity: ``subject`` is the ticket, ``metric`` the clock of an ``sla.*`` event."""

    type: str
    metric: str
    id: str
    subject: str


class Row(NamedTuple):
    """One row. ``missing``: what a failed story did not see."""

    rule: int
    title: str
    state: Literal["shown", "failed", "not shown yet"]
    happened: Sequence[str] = ()
    events: Sequence[Proof] = ()
    missing: str = ""


async def play(stories: Sequence[Story], stage: Stage, seconds: float) -> Sequence[Row]:
    """Return the row of every story, each within ``seconds``, and one of each rule that has none; by rule."""
    beside = await asyncio.gather(*(_row(story, stage, seconds) for story in stories if not story.alone))
    after = [await _row(story, stage, seconds) for story in stories if story.alone]
    told = {story.rule for story in stories}
    untold = [Row(rule, title, "not shown yet") for rule, title in RULES.items() if rule not in told]
    return sorted([*beside, *after, *untold], key=lambda row: (row.rule, row.title))


async def _row(story: Story, stage: Stage, seconds: float) -> Row:
    try:
        async with asyncio.timeout(seconds):
            shown = await story.run(stage)
    except Missing as missing:
        return Row(story.rule, story.title, "failed", missing=str(missing))
    except TimeoutError:
        return Row(story.rule, story.title, "failed", missing=f"it did not end within {seconds:.0f} s")
    except Exception as error:  # noqa: BLE001  # the edge of one story: it fails its own row and no other
        return Row(story.rule, story.title, "failed", missing=f"{type(error).__name__}: {error}")
    return Row(story.rule, story.title, "shown", shown.happened, [_proof(event) for event in shown.events])


def _proof(event: Event[Any]) -> Proof:
    return Proof(event.type, getattr(event.data, "metric", ""), event.id, event.subject)


def exit_code(rows: Sequence[Row]) -> int:
    """Return 1 when a row failed, else 0; a rule without a story is no failure."""
    return int(any(row.state == "failed" for row in rows))


def as_text(rows: Sequence[Row]) -> str:
    """Return the table for a terminal of ``WIDTH`` columns."""
    counts = [f"{sum(row.state == state for row in rows)} {state}" for state in ("shown", "failed", "not shown yet")]
    head = f"rule  {'result':<9}what happened"
    return "\n".join([head, "-" * WIDTH, *(line for row in rows for line in _lines(row)), ", ".join(counts)])


def _lines(row: Row) -> Iterator[str]:
    word = {"shown": "ok", "failed": "FAILED", "not shown yet": "-"}[row.state]
    yield f"{row.rule:>4}  {word:<9}{row.title}"
    if row.state == "not shown yet":
        yield f"{_INDENT}not shown yet"
    if row.missing:
        yield from _wrapped(f"missing: {row.missing}")
    for sentence in row.happened:
        yield from _wrapped(sentence)
    for proof in row.events:
        yield f"{_INDENT}  {f'{proof.type} {proof.metric}':<26} {proof.id} {proof.subject[:18]}"
    yield ""


def _wrapped(text: str) -> Sequence[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=f"{_INDENT}", subsequent_indent=f"{_INDENT}  ")


def as_json(rows: Sequence[Row]) -> str:
    """Return one JSON object a row and line."""
    return "\n".join(json.dumps(_object(row), ensure_ascii=False) for row in rows)


def _object(row: Row) -> dict[str, Any]:
    events = [proof._asdict() for proof in row.events]
    return {**row._asdict(), "happened": list(row.happened), "events": events}
