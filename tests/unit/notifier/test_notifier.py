"""Alerts get louder and end; steps are laid out; links prove who got them; mails fit a phone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from services.notifier.domain.escalation import Word, plan_breach, plan_warning

from services.notifier.content import LINK, line, page_mail, subject
from services.notifier.domain.alert import Alert, Effect, Loudness, hear
from services.notifier.domain.oncall import OnCall, Person
from services.notifier.domain.token import proves, token
from services.notifier.store import Delivery
from shared.events import Event, decode_json

NOW = datetime(2026, 3, 5, 17, 5, tzinfo=UTC)
ANA = Person(name="Ana", email="ana@x.example")
ONCALL: dict[str, Any] = {
    "people": {"ana": {"name": "Ana", "email": "ana@x.example"}, "bob": {"name": "Bob", "email": "bob@x.example"}},
    "on_call": {"primary": "ana", "secondary": "bob"},
    "steps": [
        {"on": "warning 80%", "to": "primary"},
        {"on": "breached", "to": "primary"},
        {"on": "breached", "after": "10m", "to": "secondary"},
    ],
    "repeat_every": "5m",
    "repeats": 1,
}


def sla(kind: str, **more: Any) -> Event[Any]:
    """Return a clock event of the response clock of ticket 4821."""
    at = "2026-03-05T17:05:00Z"
    ticket = {"title": "t", "service": "nfe", "priority": "high", "emergency": False, "channel": "email"}
    ticket |= {"assignee": None, "coverage": "covered", "chargeable": "no", "opened_at": at}
    data = {"ticket_id": "4821", "client_id": "Acme", "metric": "response", "cycle": 1, "sequence": 1, "due_at": at}
    data |= {"target_seconds": 60, "elapsed_seconds": 60, "remaining_seconds": 0, "occurred_at": at, "detected_at": at}
    data |= {
        "detected_late": False,
        "plan": {"catalog": "c", "calendar": "b", "tzdata": "x", "engine": "1"},
        "ticket": ticket,
    }
    head = {"specversion": "1.0", "id": "1", "source": "s", "type": f"sla.{kind}", "time": at}
    subject_ = more.pop("subject", "4821")
    return decode_json({**head, "subject": subject_, "data": {**data, "ticket_id": subject_, **more}})


QUIET, WARNED, BREACHED = Alert(), Alert(Loudness.WARNED), Alert(Loudness.BREACHED)
REVISED = {"replaces": "x", "from": "breached", "cause": "late_event"}
HEARD = [
    (QUIET, "warning", {"threshold": "80%"}, WARNED, Effect.TELL_WARNING),
    (QUIET, "breached", {}, BREACHED, Effect.TELL_BREACH),
    (WARNED, "breached", {}, BREACHED, Effect.TELL_BREACH),
    (BREACHED, "breached", {}, BREACHED, Effect.NOTHING),
    (BREACHED, "warning", {"threshold": "80%"}, BREACHED, Effect.NOTHING),
    (WARNED, "met", {}, Alert(Loudness.ENDED, ended_as="met"), Effect.ALL_CLEAR),
    (BREACHED, "closed_late", {"late_seconds": 3}, Alert(Loudness.ENDED, ended_as="closedlate"), Effect.ALL_CLEAR),
    (BREACHED, "revised", {**REVISED, "to": "met"}, Alert(Loudness.ENDED, ended_as="revised_met"), Effect.ALL_CLEAR),
    (BREACHED, "revised", {**REVISED, "to": "open"}, Alert(Loudness.ENDED, ended_as="revised_open"), Effect.ALL_CLEAR),
    (Alert(Loudness.ENDED, ended_as="met"), "met", {}, Alert(Loudness.ENDED, ended_as="met"), Effect.NOTHING),
    (Alert(Loudness.ENDED, ended_as="met"), "breached", {}, BREACHED, Effect.TELL_BREACH),
    (Alert(Loudness.ENDED, ended_as="met"), "warning", {"threshold": "80%"}, WARNED, Effect.TELL_WARNING),
    (WARNED, "paused", {}, Alert(Loudness.WARNED, suspended=True), Effect.NOTHING),
    (Alert(Loudness.WARNED, suspended=True), "resumed", {}, WARNED, Effect.NOTHING),
]


@pytest.mark.parametrize(("before", "kind", "more", "after", "effect"), HEARD)
def test_an_alert_hears_clock_events(
    before: Alert, kind: str, more: dict[str, Any], after: Alert, effect: Effect
) -> None:
    assert hear(before, sla(kind, **more).data) == (after, effect)


def test_a_breach_goes_through_every_step_again_and_then_is_exhausted() -> None:
    plan = [
        (p.word.value, p.step, p.person, (p.due_at - NOW) // timedelta(minutes=1))
        for p in plan_breach(OnCall(**ONCALL), NOW)
    ]
    assert plan == [
        ("breached", 0, "ana", 0),
        ("breached", 1, "bob", 10),
        ("breached", 2, "ana", 15),
        ("breached", 3, "bob", 25),
        ("exhausted", 0, None, 30),
    ]


def test_a_warning_goes_only_to_the_steps_of_its_threshold() -> None:
    assert [p.person for p in plan_warning(OnCall(**ONCALL), "80%", NOW)] == ["ana"]
    assert list(plan_warning(OnCall(**ONCALL), "50%", NOW)) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"on_call": {"primary": "eve", "secondary": "bob"}}, "on_call.primary"),
        ({"steps": [{"on": "breached", "to": "nobody"}]}, "steps.0.to"),
        ({"steps": [{"on": "warning", "to": "primary"}]}, "nobody is told of a breach"),
        ({"repeat_every": "ten minutes"}, "a duration is"),
        ({"people": {"ana": {"name": "A", "email": "a@b\r\nBcc: c@d"}}}, "email"),
    ],
)
def test_a_wrong_oncall_file_is_refused_with_the_place(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        OnCall(**{**ONCALL, **change})
    assert said in str(refused.value)


def test_a_link_proves_one_delivery_one_person_and_one_action() -> None:
    proof = token(b"k" * 32, 7, "ana", "acknowledge")
    assert len(proof) == 32
    assert proves(b"k" * 32, proof, 7, "ana", "acknowledge")
    for other in [(8, "ana", "acknowledge"), (7, "bob", "acknowledge"), (7, "ana", "resolve")]:
        assert not proves(b"k" * 32, proof, *other)
    assert not proves(b"x" * 32, proof, 7, "ana", "acknowledge")
    assert not proves(b"k" * 32, "ü", 7, "ana", "acknowledge")


@pytest.mark.parametrize("ticket", ["4821", "x" * 200, "é\u2028\u2029 y"])
@pytest.mark.parametrize("client", ["Acme", "Uma Empresa de Nome Muito Comprido Ltda.", "a\r\nBcc: b@c", None])
def test_a_subject_is_one_line_of_at_most_60_characters(ticket: str, client: str | None) -> None:
    said = subject(Word.BREACHED, sla("breached", subject=ticket, client_id=client), ANA, NOW)
    assert len(said) <= 60
    assert said == line(said)
    assert said.endswith("- 1ª resposta venceu às 14:05 BRT")


def test_the_plain_part_is_complete_by_itself() -> None:
    event = sla("breached")
    delivery = Delivery(
        1, 1, ("4821", "response", 1), Word.BREACHED, "", 0, "ana", 1, None, False, None, event, None, NOW
    )
    content = page_mail(delivery, ANA, "Bob")
    assert LINK in content.plain.splitlines()
    for said in ("#4821", "Acme", "nfe", "14:05 BRT", "Bob"):
        assert said in content.plain
        assert said in content.html
