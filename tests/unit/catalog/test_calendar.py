"""Open time of a calendar: the calendar edge cases of the semantics by number, the published vectors, an exact oracle."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.catalog import Calendar, Catalogs, load
from tests.builders import catalog_file, us

HOUR = 3_600_000_000
BUSINESS = {"zone": "America/Sao_Paulo", "day": "12h", "week": {"mon-fri": ["07:00-19:00"]}}
ALWAYS = {"zone": "America/Sao_Paulo", "day": "24h", "week": {"mon-sun": ["00:00-24:00"]}}


def calendar(folder: Path, part: dict[str, Any]) -> Calendar:
    """Return the calendar of ``part`` as the loader builds it."""
    catalog = load(catalog_file(folder, calendars={"business": part}))
    return Catalogs([catalog]).for_start(0).business


ADD = [
    ("1 created exactly at opening", BUSINESS, "2026-03-06 07:00", 2 * HOUR, "2026-03-06 09:00"),
    ("2 created exactly at closing", BUSINESS, "2026-03-05 19:00", HOUR, "2026-03-06 08:00"),
    ("3 one second before closing, target 1 s", BUSINESS, "2026-03-05 18:59:59", 1_000_000, "2026-03-05 19:00"),
    ("3 one second before closing, target 2 s", BUSINESS, "2026-03-05 18:59:59", 2_000_000, "2026-03-06 07:00:01"),
    ("5 exactly one day", BUSINESS, "2026-03-05 07:00", 12 * HOUR, "2026-03-05 19:00"),
    ("5 exactly one week", BUSINESS, "2026-03-02 07:00", 60 * HOUR, "2026-03-06 19:00"),
    ("7 24:00", {**BUSINESS, "week": {"mon-fri": ["20:00-24:00"]}}, "2026-03-05 19:00", 4 * HOUR, "2026-03-06 00:00"),
    ("7 23:59", {**BUSINESS, "week": {"mon-fri": ["20:00-23:59"]}}, "2026-03-05 23:00", HOUR, "2026-03-06 20:01"),
    (
        "8 split shift, start in the lunch gap",
        {**BUSINESS, "week": {"mon-fri": ["08:00-12:00", "13:00-18:00"]}},
        "2026-03-05 12:30",
        HOUR,
        "2026-03-05 14:00",
    ),
    (
        "9 a window over midnight into a closed day keeps its tail",
        {**BUSINESS, "week": {"mon-fri": ["22:00-06:00"]}, "days": {"2026-03-06": []}},
        "2026-03-05 23:00",
        7 * HOUR,
        "2026-03-06 06:00",
    ),
    (
        "10 half-day holiday",
        {**BUSINESS, "days": {"2026-12-24": ["07:00-12:00"]}},
        "2026-12-24 11:00",
        2 * HOUR,
        "2026-12-25 08:00",
    ),
    (
        "10 a holiday on a weekend and an own day on a public holiday",
        {**BUSINESS, "holidays": {"country": "BR"}, "days": {"2026-11-20": ["07:00-09:00"]}},
        "2026-11-19 18:00",
        2 * HOUR,
        "2026-11-20 08:00",
    ),
    ("12 DST gap", ALWAYS, "2015-10-17 22:00", 7 * HOUR, "2015-10-18T06:00:00-02:00"),
    ("12 DST overlap", ALWAYS, "2015-02-21T22:00:00-02:00", 5 * HOUR, "2015-02-22 02:00"),
    (
        "12 half-hour DST of Lord Howe",
        {**ALWAYS, "zone": "Australia/Lord_Howe", "week": {"mon-sun": ["00:00-12:00"]}},
        "2025-10-04T22:00:00+10:30",
        3 * HOUR,
        "2025-10-05T03:30:00+11:00",
    ),
    (
        "13 the offset of the instant, not of today",
        BUSINESS,
        "2018-12-10T07:00:00-02:00",
        2 * HOUR,
        "2018-12-10T09:00:00-02:00",
    ),
    ("15 leap day", BUSINESS, "2028-02-28 18:00", 2 * HOUR, "2028-02-29 08:00"),
    ("15 year end", BUSINESS, "2026-12-31 18:00", 2 * HOUR, "2027-01-01 08:00"),
    ("vector Friday closing + 60 s", BUSINESS, "2026-03-06 19:00", 60_000_000, "2026-03-09 07:01"),
    ("vector ends at closing, not at opening", BUSINESS, "2026-03-06 17:00", 2 * HOUR, "2026-03-06 19:00"),
    (
        "vector Good Friday closed",
        {**BUSINESS, "holidays": {"country": "BR"}},
        "2026-04-02 18:00",
        4 * HOUR,
        "2026-04-06 10:00",
    ),
    (
        "vector 20 November closed",
        {**BUSINESS, "holidays": {"country": "BR"}},
        "2026-11-19 18:00",
        3 * HOUR,
        "2026-11-23 09:00",
    ),
]


@pytest.mark.parametrize(("case", "part", "start", "open_us", "due"), ADD, ids=[row[0] for row in ADD])
def test_the_deadline_is_the_earliest_instant_with_enough_open_time(
    tmp_path: Path, case: str, part: dict[str, Any], start: str, open_us: int, due: str
) -> None:
    found = calendar(tmp_path, part)
    assert found.add(us(start), open_us) == us(due), case
    assert found.open_between(us(start), us(due)) == open_us


def _oracle(part_hours: tuple[int, int], start: datetime, end: datetime) -> int:
    """Count open minutes one by one; the zone has had no DST since 2019."""
    minutes, at = 0, start
    while at < end:
        local = at - timedelta(hours=3)
        minutes += local.weekday() < 5 and part_hours[0] <= local.hour < part_hours[1]
        at += timedelta(minutes=1)
    return minutes * 60_000_000


@settings(max_examples=40, deadline=None)
@given(start=st.integers(0, 60 * 24 * 60), length=st.integers(0, 60 * 24 * 9))
def test_open_time_agrees_with_counting_every_minute(start: int, length: int) -> None:
    calendar_ = Calendar("x", "America/Sao_Paulo", 12 * HOUR, lambda d: [(420, 1140)] if d.weekday() < 5 else [])
    begin = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=start)
    end = begin + timedelta(minutes=length)
    expected = _oracle((7, 19), begin, end)
    assert calendar_.open_between(us(begin.isoformat()), us(end.isoformat())) == expected
    assert sum(b - a for a, b in calendar_.windows(us(begin.isoformat()), us(end.isoformat()))) == expected


@settings(max_examples=100, deadline=None)
@given(start=st.integers(0, 10**15), shorter=st.integers(1, 10**12), more=st.integers(0, 10**12))
def test_deadlines_are_monotonic_in_the_target_and_hold_exactly_it(start: int, shorter: int, more: int) -> None:
    calendar_ = Calendar("x", "America/Sao_Paulo", 12 * HOUR, lambda d: [(420, 1140)] if d.weekday() < 5 else [])
    due = calendar_.add(start, shorter)
    assert due <= calendar_.add(start, shorter + more)
    assert calendar_.open_between(start, due) == shorter
    assert calendar_.open_between(start, due - 1) == shorter - 1
