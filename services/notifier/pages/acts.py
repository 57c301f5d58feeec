"""What a posted form asks for, checked: take, promise, undo, pass on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from services.notifier.handlers.duty import Duty
from services.notifier.handlers.taking import acknowledge, pass_on, undo
from services.notifier.pages.web import Refused

PROMISES = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 30))
LONG_PROMISE = timedelta(minutes=60)
"""Only of action clocks: a response is a matter of minutes."""


@dataclass(frozen=True, slots=True)
class Done:
    """What was done: ``act``, of how many alerts, and the key of what the page then says ("": it shows by itself)."""

    act: str
    alerts: int
    said: str


def promises(action: bool) -> tuple[timedelta, ...]:
    """Return the promises to choose from; ``action``: every alert of the page is one of an action clock."""
    return (*PROMISES, LONG_PROMISE) if action else PROMISES


async def act(duty: Duty, shown: Any, action: bool, form: Mapping[str, str]) -> Done:
    """Do what a form asks for; nothing in it is to take. Raises ``Refused``, and then nothing has changed."""
    notice_id, page_no, person = str(shown["notice_id"]), shown["page_no"], shown["person"]
    match form.get("do", "take"):
        case "take":
            promise, only = _promise(form, action), _alert(form)
            taken = await acknowledge(duty, notice_id, page_no, person, shown["channel"], promise, only=only)
            return Done("take", taken, "" if taken else "did_nothing")
        case "undo":
            given_back = await undo(duty, notice_id, page_no, person)
            return Done("undo", given_back, "did_undone" if given_back else "did_late")
        case "pass":
            to = form.get("to", "")
            if to == person or to not in duty.oncall.people:
                raise Refused(400, "bad_form")
            passed = await pass_on(duty, notice_id, page_no, person, to)
            return Done("pass", passed, "did_passed" if passed else "did_passed_none")
        case _:
            raise Refused(400, "bad_form")


def _promise(form: Mapping[str, str], action: bool) -> timedelta | None:
    if "minutes" not in form:
        return None
    known = {str(promise // timedelta(minutes=1)): promise for promise in promises(action)}
    if form["minutes"] not in known:
        raise Refused(400, "bad_form")
    return known[form["minutes"]]


def _alert(form: Mapping[str, str]) -> int | None:
    if "alert" not in form:
        return None
    text = form["alert"]
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Refused(400, "bad_form")
    return int(text)
