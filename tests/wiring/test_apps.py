"""What each service is wired to, without any server; and how the consumer treats what its handler raises."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.backup_audit.app import build as build_backup_audit
from services.backup_audit.settings import Settings as BackupAuditSettings
from services.intake.app import build as build_intake
from services.intake.settings import Settings as IntakeSettings
from services.notifier.app import build as build_notifier
from services.notifier.settings import Settings as NotifierSettings
from services.sla_timer.app import build as build_sla_timer
from services.sla_timer.settings import Settings as SlaTimerSettings
from shared.clock import from_us
from shared.config import Misconfigured
from shared.errors import Transient
from shared.kafka import DeadLetter, Record, consumer, new_broker
from shared.service import Build, Kit, ServiceSettings, main

DESK = [
    *("/desk", "/desk/login", "/desk/logout", "/desk/language", "/desk/style.css", "/desk/phone", "/desk/discarded"),
    *("/desk/tickets/{ticket_id:path}", "/desk/{rest:path}", "/"),
]
WIRED: list[tuple[str, Build, type[ServiceSettings], list[str], list[str], list[str]]] = [
    (
        "intake",
        build_intake,
        IntakeSettings,
        ["p.tickets.v1", "p.sla.v1"],
        ["reader", "replies", "calls", "retention"],
        ["/v1/events", "/v1/calls", "/v1/openapi.json", "/v1/docs", "/v1", "/v1/{rest:path}", *DESK],
    ),
    (
        "sla_timer",
        build_sla_timer,
        SlaTimerSettings,
        ["p.tickets.v1"],
        ["watch", "reassessor", "census", "ticker_1", "ticker_2"],
        [],
    ),
    (
        "notifier",
        build_notifier,
        NotifierSettings,
        ["p.sla.v1", "p.notices.v1"],
        ["opener", "lane mail", "impatience", "auditor", "calendars"],
        ["/a/{notice_no}/{proof}", "/v1/callbacks/{channel}/{proof}"],
    ),
    ("backup_audit", build_backup_audit, BackupAuditSettings, [], ["scheduler"], []),
]


def settings(kind: type[ServiceSettings], secrets: Path) -> ServiceSettings:
    """Return settings that point at nothing."""
    return kind(
        database_url="postgresql://x@127.0.0.1:1/x",
        topic_prefix="p.",
        secrets_dir=secrets,
        config_dir=Path("deploy/config"),
    )


async def kit(name: str, settings_: ServiceSettings) -> Kit:
    """Return a kit whose pool and broker are never connected."""
    pool = asyncpg.create_pool(settings_.database_url, min_size=0)
    await pool
    return Kit(name, settings_, pool, None, new_broker("127.0.0.1:1"))  # type: ignore[arg-type]  # never sends


@pytest.mark.parametrize(("name", "build", "kind", "topics", "loops", "paths"), WIRED, ids=[row[0] for row in WIRED])
async def test_a_service_is_wired_to_its_topics_loops_and_routes(
    name: str,
    build: Build,
    kind: type[ServiceSettings],
    topics: list[str],
    loops: list[str],
    paths: list[str],
    tmp_path: Path,
) -> None:
    (tmp_path / "notifier_token_key").write_text("ab" * 32)
    made = settings(kind, tmp_path)
    given = await kit(name, made)
    app = build(made, given)
    assert [consumer.topic for consumer in given.consumers] == topics
    assert {consumer.group for consumer in given.consumers} <= {f"p.prazo.{name}"}
    assert [loop.name for loop in app.loops] == loops
    assert [getattr(route, "path", "") for route in app.routes] == paths


@pytest.mark.parametrize("content", [None, "not hex", "abcd"])
async def test_notifier_refuses_to_start_without_a_good_key_and_names_the_file(
    content: str | None, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "notifier_token_key").write_text(content)
    made: Any = settings(NotifierSettings, tmp_path)
    with pytest.raises(Misconfigured, match="notifier_token_key"):
        build_notifier(made, await kit("notifier", made))


def records(count: int) -> list[Record]:
    """Return records with their offset as value."""
    return [Record("t", 0, n, from_us(0), None, str(n).encode(), ()) for n in range(count)]


async def test_a_transient_failure_is_tried_again_with_the_same_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "backoff_seconds", lambda _: 0.0)
    seen: list[int] = []

    async def handle(batch: Sequence[Record]) -> Sequence[DeadLetter]:
        seen.append(len(batch))
        if len(seen) < 4:
            raise [Transient("x"), OSError("x"), asyncpg.CannotConnectNowError("x")][len(seen) - 1]
        return ()

    assert await consumer.handle_until_done("t", handle, records(5)) == []
    assert seen == [5, 5, 5, 5]


@pytest.mark.parametrize(
    ("sources", "said"),
    [("", "  PRAZO_DATABASE_URL: Field required"), ("ops", 'error parsing value for field "exemption_sources"')],
)
def test_wrong_settings_are_named_and_end_the_process_with_2(
    sources: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["sla_timer"])
    monkeypatch.setenv("PRAZO_DATABASE_URL", "")
    monkeypatch.setenv("PRAZO_EXEMPTION_SOURCES", sources)
    with pytest.raises(SystemExit) as ended:
        main("sla_timer", "sla", SlaTimerSettings, build_sla_timer, Path())
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


async def test_an_error_of_an_unknown_kind_puts_a_record_aside_only_when_it_comes_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(consumer, "backoff_seconds", lambda _: 0.0)
    unknown = [KeyError, AttributeError] * (consumer.UNKNOWN_TRIES // 2)
    kinds = [*unknown[1:], OSError, *unknown[1:], RuntimeError]
    passing = iter([kind("x") for kind in kinds])  # one too few, one that the surroundings broke off, enough of them
    calls: list[int] = []

    async def handle(batch: Sequence[Record]) -> Sequence[DeadLetter]:
        for record in batch:
            calls.append(record.offset)
            if record.offset == 0:
                raise next(passing)
            if record.offset == 1:
                raise RuntimeError("a defect of ours")
        return ()

    once: Any = await consumer.handle_until_done("t", handle, records(2)[:1])
    assert once[0].detail == "RuntimeError"
    assert len(calls) == len(kinds)
    calls.clear()
    always: Any = await consumer.handle_until_done("t", handle, records(2)[1:])
    assert [letter.detail for letter in always] == ["RuntimeError"]
    assert len(calls) == consumer.UNKNOWN_TRIES


async def test_one_record_that_cannot_be_handled_is_found_and_put_aside_and_the_rest_goes_on() -> None:
    handled: list[int] = []

    async def handle(batch: Sequence[Record]) -> Sequence[DeadLetter]:
        if any(record.offset == 3 for record in batch):
            raise ValueError("a defect of ours")
        handled.extend(record.offset for record in batch)
        return ()

    letters: Any = await consumer.handle_until_done("t", handle, records(8))
    assert sorted(handled) == [0, 1, 2, 4, 5, 6, 7]
    assert [(letter.record.offset, letter.reason, letter.detail) for letter in letters] == [
        (3, "unprocessable", "ValueError")
    ]
