"""The sender on a real PostgreSQL: what was planned leaves, is repeated as itself, or moves on; never silently lost."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import orjson
import pytest
from httpx import ASGITransport, AsyncClient
from starlette.applications import Starlette

from services.notifier import content, store
from services.notifier.domain.oncall import OnCall
from services.notifier.handlers import Notifier, acknowledge, ingest
from services.notifier.pages import Pages
from services.notifier.sender import Sender
from services.notifier.store import Result
from services.notifier.transports.smtp import Mail, SmtpTransport
from shared import clock
from shared.events import encode
from shared.kafka import Record
from shared.postgres import create_pool
from tests.conftest import dsn_for
from tests.unit.notifier.test_notifier import ONCALL, sla


class Scripted(SmtpTransport):
    """Answers as scripted, strictly in order; keeps the Message-IDs and texts it was given."""

    def __init__(self, *results: Result) -> None:
        super().__init__("127.0.0.1:1", "prazo@x.example")
        self.results = list(results)
        self.mails: list[tuple[str, str, str]] = []

    async def send(self, mail: Mail) -> Result:
        """Take one mail."""
        self.mails.append((mail.to, str(self.message(mail)["Message-ID"]), mail.content.plain))
        return self.results.pop(0)


@pytest.fixture
async def pool(postgres: str, database: str) -> AsyncIterator[Any]:
    made = create_pool(dsn_for(postgres, "notifier_app", database), "notifier")
    await made
    yield made
    await made.close()


async def sender(pool: Any, transport: Scripted, oncall: dict[str, Any] = ONCALL) -> Sender:
    """Return a sender with one breach to tell."""
    notifier = Notifier(pool, OnCall(**oncall), "notices.v1")
    record = Record("sla.v1", 0, 0, clock.now(), b"4821", encode(sla("breached")), ())
    assert list(await ingest(notifier, [record, record])) == []
    return Sender(notifier, transport, b"k" * 32, "http://x")


async def told(pool: Any) -> list[str]:
    """Return the notices recorded, without the plans."""
    types = [orjson.loads(row["body"])["type"] for row in await pool.fetch("SELECT body FROM outbox ORDER BY id")]
    return [name for name in types if name != "notice.planned"]


async def soon(pool: Any) -> None:
    """Let whatever is to be retried, or in flight, be due now."""
    await pool.execute(
        "UPDATE delivery SET next_at = statement_timestamp() WHERE state = 'sending' OR (state = 'planned' AND attempt > 0)"
    )


async def test_a_page_is_sent_once_however_often_its_event_comes_and_the_sender_turns(pool: Any) -> None:
    made = await sender(pool, Scripted(Result("accepted", provider_id="q1")))
    for _ in range(3):
        await made.turn()
    assert await told(pool) == ["notice.sent"]


async def test_an_unknown_outcome_is_repeated_as_the_very_same_message(pool: Any) -> None:
    transport = Scripted(Result("unknown", "lost", retry_in=timedelta(seconds=2)), Result("accepted"))
    made = await sender(pool, transport)
    await made.turn()
    await soon(pool)
    await made.turn()
    assert transport.mails[0] == transport.mails[1]
    assert await told(pool) == ["notice.unknown", "notice.sent"]


async def test_a_sender_that_died_in_the_act_is_an_unknown_outcome_and_its_late_result_says_nothing(pool: Any) -> None:
    made = await sender(pool, Scripted(Result("accepted")))
    (dead,) = await made._claim()
    await soon(pool)
    await made.turn()
    async with pool.acquire() as connection:
        assert await store.settle(connection, dead, Result("failed_permanent")) is False
    assert await told(pool) == ["notice.unknown", "notice.sent"]


async def test_a_permanent_failure_moves_on_to_the_next_person_at_once(pool: Any) -> None:
    transport = Scripted(Result("failed_permanent", "smtp_550"), Result("accepted"))
    made = await sender(pool, transport)
    await made.turn()
    await made.turn()
    assert [to for to, _, _ in transport.mails] == ["ana@x.example", "bob@x.example"]
    assert await told(pool) == ["notice.failed", "notice.escalated", "notice.sent"]


async def test_a_person_who_left_the_configuration_is_passed_over(pool: Any) -> None:
    transport = Scripted(Result("accepted"))
    made = await sender(pool, transport)
    steps = [{"on": "breached", "to": "bob"}]
    without = {**ONCALL, "people": {"bob": ONCALL["people"]["bob"]}, "policies": {"all": {"steps": steps}}}
    changed = Sender(Notifier(pool, OnCall(**without), "notices.v1"), transport, b"k" * 32, "http://x")
    await changed.turn()
    await changed.turn()
    assert [to for to, _, _ in transport.mails] == ["bob@x.example"]
    assert made.notifier.oncall.people.keys() == {"ana", "bob"}


async def test_a_broken_template_loses_no_page(pool: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> str:
        raise KeyError("undefined")

    monkeypatch.setattr(content, "render", broken)
    transport = Scripted(Result("accepted"))
    await (await sender(pool, transport)).turn()
    ((_, _, plain),) = transport.mails
    assert "#4821" in plain
    assert "http://x/a/" in plain


class Raises(Scripted):
    """A transport with a defect."""

    async def send(self, mail: Mail) -> Result:
        """Raise."""
        self.mails.append((mail.to, "", ""))
        raise LookupError("a defect")


def heard(kind: str, sequence: int, **more: Any) -> Record:
    """Return a record of sla.v1."""
    return Record("sla.v1", 0, 0, clock.now(), b"4821", encode(sla(kind, sequence=sequence, **more)), ())


async def test_a_transport_that_raises_is_an_unknown_outcome_and_is_tried_again(pool: Any) -> None:
    made = await sender(pool, Raises())
    await made.turn()
    assert await told(pool) == ["notice.unknown"]
    assert await pool.fetchval("SELECT count(*) FROM delivery WHERE state = 'sending'") == 0


async def test_a_refused_round_leaves_the_repetitions_their_time(pool: Any) -> None:
    transport = Scripted(*[Result("failed_permanent", "smtp_554")] * 10)
    made = await sender(pool, transport)
    for _ in range(10):
        await made.turn()
    assert [to for to, _, _ in transport.mails] == ["ana@x.example", "bob@x.example"]
    assert await pool.fetchval("SELECT count(*) FROM delivery WHERE state = 'planned' AND word = 'breached'") == 2


async def test_an_event_in_binary_mode_is_told_like_any_other(pool: Any) -> None:
    whole = orjson.loads(encode(sla("breached")))
    data = orjson.dumps(whole.pop("data"))
    headers = tuple((f"ce_{name}", str(value).encode()) for name, value in whole.items())
    notifier = Notifier(pool, OnCall(**ONCALL), "notices.v1")
    assert list(await ingest(notifier, [Record("sla.v1", 0, 0, clock.now(), b"4821", data, headers)])) == []
    await Sender(notifier, Scripted(Result("accepted")), b"k" * 32, "http://x").turn()
    assert await told(pool) == ["notice.sent"]


async def test_an_event_that_cannot_be_read_any_more_is_told_in_plain_words_and_can_be_taken(pool: Any) -> None:
    transport = Scripted(Result("accepted"), Result("accepted"))
    made = await sender(pool, transport)
    await pool.execute("UPDATE alert SET event = $1", orjson.dumps({"ticket_id": "4821"}))  # binary mode, headers lost
    another = Record("sla.v1", 0, 1, clock.now(), b"4822", encode(sla("breached", subject="4822")), ())
    await ingest(made.notifier, [another])
    await made.turn()
    assert sorted("4821" in plain for _, _, plain in transport.mails) == [False, True]
    pages = Starlette(routes=Pages(made.notifier, made.key).routes())
    (text,) = (plain for _, _, plain in transport.mails if "4821" in plain)
    link = next(word for word in text.split() if word.startswith("http://x/a/"))
    async with AsyncClient(transport=ASGITransport(pages), base_url="http://x", follow_redirects=True) as phone:
        seen = [await phone.get(link), await phone.post(link)]
    assert [(page.status_code, "#4821" in page.text, "<button" in page.text) for page in seen] == [
        (200, True, True),
        (200, True, False),
    ]


async def test_a_delivery_that_cannot_be_built_moves_on_to_the_next_person(pool: Any) -> None:
    transport = Scripted(Result("accepted"))
    made = await sender(pool, transport)
    await pool.execute("UPDATE delivery SET content = 'another version' WHERE step = 0 AND word = 'breached'")
    await made.turn()
    await made.turn()
    assert [to for to, _, _ in transport.mails] == ["bob@x.example"]
    failed = await pool.fetch("SELECT person, reason FROM delivery WHERE state = 'failed'")
    assert [tuple(row) for row in failed] == [("ana", "unreadable")]


async def test_who_took_a_warning_is_woken_by_the_breach(pool: Any) -> None:
    notifier = Notifier(pool, OnCall(**ONCALL), "notices.v1")
    transport = Scripted(Result("accepted"), Result("accepted"))
    made = Sender(notifier, transport, b"k" * 32, "http://x")
    await ingest(notifier, [heard("warning", 1, threshold="80%")])
    await made.turn()
    shown = await store.queries.shown(pool, delivery_id=await pool.fetchval("SELECT delivery_id FROM delivery"))
    await acknowledge(notifier, shown)
    await ingest(notifier, [heard("breached", 2)])
    await made.turn()
    assert await told(pool) == ["notice.sent", "notice.acknowledged", "notice.sent"]


REOPENED: dict[str, Any] = {"replaces": "x", "from": "met", "to": "open", "cause": "reopened"}


@pytest.mark.parametrize(
    ("before", "told_before"), [([], []), ([("warning", {"threshold": "80%"})], ["warning"])], ids=["quiet", "warned"]
)
async def test_a_warning_after_a_reopening_is_told_anew(
    pool: Any, before: list[tuple[str, dict[str, Any]]], told_before: list[str]
) -> None:
    notifier = Notifier(pool, OnCall(**ONCALL), "notices.v1")
    made = Sender(notifier, Scripted(*[Result("accepted")] * 3), b"k" * 32, "http://x")
    events = [*before, ("met", {}), ("revised", REOPENED), ("warning", {"threshold": "80%"})]
    for sequence, (kind, more) in enumerate(events, 1):
        await ingest(notifier, [heard(kind, sequence, **more)])
        await made.turn()
    words = await pool.fetch("SELECT word, telling FROM delivery WHERE state = 'accepted' ORDER BY delivery_id")
    clear = [("all_clear", 0)] * len(told_before)
    assert [tuple(row) for row in words] == [*((word, 0) for word in told_before), *clear, ("warning", 1)]


async def test_an_all_clear_does_not_leave_after_the_next_breach(pool: Any) -> None:
    notifier = Notifier(pool, OnCall(**ONCALL), "notices.v1")
    transport = Scripted(Result("accepted"), Result("accepted"))
    made = Sender(notifier, transport, b"k" * 32, "http://x")
    await ingest(notifier, [heard("breached", 1)])
    await made.turn()
    revised = {"replaces": "x", "from": "breached", "to": "open", "cause": "late_event"}
    await ingest(notifier, [heard("revised", 2, **revised), heard("breached", 3)])
    await made.turn()
    assert [plain.count("#4821") > 0 for _, _, plain in transport.mails] == [True, True]
    words = await pool.fetch("SELECT word, state, reason FROM delivery WHERE word = 'all_clear'")
    assert [tuple(row) for row in words] == [("all_clear", "suppressed", "overtaken")]


async def test_an_overtaken_all_clear_is_made_good_by_the_next_end(pool: Any) -> None:
    notifier = Notifier(pool, OnCall(**ONCALL), "notices.v1")
    made = Sender(notifier, Scripted(Result("accepted"), Result("accepted")), b"k" * 32, "http://x")
    await ingest(notifier, [heard("breached", 1)])
    await made.turn()
    reopened = REOPENED | {"from": "breached"}
    await ingest(notifier, [heard("revised", 2, **reopened), heard("breached", 3), heard("met", 4)])
    await made.turn()
    words = await pool.fetch("SELECT telling, person, state FROM delivery WHERE word = 'all_clear' ORDER BY telling")
    assert [tuple(row) for row in words] == [(0, "ana", "suppressed"), (1, "ana", "accepted")]
    await ingest(notifier, [heard("revised", 5, **reopened), heard("breached", 6), heard("met", 7)])
    assert await pool.fetchval("SELECT count(*) FROM delivery WHERE word = 'all_clear'") == 2  # she knows already
