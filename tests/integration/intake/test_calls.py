"""Calls on a real PostgreSQL: what each does to tickets, once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from services.intake.domain.calls import CallId
from services.intake.domain.phone import Phone
from services.intake.handlers.call_form import FormCall, record_form_call
from services.intake.store import queries
from services.intake.store.calls import calls_to_complete
from tests.integration.intake.phone import NUMBER, OTHER, Line, call_desk

DAY = datetime(2026, 3, 5, 13, tzinfo=UTC)  # Thursday, 10:00 in Brasília
NIGHT = datetime(2026, 3, 6, 1, tzinfo=UTC)  # Thursday, 22:00
MINUTE = timedelta(minutes=1)


async def test_a_missed_call_opens_a_ticket_whose_clock_starts_in_the_queue(pool: Any) -> None:
    line = Line(pool)
    await line.miss("1", NIGHT)
    ((name, data),) = await line.events()
    assert name == "ticket.opened"
    assert data["service"] == "emergency-line"
    assert data["title"] == "Ligação perdida no plantão"
    assert (data["channel"], data["client_id"], data["sender_verified"]) == ("phone", "acme", False)
    assert data["protocol"] == data["ticket_id"]
    assert "caller ID" in data["coverage_reason"]
    event = orjson.loads(await pool.fetchval("SELECT body FROM outbox"))
    assert datetime.fromisoformat(event["time"]) == NIGHT
    assert str(await pool.fetchval("SELECT contact_ref FROM contact_number")) == data["contact_ref"]


async def test_in_business_hours_it_is_a_call_back(pool: Any) -> None:
    line = Line(pool)
    await line.miss("1", DAY)
    assert [data["service"] for _, data in await line.events()] == ["callback"]


async def test_an_unidentified_caller_is_a_contact_each_time(pool: Any) -> None:
    line = Line(pool)
    for n in range(3):
        await line.miss(str(n), NIGHT + n * MINUTE, number="anonymous")
    assert await line.types() == ["ticket.opened"] * 3


async def test_repetitions_and_late_words_open_nothing_more_and_a_late_answer_answers(pool: Any) -> None:
    line = Line(pool)
    for _ in range(2):
        await line.miss("1", NIGHT)
    await line.say("1", "left", NIGHT + 39 * timedelta(seconds=1))
    await line.say("1", "answered", NIGHT + 20 * timedelta(seconds=1), agent="101")
    await line.say("1", "answered", NIGHT + 21 * timedelta(seconds=1), agent="101")
    for n in range(2, 5):
        await line.decide(NIGHT + n * MINUTE)
    opened, answered = await line.events()
    assert (opened[0], answered[0]) == ("ticket.opened", "ticket.responded")
    assert answered[1] == {"ticket_id": opened[1]["ticket_id"], "by": "ana"}


async def test_calls_of_one_number_or_client_join_within_30_minutes(pool: Any) -> None:
    line = Line(pool)
    await line.miss("1", NIGHT)
    await line.miss("2", NIGHT + 20 * MINUTE)
    await line.miss("3", NIGHT + 45 * MINUTE, number="62933334444")  # the client's other number
    assert await line.types() == ["ticket.opened"]
    assert len({row["ticket_id"] for row in await pool.fetch("SELECT ticket_id FROM call")}) == 1
    await line.miss("4", NIGHT + 20 * MINUTE, number=OTHER)
    await line.miss("5", NIGHT + 90 * MINUTE)
    assert await line.types() == ["ticket.opened"] * 3


async def test_misdials_and_blocked_numbers_are_recorded_and_open_nothing(pool: Any) -> None:
    line = Line(pool, call_desk(pool, Phone(blocked=frozenset({"+5511911112222"}))))
    await line.say("1", "started", NIGHT, number=NUMBER)
    await line.say("1", "ended", NIGHT + timedelta(seconds=5))
    await line.miss("2", NIGHT, number="011911112222")
    assert await line.types() == []
    assert await line.decisions() == ["misdial", "blocked"]
    await line.say("1", "left", NIGHT + timedelta(seconds=1), cause="no_agent")  # late: it was none
    await line.decide(NIGHT + MINUTE)
    assert await line.types() == ["ticket.opened"]


async def test_an_answered_call_in_the_window_is_a_ticket_that_is_responded(pool: Any) -> None:
    line = Line(pool)
    await line.take("1", NIGHT)
    opened, taken = await line.events()
    assert (opened[0], opened[1]["responded"], opened[1]["service"]) == ("ticket.opened", True, "emergency-line")
    assert taken == ("ticket.assigned", {"ticket_id": opened[1]["ticket_id"], "assignee": "ana"})


async def test_an_answered_call_in_business_hours_waits_for_its_form(pool: Any) -> None:
    line = Line(pool)
    await line.take("1", DAY)
    assert await line.types() == []
    (waiting,) = await calls_to_complete(pool, DAY - MINUTE)
    assert (waiting.call, waiting.client_id, waiting.agent) == (CallId("matriz", "1"), "acme", "ana")
    ticket = await record_form_call(line.desk, form(call=waiting.call))
    opened, taken = await line.events()
    assert (opened[1]["responded"], opened[1]["title"]) == (True, "NF-e parada [telefone]")
    assert (opened[1]["ticket_id"], taken[0]) == (ticket, "ticket.assigned")
    assert await calls_to_complete(pool, DAY - MINUTE) == []


def form(form_id: str = "f1", call: CallId | None = None) -> FormCall:
    """Return a filled form."""
    return FormCall(form_id, NUMBER, "acme", "nfe-emission", "NF-e parada 62 98888-7777", "ana", DAY + MINUTE, call)


async def test_a_form_completes_the_ticket_of_its_call_once(pool: Any) -> None:
    line = Line(pool)
    await line.take("1", NIGHT)
    tickets = {await record_form_call(line.desk, form(call=CallId("matriz", "1"))) for _ in range(3)}
    events = await line.events()
    assert [name for name, _ in events][2:] == ["ticket.reclassified", "ticket.assigned"]
    assert events[2][1]["service"] == "nfe-emission"
    assert tickets == {events[0][1]["ticket_id"]}


async def test_an_answered_call_in_the_window_can_be_chosen_in_the_form_and_what_it_is_called_is_kept(
    pool: Any,
) -> None:
    line = Line(pool)
    await line.take("1", NIGHT)
    ((_, opened), _) = await line.events()
    (waiting,) = await calls_to_complete(pool, NIGHT - MINUTE)
    assert (waiting.call, waiting.ticket_id) == (CallId("matriz", "1"), opened["ticket_id"])
    await record_form_call(line.desk, form(call=waiting.call))
    assert (await line.events())[2][1]["why"] == "formulário do telefone: NF-e parada [telefone]"
    assert await calls_to_complete(pool, NIGHT - MINUTE) == []


async def test_a_form_for_an_answered_call_keeps_the_number_that_the_exchange_said(pool: Any) -> None:
    line = Line(pool)
    await line.take("1", DAY)
    await record_form_call(line.desk, replace(form(call=CallId("matriz", "1")), number=""))
    ((_, opened), _) = await line.events()
    assert opened["contact_ref"] == str(await pool.fetchval("SELECT contact_ref FROM contact_number"))


async def test_a_form_alone_is_an_answered_call_with_its_number(pool: Any) -> None:
    ticket = await record_form_call(call_desk(pool), form())
    (row,) = [tuple(r) async for r in queries.calls_of_ticket(pool, ticket_id=ticket, at_most=9)]
    assert row[2:] == (DAY + MINUTE, "+5562988887777", "answered", "ana")
    assert [tuple(r) for r in await pool.fetch("SELECT DISTINCT decision, pbx FROM call")] == [("answered", "form")]


async def test_a_form_that_is_filled_in_otherwise_after_going_back_is_not_lost(pool: Any) -> None:
    line = Line(pool)
    first = await record_form_call(line.desk, form())
    other = await record_form_call(line.desk, replace(form(), title="Outra ligação"))
    assert first != other


async def test_a_form_that_is_faster_than_the_decision_leaves_one_ticket(pool: Any) -> None:
    line = Line(pool)
    await line.say("1", "started", NIGHT, number=NUMBER)
    await line.say("1", "answered", NIGHT + timedelta(seconds=5), agent="101")
    await record_form_call(line.desk, form(call=CallId("matriz", "1")))
    await line.decide(NIGHT + MINUTE)
    assert await line.types() == ["ticket.opened", "ticket.assigned"]
    assert await pool.fetchval("SELECT decision FROM call WHERE pbx = 'matriz'") == "answered"


async def test_a_form_without_a_call_opens_its_ticket_once(pool: Any) -> None:
    line = Line(pool)
    assert len({await record_form_call(line.desk, form()) for _ in range(2)}) == 1
    assert await line.types() == ["ticket.opened", "ticket.assigned"]


async def test_a_call_back_that_was_taken_answers_the_missed_call(pool: Any) -> None:
    line = Line(pool)
    await line.miss("1", DAY)
    await line.say("2", "outgoing", DAY + 5 * MINUTE, number="0156288887777", agent="101")
    await line.decide(DAY + 6 * MINUTE)
    assert await line.types() == ["ticket.opened"]
    await line.say("2", "answered", DAY + 5 * MINUTE + timedelta(seconds=9))
    await line.decide(DAY + 7 * MINUTE)
    opened, answered = await line.events()
    assert answered == ("ticket.responded", {"ticket_id": opened[1]["ticket_id"], "by": "ana"})


async def test_a_call_after_the_call_back_opens_its_own_ticket_also_before_kafka_tells_of_the_answer(pool: Any) -> None:
    line = Line(pool)
    await line.miss("1", DAY)
    await line.say("2", "outgoing", DAY + 5 * MINUTE, number=NUMBER, agent="101")
    await line.say("2", "answered", DAY + 6 * MINUTE)
    await line.decide(DAY + 7 * MINUTE)
    await line.miss("3", DAY + 10 * MINUTE)
    assert await line.types() == ["ticket.opened", "ticket.responded", "ticket.opened"]


async def mail_ticket(pool: Any, *, responded: bool = False, service: str = "nfe-emission") -> None:
    """Open a ticket of the client, by mail, in business hours."""
    await pool.execute(
        "INSERT INTO ticket (ticket_id, opened_at, channel, service, title, client_id, responded_at)"
        " VALUES ('B1', $1, 'email', $2, 't', 'acme', $3)",
        DAY,
        service,
        DAY if responded else None,
    )


@pytest.mark.parametrize(("responded", "types"), [(False, []), (True, ["ticket.opened"])])
async def test_a_missed_call_in_the_window_makes_the_business_ticket_an_emergency(
    pool: Any, responded: bool, types: list[str]
) -> None:
    line = Line(pool)
    await mail_ticket(pool, responded=responded)
    await line.miss("1", NIGHT)
    events = await line.events()
    assert [name for name, _ in events] == [*types, "ticket.reclassified"]
    assert (events[-1][1]["ticket_id"], events[-1][1]["emergency"]) == ("B1", True)


async def test_a_call_with_a_protocol_number_is_about_that_ticket_and_its_answer_counts(pool: Any) -> None:
    line = Line(pool)
    await mail_ticket(pool)
    await line.take("1", NIGHT, number="anonymous", protocol="B1")
    assert await line.types() == ["ticket.reclassified", "ticket.responded"]


async def test_who_speaks_with_a_caller_who_gave_a_protocol_number_answers_that_ticket_also_by_day(pool: Any) -> None:
    line = Line(pool)
    await mail_ticket(pool)
    await line.take("1", DAY + MINUTE, number=OTHER, protocol="B1")
    assert await line.events() == [("ticket.responded", {"ticket_id": "B1", "by": "ana"})]


async def test_a_protocol_number_typed_on_a_keypad_is_that_ticket(pool: Any) -> None:
    line = Line(pool)
    await line.miss("1", DAY)
    ((_, opened),) = await line.events()
    await line.take("2", DAY + 5 * MINUTE, number=OTHER, protocol=opened["ticket_id"].replace("-", ""))
    assert await pool.fetchval("SELECT ticket_id FROM call WHERE call_id = '2'") == opened["ticket_id"]


async def test_a_service_without_emergency_stays_and_the_call_opens_its_own(pool: Any) -> None:
    line = Line(pool)
    await mail_ticket(pool, service="question")
    await line.miss("1", NIGHT)
    assert await line.types() == ["ticket.opened"]


async def test_a_call_back_that_was_asked_for_becomes_an_emergency_at_night(pool: Any) -> None:
    line = Line(pool)
    await line.miss("1", DAY)
    await line.miss("2", NIGHT)
    opened, changed = await line.events()
    assert changed[0] == "ticket.reclassified"
    assert (changed[1]["service"], changed[1]["emergency"]) == ("emergency-line", True)
    assert changed[1]["ticket_id"] == opened[1]["ticket_id"]


async def test_an_open_call_without_an_end_is_missed_after_its_hours(pool: Any) -> None:
    line = Line(pool)
    await line.say("1", "started", NIGHT, number=NUMBER)
    await line.decide(NIGHT + timedelta(hours=3, minutes=59))
    assert await line.types() == []
    await line.decide(NIGHT + timedelta(hours=4))
    assert await line.types() == ["ticket.opened"]
