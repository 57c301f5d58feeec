"""Providers tell what became of a message; intake tells of bounces: what did not arrive moves on at once."""

from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from services.notifier.domain.message import Outcome, Result
from services.notifier.handlers.reports import hear_notices
from services.notifier.pages.callbacks import Callbacks, callback_path
from shared import clock
from shared.events import NoticeBounced, encode, new_event
from shared.kafka import Record
from tests.notifier_line import KEY, ONCALL, Line, Scripted, sla

TEXT = {"kind": "sms", "provider": "zenvia", "sender": "prazo", "token_file": "t"}
ANA = {
    "name": "Ana",
    "methods": [{"by": "text", "to": "+5562999990001"}, {"by": "mail", "to": "ana@x.example", "after": "9m"}],
}
WITH_TEXT: dict[str, Any] = {
    **ONCALL,
    "channels": {**ONCALL["channels"], "text": TEXT},
    "people": {**ONCALL["people"], "ana": ANA},
}


async def told(pool: Any) -> Line:
    """Return a line that told Ana by SMS."""
    line = Line.of(pool, WITH_TEXT, text=Scripted(Result(Outcome.ACCEPTED, provider_id="z-1")))
    await line.hear(sla("breached"))
    await line.turn()
    assert [channel for channel, _, _ in line.sent] == ["text"]
    return line


async def post(line: Line, path: str, **body: Any) -> int:
    """Post a call-back; return the status."""
    app = Starlette(routes=Callbacks(line.duty, [KEY]).routes())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as provider:
        return (await provider.post(path, **body)).status_code


def said(code: str, identity: str = "z-1") -> dict[str, Any]:
    """Return what Zenvia says."""
    return {"type": "MESSAGE_STATUS", "messageId": identity, "messageStatus": {"code": code}}


async def test_a_message_that_did_not_arrive_moves_on_at_once_and_its_report_counts_once(pool: Any) -> None:
    line = await told(pool)
    for _ in range(2):
        assert await post(line, callback_path(KEY, "text"), json=said("NOT_DELIVERED")) == 204
        await line.turn()
    assert [channel for channel, _, _ in line.sent] == ["mail", "text"]
    assert (await line.told()).count("failed") == 1


async def test_an_arrival_is_recorded_and_a_step_on_the_way_is_no_news(pool: Any) -> None:
    line = await told(pool)
    assert await post(line, callback_path(KEY, "text"), json=said("SENT")) == 204
    assert await line.told() == ["sent"]
    assert await post(line, callback_path(KEY, "text"), json=said("DELIVERED")) == 204
    assert await line.told() == ["sent", "delivered"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/callbacks/text/" + "0" * 32, {"json": said("NOT_DELIVERED")}, 404),
        (callback_path(b"x" * 32, "text"), {"json": said("NOT_DELIVERED")}, 404),
        (callback_path(KEY, "mail"), {"json": said("NOT_DELIVERED")}, 404),
        (callback_path(KEY, "text"), {"content": b"{"}, 422),
        (callback_path(KEY, "text"), {"content": b"[1]"}, 422),
        (callback_path(KEY, "text"), {"content": b"\xff=1"}, 422),
        (callback_path(KEY, "text"), {"content": b"a" * 20_000}, 413),
        (callback_path(KEY, "text"), {"json": said("NOT_DELIVERED", "of-nobody")}, 204),
    ],
)
async def test_what_is_no_report_of_ours_changes_nothing(
    pool: Any, path: str, body: dict[str, Any], status: int
) -> None:
    line = await told(pool)
    assert await post(line, path, **body) == status
    assert await line.told() == ["sent"]


async def test_a_page_that_bounced_moves_on_and_a_bounce_of_nothing_does_not(pool: Any) -> None:
    line = Line.of(pool)
    await line.hear(sla("breached"))
    await line.turn()
    (sent,) = line.channels["mail"].sent
    for notice_id in (sent.notice_id, "no-uuid", sent.notice_id):
        data = NoticeBounced(notice_id=notice_id, status="5.1.1")
        event = new_event(data, id=f"b-{notice_id}", source="prazo/intake", subject="4821", time=clock.now())
        record = Record("notices.v1", 0, 0, clock.now(), b"4821", encode(event), ())
        assert list(await hear_notices(line.duty, [record])) == []
    await line.turn()
    assert [to for _, to, _ in line.sent] == ["ana@x.example", "bob@x.example"]
    assert [n["reason"] for n in await line.notices() if n["type"] == "notice.failed"] == ["bounced"]
