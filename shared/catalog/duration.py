"""Durations of the catalog: three forms that do not mix. Source: catalog.md, "Durations"."""

import re
from dataclasses import dataclass
from typing import Literal

_SECOND_US = 1_000_000
_DAY_US = 86_400 * _SECOND_US
_CLOCK = re.compile(r"(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9})s)?")
_DAYS = re.compile(r"([0-9]{1,9})(bd|d)")
_TEN_YEARS = {"open": 87_600 * 3_600 * _SECOND_US, "business_days": 3_650, "real_days": 3_650}


@dataclass(frozen=True, slots=True)
class Duration:
    """``us`` of the calendar's open time, ``days`` business days of it, or real days on the 24x7 line."""

    unit: Literal["open", "business_days", "real_days"]
    amount: int

    def us(self, day_us: int) -> int:
        """Return microseconds; ``day_us`` is what one business day of the calendar is worth."""
        return {"open": 1, "business_days": day_us, "real_days": _DAY_US}[self.unit] * self.amount

    def share(self, percent: int) -> "Duration":
        """Return a share of it."""
        return Duration(self.unit, self.amount * percent // 100)

    @property
    def is_reachable(self) -> bool:
        """Tell whether it is at most 87,600h, 3650bd or 3650d: calendars end with the year 2100."""
        return self.amount <= _TEN_YEARS[self.unit]


def parse_duration(text: object) -> Duration:
    """Return the duration of ``[Nh][Nm][Ns]``, ``Nbd`` or ``Nd``; raise ``ValueError`` that names the rule."""
    if isinstance(text, str) and (days := _DAYS.fullmatch(text)):
        return Duration("business_days" if days[2] == "bd" else "real_days", int(days[1]))
    if isinstance(text, str) and text and (parts := _CLOCK.fullmatch(text)):
        hours, minutes, seconds = (int(part or 0) for part in parts.groups())
        return Duration("open", ((hours * 60 + minutes) * 60 + seconds) * _SECOND_US)
    raise ValueError("a duration is [Nh][Nm][Ns], Nbd or Nd, whole numbers, not mixed")
