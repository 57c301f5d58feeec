"""What is wrong with a catalog file is said, all of it, with its place; what the rules do not forbid is taken."""

from pathlib import Path
from typing import Any

import pytest

from shared.catalog import CatalogError, load, load_files
from tests.builders import CATALOG, catalog_file
from tests.unit.catalog.test_calendar import ALWAYS, BUSINESS


def _defaults(**changes: Any) -> dict[str, Any]:
    return {**CATALOG["defaults"], **changes}


def _targets(**changes: Any) -> dict[str, Any]:
    triage = CATALOG["services"]["triage"]
    return {"triage": {**triage, "targets": {**triage["targets"], **changes}}}


ERRORS = [
    ("4 zero target", {"services": _targets(high={"response": "0s", "action": "1h"})}, "targets.high.response"),
    ("4 negative target", {"services": _targets(high={"response": "-1h", "action": "1h"})}, "targets.high.response"),
    ("6 never open", {"calendars": {"business": {**BUSINESS, "week": {}}}}, "never open"),
    ("overlap", {"calendars": {"business": {**BUSINESS, "week": {"mon": ["07:00-12:00", "11:00-13:00"]}}}}, "overlap"),
    ("no triage", {"defaults": _defaults(triage="x")}, "defaults.triage"),
    ("unknown calendar", {"defaults": _defaults(calendar="x")}, "defaults.calendar"),
    ("client target", {"services": _targets(client_acme={"response": "1h", "action": "1h"})}, "policy rule 3"),
    ("priority missing", {"priorities": ["high", "medium", "low"]}, "priority low is missing"),
    ("reserved", {"calendars": {"business": BUSINESS, "always": BUSINESS}}, "always is reserved"),
    ("zone", {"calendars": {"business": {**BUSINESS, "zone": "Mars/Base"}}}, "no such time zone"),
    ("unknown key", {"colour": "red"}, "colour: unknown key"),
]


@pytest.mark.parametrize(("changes", "said"), [row[1:] for row in ERRORS], ids=[row[0] for row in ERRORS])
def test_a_broken_catalog_is_refused_with_line_path_and_rule(tmp_path: Path, changes: Any, said: str) -> None:
    with pytest.raises(CatalogError) as refused:
        load(catalog_file(tmp_path, **changes))
    assert said in str(refused.value)
    assert "catalog.yaml:" in str(refused.value)


def test_all_errors_of_a_file_are_reported_at_once(tmp_path: Path) -> None:
    with pytest.raises(CatalogError) as refused:
        load(catalog_file(tmp_path, defaults=_defaults(triage="x", calendar="y", priority="z")))
    assert len(str(refused.value).splitlines()) == 3


def test_the_shipped_catalog_loads_and_says_that_it_is_an_example() -> None:
    path = Path("deploy/config/catalog/2026-01.yaml")
    assert path.read_text(encoding="utf-8").startswith("# EXAMPLE")
    assert load(path).services["danfe-layout"].chargeable == "maybe"


def test_an_unknown_service_is_timed_as_triage_and_flagged(tmp_path: Path) -> None:
    catalog = load(catalog_file(tmp_path))
    assert catalog.service("nobody-knows").id == "triage"
    assert catalog.flags("nobody-knows", "odd") == ("unknown_service", "unknown_priority")
    assert catalog.flags("triage", None) == ()


def _week(**windows: list[str]) -> dict[str, Any]:
    return {"business": {**BUSINESS, "week": windows}}


def _business(**changes: Any) -> dict[str, Any]:
    return {"calendars": {"business": {**BUSINESS, **changes}}}


WRONG = [
    ("a business day that is worth itself", _business(day="1bd"), ["calendars.business.day: what a business day"]),
    ("a business day of a day and a half", _business(day="36h"), ["calendars.business.day: what a business day"]),
    ("a folder of zones", _business(zone="America"), ["calendars.business.zone: no such time zone"]),
    ("a zone of 5,000 letters", _business(zone="x" * 5000), ["calendars.business.zone: no such time zone"]),
    (
        "two keys of one weekday",
        {"calendars": _week(**{"mon-fri": ["07:00-19:00"], "mon": ["18:00-20:00"]})},
        ["overlap"],
    ),
    ("a day that does not exist", _business(days={"2026-02-29": []}), ["calendars.business.days.2026-02-29: "]),
    ("an instant that is a number", {"effective_from": 1767225600}, ["effective_from: an instant is RFC 3339"]),
    ("a target of a century", {"services": _targets(high={"response": "900000h", "action": "1h"})}, ["ten years"]),
    ("a grace of a century", {"defaults": _defaults(reclassify_grace="4000d")}, ["a grace is at most ten years"]),
    ("Arabic digits", {"services": _targets(high={"response": "١h", "action": "1h"})}, ["a duration is"]),
    (
        "a line end behind a duration",
        {"services": _targets(high={"response": "1h\n", "action": "1h"})},
        ["a duration is"],
    ),
    ("a target of a customer", {"services": _targets(acme={"response": "1h", "action": "1h"})}, ["policy rule 3"]),
    (
        "everything at once",
        {
            **_business(zone="X/Y", day="1bd", week={"mon": ["07:00-12:00", "11:00-13:00"]}),
            "defaults": _defaults(triage="x", calendar="y", priority="z", reopen_within="soon"),
            "effective_from": "2026-01-01T00:00:00",
            "colour": "red",
        },
        ["zone", "day", "overlap", "triage", "calendar", "priority", "reopen_within", "effective_from", "colour"],
    ),
]


@pytest.mark.parametrize(("changes", "said"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_what_no_clock_could_be_measured_by_is_refused(tmp_path: Path, changes: Any, said: list[str]) -> None:
    with pytest.raises(CatalogError) as refused:
        load(catalog_file(tmp_path, **changes))
    assert len(refused.value.faults) == len(said)
    assert all(any(word in str(fault) for fault in refused.value.faults) for word in said)


UNREADABLE = [
    ("nothing", b"", ":1: a catalog is a mapping"),
    ("a list", b"- 1\n", ":1: a catalog is a mapping"),
    ("no UTF-8", b"# ok\ncaf\xe9: 1", ":2: the file is not UTF-8"),
    ("a NUL", b"a: 1\nb: \0", ":2: YAML: special characters"),
    ("no YAML", b"a: 1\nb: [", ":2: YAML: "),
    ("nested", b"[" * 5_000, ":1: YAML: nested too deep"),
    ("an anchor in itself", b"calendars: &x {business: *x}", "calendars.business.zone: Field required"),
    (
        "aliases of aliases",
        b"a: &a {}\n"
        + b"".join(
            b"b%d: &b%d {x: *b%d, y: *b%d}\n" % (n + 1, n + 1, n, n) if n else b"b1: &b1 {x: *a}\n" for n in range(40)
        ),
        "b40: unknown key",
    ),
]


@pytest.mark.parametrize(("content", "said"), [row[1:] for row in UNREADABLE], ids=[row[0] for row in UNREADABLE])
def test_a_file_that_is_no_catalog_is_refused_with_its_line(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "c: d.yaml"
    path.write_bytes(content)
    with pytest.raises(CatalogError) as refused:
        load(path)
    assert any(said in str(fault) for fault in refused.value.faults)
    assert {fault.file for fault in refused.value.faults} == {str(path)}
    with pytest.raises(CatalogError):
        load(tmp_path / "none.yaml")


def test_two_versions_that_take_effect_at_one_instant_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    paths = [catalog_file(tmp_path / name, version=name) for name in ("a", "b")]
    with pytest.raises(CatalogError) as refused:
        load_files(paths)
    assert "effective_from: a takes effect at the same instant" in str(refused.value)


def _always(**week: list[str]) -> dict[str, Any]:
    return {"calendars": {"business": BUSINESS, "always": {**ALWAYS, "week": week}}}


ALLOWED = [
    ("always in two ranges", _always(**{"mon-fri": ["00:00-24:00"], "sat-sun": ["00:00-24:00"]})),
    ("always in two windows", _always(**{"mon-sun": ["00:00-12:00", "12:00-24:00"]})),
    ("always by windows over midnight", _always(**{"mon-sun": ["00:00-00:00"]})),
    ("open on own days only", _business(week={}, days={"2026-12-26": ["07:00-12:00"]})),
    ("a day of one day", _business(day="1d")),
    ("reopened for ever", {"defaults": _defaults(reopen_within="99999d")}),
    ("the same warning twice", {"defaults": _defaults(warnings=["50%", "50%"])}),
    ("the same priority twice", {"priorities": ["high", "medium", "medium"]}),
    ("a timestamp as YAML has it", {"effective_from": "2026-01-01 00:00:00 -03:00"}),
]


@pytest.mark.parametrize("changes", [row[1] for row in ALLOWED], ids=[row[0] for row in ALLOWED])
def test_what_the_rules_do_not_forbid_is_taken(tmp_path: Path, changes: Any) -> None:
    warnings = load(catalog_file(tmp_path, **changes)).services["triage"].targets["medium", "response"].warnings
    assert len({warning.label for warning in warnings}) == len(warnings)


def test_without_defaults_nothing_untrue_is_said_of_them(tmp_path: Path) -> None:
    with pytest.raises(CatalogError) as refused:
        load(catalog_file(tmp_path, defaults="none"))
    assert [fault.path for fault in refused.value.faults] == ["defaults"]
