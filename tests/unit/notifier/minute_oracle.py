"""Who is on duty and reachable, the slow way: minute by minute, from the plain data of the file, by looking at clocks.

Shares nothing with the product but Python's zones. Minutes are whole minutes since 1970 in UTC.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
LOUD = {"sms", "voice", "pagerduty", "apprise"}
SEARCHED = 16 * 60  # minutes; no zone is further from UTC
FULL_DAY = 1440


def clock_minutes(text: str) -> int:
    """Return minutes from midnight."""
    return int(text[:2]) * 60 + int(text[3:])


def utc_minute(at: datetime) -> int:
    """Return the minute of an aware instant."""
    return int(at.timestamp() // 60)


def local_minute(minute: int, zone: str) -> int:
    """Return what the clock on the wall shows, as minutes since 1970."""
    local = datetime.fromtimestamp(minute * 60, UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=UTC)
    return utc_minute(local)


@cache
def minute_of_wall(wall: int, zone: str) -> int:
    """Return when the clock first shows ``wall``; where it skips it, so long after the jump as it is after its beginning."""
    before = wall - SEARCHED
    for minute in range(wall - SEARCHED, wall + SEARCHED):
        shown = local_minute(minute, zone)
        if shown == wall:
            return minute
        if shown > wall:
            return minute + wall - local_minute(before, zone) - 1
        before = minute
    raise AssertionError("never shown")


def wall_of(day: date, minutes: int) -> int:
    """Return a wall time as minutes since 1970."""
    return (day - date(1970, 1, 1)).days * FULL_DAY + minutes


class Oracle:
    """Answers for the minutes [start, end)."""

    def __init__(self, file: dict[str, Any], start: int, end: int) -> None:
        self.file, self.start, self.end = file, start, end
        self.known: dict[tuple[str, int], str | None] = {}
        self.overrides = [
            (o["rotation"], o["person"], *(utc_minute(datetime.fromisoformat(o[key])) for key in ("from", "to")))
            for o in reversed(file.get("overrides", []))
        ]
        rotations = file.get("rotations", {})
        self.turns = {name: self._turns(r) for name, r in rotations.items() if "members" in r}
        self.windows = {
            name: self._open(r["windows"], r["zone"], r.get("holidays"))
            for name, r in rotations.items()
            if r.get("windows")
        }
        self.hours = {
            id_: self._open(p["hours"], p["zone"], p.get("holidays"))
            for id_, p in file["people"].items()
            if p.get("hours")
        }

    def _days(self) -> Iterator[date]:
        day = date(1970, 1, 1) + timedelta(days=self.start // FULL_DAY - 3)
        while wall_of(day, 0) < self.end + 3 * FULL_DAY:
            yield day
            day += timedelta(days=1)

    def _turns(self, rotation: dict[str, Any]) -> list[tuple[int, str]]:
        """Return (minute of the hand-over, who takes over), of every turn since the first one that matters."""
        found, starts = [], date.fromisoformat(rotation["starts"])
        length, members = int(rotation["turn"][:-1]), rotation["members"]
        for number in range(5000):
            wall = wall_of(starts + timedelta(days=number * length), clock_minutes(rotation["hand_over"]))
            if wall > self.start - (length + 3) * FULL_DAY:
                found.append((minute_of_wall(wall, rotation["zone"]), members[number % len(members)]))
            if wall > self.end + 3 * FULL_DAY:
                return found
        raise AssertionError("too far")

    def _open(self, windows: list[dict[str, Any]], zone: str, holidays: str | None) -> list[tuple[int, int]]:
        closed = self.file["holidays"][holidays]["days"] if holidays else []
        found = []
        for day in self._days():
            name = "sun" if day.isoformat() in closed else DAYS[day.weekday()]
            for window in windows:
                opens, closes = clock_minutes(window["from"]), clock_minutes(window["to"])
                closes += FULL_DAY if closes <= opens else 0
                if name in window["days"]:
                    found.append(
                        (minute_of_wall(wall_of(day, opens), zone), minute_of_wall(wall_of(day, closes), zone))
                    )
        return found

    def on_duty(self, name: str, minute: int) -> str | None:
        """Return who is on duty in a rotation."""
        if (name, minute) not in self.known:
            self.known[name, minute] = self._on_duty(name, minute)
        return self.known[name, minute]

    def _on_duty(self, name: str, minute: int) -> str | None:
        for rotation_, person, begin, finish in self.overrides:
            if rotation_ == name and begin <= minute < finish:
                return str(person)
        rotation = self.file["rotations"][name]
        if "layers" in rotation:
            named = (self.on_duty(layer, minute) for layer in rotation["layers"])
            return next((person for person in named if person is not None), None)
        if name in self.windows and not any(begin <= minute < finish for begin, finish in self.windows[name]):
            return None
        return next((who for begin, who in reversed(self.turns[name]) if begin <= minute), None)

    def people(self, target: str, minute: int) -> list[str]:
        """Return whom a target means."""
        if target in self.file["people"]:
            return [target]
        if target in self.file["rotations"]:
            person = self.on_duty(target, minute)
            return [] if person is None else [person]
        below = self.file["manager"] if target == "manager" else self.file["teams"][target]
        return [person for one in below for person in self.people(one, minute)]

    def is_reachable(self, person: str, minute: int, emergency: bool, by: list[str]) -> bool:
        """Tell whether a method may be used without waiting for the person's hours."""
        for method in self.file["people"][person]["methods"]:
            kind = self.file["channels"][method["by"]]["kind"]
            if by and method["by"] not in by and kind not in by:
                continue
            used = minute + int(method.get("after", "0m")[:-1])
            hours = self.hours.get(person)
            if kind not in LOUD or emergency or hours is None or any(a <= used < b for a, b in hours):
                return True
        return False
