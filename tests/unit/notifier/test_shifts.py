"""Shifts of an iCalendar file: rules, exceptions, zones, whole days; who is named; what is refused."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.notifier.configuration import read_oncall
from services.notifier.domain.rota import duty, on_call
from services.notifier.domain.shifts import UnusableCalendar, read_shifts
from shared.config import Misconfigured
from tests.unit.notifier.oncall_files import file_of

NAMES = {"ana": "ana", "ana souza": "ana", "ana@x.example": "ana", "bob": "bob", "eve": "eve"}
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def event(*lines: str, uid: str = "1") -> str:
    """Return an event."""
    return "\r\n".join(["BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20260101T000000Z", *lines, "END:VEVENT", ""])


def calendar(*events: str) -> bytes:
    """Return a file."""
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//y//", *events, "END:VCALENDAR", ""]).encode()


def spans(content: bytes, start: str, end: str, zone: str = "America/Sao_Paulo") -> list[tuple[str, str, str | None]]:
    """Return (from, to, who) within [start, end)."""
    shifts = read_shifts(content, zone, NAMES, NOW)
    found = shifts.on_duty(datetime.fromisoformat(start), datetime.fromisoformat(end))
    return [(f"{a:%m-%d %H:%M}", f"{b:%m-%d %H:%M}", who) for a, b, who in found]


def test_a_rule_with_its_exceptions_keeps_the_wall_time_of_its_zone_over_a_change_of_clocks() -> None:
    zone = "DTSTART;TZID=America/New_York:20260306T180000"
    rule = event(
        zone, "DURATION:PT12H", "RRULE:FREQ=DAILY", "EXDATE;TZID=America/New_York:20260307T180000", "SUMMARY:Ana"
    )
    assert spans(calendar(rule), "2026-03-06T00:00:00Z", "2026-03-10T00:00:00Z") == [
        ("03-06 23:00", "03-07 11:00", "ana"),
        ("03-08 22:00", "03-09 10:00", "ana"),
        ("03-09 22:00", "03-10 00:00", "ana"),
    ]


def test_a_zone_that_the_file_itself_defines_is_used() -> None:
    own = """BEGIN:VTIMEZONE
TZID:Brasilia
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:-0300
TZOFFSETTO:-0300
END:STANDARD
END:VTIMEZONE""".replace("\n", "\r\n")
    one = event("DTSTART;TZID=Brasilia:20260306T180000", "DTEND;TZID=Brasilia:20260306T190000", "SUMMARY:bob")
    assert spans(calendar(own, one), "2026-03-06T00:00:00Z", "2026-03-08T00:00:00Z") == [
        ("03-06 21:00", "03-06 22:00", "bob")
    ]


def test_whole_days_and_floating_times_are_in_the_rotations_zone() -> None:
    days = event("DTSTART;VALUE=DATE:20260329", "DTEND;VALUE=DATE:20260330", "SUMMARY:ana")
    floating = event("DTSTART:20260330T120000", "DTEND:20260330T130000", "SUMMARY:bob", uid="2")
    assert spans(calendar(days, floating), "2026-03-28T00:00:00Z", "2026-04-01T00:00:00Z", "Europe/Lisbon") == [
        ("03-29 00:00", "03-29 23:00", "ana"),  # 23 hours: the clocks went forward
        ("03-30 11:00", "03-30 12:00", "bob"),
    ]


def test_the_shift_that_began_last_wins_and_the_one_below_comes_back() -> None:
    week = event("DTSTART:20260302T000000Z", "DTEND:20260309T000000Z", "SUMMARY:ana")
    replaced = event("DTSTART:20260304T000000Z", "DTEND:20260305T000000Z", "SUMMARY:bob", uid="2")
    gone = event("DTSTART:20260306T000000Z", "DTEND:20260307T000000Z", "SUMMARY:eve", "STATUS:CANCELLED", uid="3")
    assert spans(calendar(replaced, week, gone), "2026-03-03T00:00:00Z", "2026-03-12T00:00:00Z") == [
        ("03-03 00:00", "03-04 00:00", "ana"),
        ("03-04 00:00", "03-05 00:00", "bob"),
        ("03-05 00:00", "03-09 00:00", "ana"),
    ]


@pytest.mark.parametrize(
    ("named", "who"),
    [
        (["SUMMARY:ANA SOUZA"], "ana"),
        (["SUMMARY:On call", "ATTENDEE:mailto:Ana@X.example"], "ana"),
        (["SUMMARY:bob", "ATTENDEE:mailto:other@x.example", "ATTENDEE;CN=A:mailto:ana@x.example"], "ana"),
        (["SUMMARY:bob", "ATTENDEE:mailto:other@x.example"], "bob"),
    ],
)
def test_an_attendee_or_the_summary_names_the_person(named: list[str], who: str) -> None:
    one = event("DTSTART:20260302T000000Z", "DTEND:20260302T010000Z", *named)
    assert spans(calendar(one), "2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z") == [("03-02 00:00", "03-02 01:00", who)]


LONG = ("DTSTART:20260302T000000Z", "DTEND:20260302T010000Z")
REFUSED: list[tuple[bytes, str]] = [
    (b"\xff\xfe not a calendar", "not one iCalendar object"),
    (calendar(), "1 to 2000 events are needed, it has 0"),
    (b"x" * 1_000_001, "more than 1000000 bytes"),
    (calendar(event("SUMMARY:ana")), "event 1 (DTSTART must be one day or instant, 2000 to 2099)"),
    (calendar(event("DTSTART:2026030", "SUMMARY:ana")), "event 1 (cannot be read: DTSTART)"),
    (calendar(event("DTSTART:19700101T000000Z", "SUMMARY:ana")), "event 1 (DTSTART must be one"),
    (calendar(event("DTSTART:180000", "SUMMARY:ana")), "event 1 (DTSTART must be one"),
    (calendar(event(*LONG, "DTSTART:20260303T000000Z", "SUMMARY:ana")), "event 1 (DTSTART must be one"),
    (calendar(event(*LONG, "RRULE:FREQ=SECONDLY", "SUMMARY:ana")), "RRULE: FREQ is one of DAILY"),
    (calendar(event(*LONG, "RRULE:FREQ=DAILY;BYHOUR=1,2", "SUMMARY:ana")), "RRULE: with DAILY only BYDAY, COUNT"),
    (calendar(event(*LONG, "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "SUMMARY:ana")), "RRULE: with DAILY only"),
    (calendar(event(*LONG, "RRULE:FREQ=DAILY;INTERVAL=0", "SUMMARY:ana")), "RRULE: INTERVAL is 1 to 1000"),
    (calendar(event(*LONG, "RRULE:FREQ=YEARLY;BYDAY=60MO", "SUMMARY:ana")), "cannot be laid out (IndexError)"),
    (calendar(event(*LONG, "SUMMARY:Zed")), "'Zed' on 2026-03-02 is nobody of people"),
]


@pytest.mark.parametrize(("content", "said"), REFUSED, ids=[said[:30] for _, said in REFUSED])
def test_what_cannot_be_laid_out_in_bounded_time_or_names_nobody_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(UnusableCalendar) as refused:
        read_shifts(content, "UTC", NAMES, NOW)
    assert any(said in reason for reason in refused.value.args)


def test_a_shift_that_is_over_may_name_who_has_left() -> None:
    old = event("DTSTART:20250302T000000Z", "DTEND:20250302T010000Z", "SUMMARY:Zed")
    assert spans(calendar(old, event(*LONG, "SUMMARY:ana", uid="2")), "2026-03-01T00:00:00Z", "2026-03-03T00:00:00Z")


@pytest.mark.parametrize("rule", ["FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"])
def test_a_rule_that_never_comes_true_ends(rule: str) -> None:
    never = calendar(event(*LONG, f"RRULE:{rule}", "SUMMARY:ana"))
    assert spans(never, "2027-03-01T00:00:00Z", "2028-03-03T00:00:00Z") == []


def test_slices_agree_with_one_look_at_the_whole() -> None:
    content = calendar(event("DTSTART:20260301T120000Z", "DTEND:20260304T120000Z", "RRULE:FREQ=WEEKLY", "SUMMARY:ana"))
    shifts = read_shifts(content, "UTC", NAMES, NOW)
    start, year = datetime(2026, 3, 1, tzinfo=UTC), timedelta(days=3 * 366)
    whole = list(shifts.on_duty(start, start + year))
    assert len(whole) == year // timedelta(days=7) + 1
    assert all(b - a == timedelta(days=3) for a, b, _ in whole[:-1])
    for i in range(0, 1098, 50):
        at = start + timedelta(days=i)
        assert bool(list(shifts.on_duty(at, at + timedelta(minutes=1)))) == any(a <= at < b for a, b, _ in whole)


def test_a_whole_day_over_the_edge_of_a_slice_is_found_from_both_sides() -> None:
    edge = datetime(2000, 1, 1, tzinfo=UTC) + 105 * timedelta(days=91)
    assert f"{edge:%Y-%m-%d}" == "2026-02-28"
    content = calendar(event("DTSTART;VALUE=DATE:20260227", "SUMMARY:ana"))
    for hours in (-1, 1):  # the day ends at 03:00 UTC
        at = edge + timedelta(hours=hours)
        shifts = read_shifts(content, "America/Sao_Paulo", NAMES, NOW)
        assert [who for _, _, who in shifts.on_duty(at, at + timedelta(minutes=1))] == ["ana"]


def folder_with(folder: Path, content: bytes | None, **parts: Any) -> Path:
    """Return a folder with a file that imports a calendar."""
    rotations = {"primary": {"icalendar": "duty.ics"}, **parts.pop("rotations", {})}
    (folder / "oncall.yaml").write_text(yaml.safe_dump(file_of(rotations=rotations, **parts)), encoding="utf-8")
    if content is not None:
        (folder / "duty.ics").write_bytes(content)
    return folder


def test_an_imported_rotation_is_one_like_any_other(tmp_path: Path) -> None:
    content = calendar(event("DTSTART:20260302T000000Z", "DTEND:20260303T000000Z", "SUMMARY:Ana Souza"))
    override = {"rotation": "primary", "person": "bob", "from": "2026-03-02T23:00:00Z", "to": "2026-03-03T01:00:00Z"}
    layered = {"both": {"layers": ["primary"]}}
    oncall = read_oncall(folder_with(tmp_path, content, overrides=[override], rotations=layered), NOW)
    found = duty(oncall, "both", datetime(2026, 3, 1, 20, tzinfo=UTC), datetime(2026, 3, 3, 2, tzinfo=UTC))
    assert [(span.person, span.why.value) for span in found] == [
        (None, "no_shift"),
        ("ana", "calendar"),
        ("bob", "override"),
        (None, "no_shift"),
    ]
    assert on_call(oncall, "primary", datetime(2026, 3, 2, 1, tzinfo=UTC)).person == "ana"


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "duty.ics: No such file"), (calendar(event(*LONG, "SUMMARY:Zed")), "'Zed' on 2026-03-02 is nobody")],
)
def test_a_calendar_that_cannot_be_used_is_named_with_its_rotation(
    content: bytes | None, said: str, tmp_path: Path
) -> None:
    with pytest.raises(Misconfigured, match=r"rotations\.primary\.icalendar: ") as refused:
        read_oncall(folder_with(tmp_path, content), NOW)
    assert said in str(refused.value)
