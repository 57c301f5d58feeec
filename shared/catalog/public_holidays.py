"""The public holidays of a country and state, with the optional ones that are wanted, from the ``holidays`` package."""

from collections.abc import Iterator
from datetime import date
from functools import lru_cache

import holidays

from shared.catalog.faults import Problem, Where
from shared.catalog.model import HolidaysPart

_SAMPLE_YEAR = 2025


def holiday_key(name: str) -> str:
    """Return the name by which an optional holiday is compared: ``corpus_christi`` is "Corpus Christi"."""
    return name.lower().replace("_", " ").replace("-", " ")


@lru_cache(maxsize=256)  # a calendar's years are asked one after the other
def public_holidays(part: HolidaysPart, year: int) -> frozenset[date]:
    """Return the days of ``year`` that are holidays by ``part``; none without a country."""
    country = part.country
    if country is None:
        return frozenset()
    categories = ("public", "optional") if part.optional else ("public",)
    found = holidays.country_holidays(country, subdiv=part.state, years=year, categories=categories, language="en_US")
    public = holidays.country_holidays(country, subdiv=part.state, years=year, language="en_US")
    wanted = {holiday_key(name) for name in part.optional}
    return frozenset(
        day
        for day, titles in found.items()
        if day in public or wanted & {holiday_key(title) for title in titles.split("; ")}
    )


def optional_holidays(country: str, state: str | None) -> set[str]:
    """Return the optional holidays that the ``holidays`` package knows there, as ``holiday_key`` has them."""
    years = range(_SAMPLE_YEAR, _SAMPLE_YEAR + 3)
    try:
        found = holidays.country_holidays(country, subdiv=state, years=years, categories="optional", language="en_US")
    except ValueError:
        return set()
    return {holiday_key(name) for title in found.values() for name in title.split("; ")}


def holiday_problems(where: Where, part: HolidaysPart) -> Iterator[Problem]:
    """Yield what of ``part`` the ``holidays`` package does not know, with its place under ``where``."""
    country = part.country
    if country is None:
        if part.state or part.optional:
            yield where, "state and optional need a country"
        return
    states = holidays.list_supported_countries(include_aliases=False)
    if country not in states:
        yield (*where, "country"), "not a country of the holidays package"
        return
    if part.state is not None and part.state not in states[country]:
        yield (*where, "state"), "not a state of this country"
        return
    named = optional_holidays(country, part.state)
    for i, name in enumerate(part.optional):
        if holiday_key(name) not in named:
            yield (*where, "optional", i), f"not an optional holiday there: {', '.join(sorted(named))}"
