"""Policy rule 2: every instant of the week belongs to a window, and to one that the policy's text names."""

from datetime import datetime, time, timedelta
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from services.intake.domain.desk_time import DESK_ZONE
from services.intake.domain.window import Window
from shared.catalog import load_directory
from shared.clock import to_us

CATALOGS = load_directory(Path("deploy/config/catalog"))
WINDOW = Window(CATALOGS)
MONDAY = datetime(2026, 3, 2, tzinfo=DESK_ZONE)
WEEK = timedelta(days=7)


def in_business(at: datetime) -> bool:
    """Return what the text says: Monday to Friday, 07:00 to 19:00."""
    return at.weekday() < 5 and time(7) <= at.time() < time(19)


def at_the_line(at: datetime) -> bool:
    """Return what the text says: Monday to Friday from 19:00 to 08:00, Saturday and Sunday."""
    return at.weekday() >= 5 or at.time() >= time(19) or at.time() < time(8)


@given(st.timedeltas(timedelta(0), WEEK - timedelta(microseconds=1)))
@example(timedelta(hours=7) - timedelta(microseconds=1))
@example(timedelta(hours=7))
@example(timedelta(hours=8))
@example(timedelta(hours=19))
@example(timedelta(hours=19, seconds=59))
@example(timedelta(days=4, hours=19))
@example(WEEK - timedelta(microseconds=1))
def test_every_instant_of_the_week_belongs_to_a_window_of_the_text(since_monday: timedelta) -> None:
    at = MONDAY + since_monday
    us = to_us(at)
    catalog = CATALOGS.for_start(us)
    assert catalog.always.is_open(us)
    assert catalog.business.is_open(us) is in_business(at)
    assert WINDOW.is_emergency(at) is not in_business(at)
    assert at_the_line(at) if WINDOW.is_emergency(at) else in_business(at)
