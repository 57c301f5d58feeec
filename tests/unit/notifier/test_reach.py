"""Whom a target means, how each is reached and when, which policy an alert has, what maintenance covers."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.notifier.domain.oncall import OnCall
from services.notifier.domain.reach import Facts, MethodAt, in_maintenance, methods_of, people_of, policy_of
from tests.unit.notifier.oncall_files import call, file_of, mail

MONDAY = datetime(2026, 3, 2, 15, tzinfo=UTC)  # noon in Brasília; ana's week
NIGHT = datetime(2026, 3, 3, 6, tzinfo=UTC)  # 03:00
HOURS = [{"days": "mon-fri", "from": "07:00", "to": "22:00"}]


@pytest.mark.parametrize(
    ("target", "named", "people"),
    [
        ("ana", {}, ("ana",)),
        ("primary", {}, ("ana",)),
        ("desk", {}, ("ana", "eve")),
        ("manager", {}, ("eve",)),
        ("assignee", {"assignee": "bob"}, ("bob",)),
        ("assignee", {"assignee": "a-1"}, ("ana",)),
        ("assignee", {"assignee": "desk"}, ("ana", "eve")),
        ("assignee", {"assignee": "stranger"}, ()),
        ("assignee", {"assignee": "manager"}, ()),
        ("assignee", {}, ()),
        ("account_manager", {"account_manager": "eve", "assignee": "bob"}, ("eve",)),
    ],
)
def test_a_target_means_people_at_an_instant(target: str, named: dict[str, str], people: tuple[str, ...]) -> None:
    assert people_of(OnCall(**file_of()), target, MONDAY, **named) == people


def test_a_person_whom_two_targets_mean_is_told_once_and_nobody_on_duty_is_nobody() -> None:
    oncall = OnCall(**file_of(teams={"desk": ["primary", "ana", "eve"]}))
    assert people_of(oncall, "desk", MONDAY) == ("ana", "eve")
    assert people_of(oncall, "primary", datetime(2017, 1, 1, tzinfo=UTC)) == ()


def oncall_of(own: Sequence[str] = (), **more: Any) -> OnCall:
    """Return a file whose ana has mail, SMS two minutes later and voice; ``more`` of her, and ``own`` holidays."""
    methods = [mail("ana"), call("sms", 1, "2m"), call("phone", 1)]
    people = {**file_of()["people"], "ana": {"name": "Ana", "methods": methods, "hours": HOURS, **more}}
    return OnCall(**file_of(people=people, holidays={"own": {"days": own}}))


def due(oncall: OnCall, at: datetime, emergency: bool = False, *by: str) -> list[tuple[str, datetime]]:
    """Return the channels of ana with their instants."""
    return [(one.channel, one.due_at) for one in methods_of(oncall, "ana", at, emergency, by)]


def test_within_hours_each_method_is_due_after_its_own_wait() -> None:
    wait = MONDAY + timedelta(minutes=2)
    assert due(oncall_of(), MONDAY) == [("mail", MONDAY), ("sms", wait), ("phone", MONDAY)]
    assert methods_of(oncall_of(), "ana", MONDAY, False)[1] == MethodAt(1, "sms", "+5562999990001", wait)


def test_in_quiet_hours_mail_goes_at_once_and_what_is_loud_waits_for_the_opening() -> None:
    opening = datetime(2026, 3, 3, 10, tzinfo=UTC)
    assert due(oncall_of(), NIGHT) == [("mail", NIGHT), ("sms", opening), ("phone", opening)]


def test_an_emergency_wakes_at_any_hour() -> None:
    assert due(oncall_of(), NIGHT, True) == due(oncall_of(hours=[]), NIGHT)
    assert [at for _, at in due(oncall_of(), NIGHT, True)] == [NIGHT, NIGHT + timedelta(minutes=2), NIGHT]


def test_a_wait_that_leads_out_of_hours_leads_to_the_next_opening_over_a_weekend_and_a_holiday() -> None:
    friday = datetime(2026, 3, 7, 0, 59, tzinfo=UTC)  # 21:59
    assert due(oncall_of(), friday, False, "sms") == [("sms", datetime(2026, 3, 9, 10, tzinfo=UTC))]
    made = oncall_of(["2026-03-09"], holidays="own")
    assert due(made, friday, False, "sms") == [("sms", datetime(2026, 3, 10, 10, tzinfo=UTC))]


def test_a_step_leaves_the_channels_that_it_names_by_name_or_kind() -> None:
    assert [name for name, _ in due(oncall_of(), MONDAY, False, "voice", "mail")] == ["mail", "phone"]
    assert due(oncall_of(), MONDAY, False, "pagerduty") == []
    assert methods_of(oncall_of(), "stranger", MONDAY, False) == ()


def test_hours_that_open_next_year_or_where_the_clock_jumps_are_found() -> None:
    days = [f"{datetime(2026, 1, 1) + timedelta(days=i):%Y-%m-%d}" for i in range(365)]
    oncall = oncall_of(days, hours=[{"days": "mon", "from": "09:00", "to": "10:00"}], holidays="own")
    assert due(oncall, MONDAY, False, "phone") == [("phone", datetime(2027, 1, 4, 12, tzinfo=UTC))]
    jump = oncall_of(hours=[{"days": "sun", "from": "02:10", "to": "02:20"}], zone="America/New_York")
    assert due(jump, datetime(2026, 3, 8, 6, tzinfo=UTC), False, "phone")[0][1] == datetime(
        2026, 3, 8, 7, 10, tzinfo=UTC
    )


RULES: list[dict[str, Any]] = [
    {"emergency": True, "policy": "urgent"},
    {"services": ["nfe"], "priorities": ["high"], "metrics": ["response"], "policy": "nfe"},
    {"clients": ["acme"], "channels": ["phone"], "policy": "acme"},
    {"policy": "all"},
]
FACTS = Facts("nfe", "high", "acme", "response", "phone", False)


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"emergency": True}, "urgent"),
        ({}, "nfe"),
        ({"metric": "action"}, "acme"),
        ({"priority": "low"}, "acme"),
        ({"service": "cte", "channel": "email"}, "all"),
        ({"service": "cte", "client": None}, "all"),
    ],
)
def test_the_first_rule_whose_conditions_all_hold_chooses_the_policy(changed: dict[str, Any], name: str) -> None:
    policies = {rule["policy"]: {"steps": [{"on": "breached", "to": "ana"}]} for rule in RULES}
    oncall = OnCall(**file_of(policies=policies, choose=RULES))
    facts = Facts(**{name: getattr(FACTS, name) for name in FACTS.__slots__} | changed)
    assert policy_of(oncall, facts) == (name, oncall.policies[name])


@pytest.mark.parametrize(
    ("client", "service", "at", "found"),
    [
        ("acme", "nfe", "2026-03-02T00:00:00Z", "both"),
        ("acme", "nfe", "2026-03-01T23:59:59Z", None),
        ("acme", "nfe", "2026-03-03T00:00:00Z", None),
        ("acme", "cte", "2026-03-02T00:00:00Z", None),
        ("other", "nfe", "2026-03-02T00:00:00Z", None),
        (None, "saas", "2026-03-02T00:00:00Z", "saas"),
        (None, "any", "2026-03-05T00:00:00Z", "everything"),
    ],
)
def test_maintenance_covers_its_clients_and_services_from_its_start_to_before_its_end(
    client: str | None, service: str, at: str, found: str | None
) -> None:
    day = {"from": "2026-03-02T00:00:00Z", "to": "2026-03-03T00:00:00Z", "owner": "ana"}
    windows = [
        {**day, "reason": "both", "services": ["nfe"], "clients": ["acme"]},
        {**day, "reason": "saas", "services": ["saas"]},
        {**day, "reason": "everything", "from": "2026-03-05T00:00:00Z", "to": "2026-03-06T00:00:00Z"},
    ]
    window = in_maintenance(OnCall(**file_of(maintenance=windows)), client, service, datetime.fromisoformat(at))
    assert (None if window is None else window.reason) == found
