"""What ``explain`` says: sums that add up for every journal, the formula it quotes is the one that counts, both languages."""

import json
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.sla_timer.commands import command
from services.sla_timer.commands.explain import text
from services.sla_timer.commands.sums import amounts, structured, sums
from services.sla_timer.commands.tell import spoken
from services.sla_timer.commands.words import LANGUAGES, TEXTS
from services.sla_timer.domain.assess import assess
from services.sla_timer.domain.happening import Breached, Changed, Rule
from services.sla_timer.domain.journal import Fact, history
from services.sla_timer.domain.story import Counted, Story, Subtracted, stories
from shared.catalog import Catalogs, load
from tests.builders import us
from tests.unit.sla_timer.desk import WAITING, Said, catalog, journal, opened
from tests.unit.sla_timer.table_changes import CHANGES, EMERGENCIES
from tests.unit.sla_timer.table_life import LIFE
from tests.unit.sla_timer.table_pauses import PAUSES
from tests.unit.sla_timer.test_properties import CHANGING, PLAIN, journals

ONCE = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
TABLE = [*PAUSES, *LIFE, *CHANGES, *EMERGENCIES]


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Catalogs:
    return Catalogs([load(catalog(tmp_path_factory.mktemp("catalog")))])


@pytest.fixture(scope="module")
def two_versions(tmp_path_factory: pytest.TempPathFactory) -> Catalogs:
    folder = tmp_path_factory.mktemp("catalogs")
    changes: dict[str, Any] = {"services__triage__targets__high": {"response": "1h", "action": "5h"}}
    later = catalog(folder, "t2", "2026-03-06 12:00", applies_to="open", services__update__scheduling="none", **changes)
    later.write_text(later.read_text().replace("    schedule_within: 2bd\n", ""))
    return Catalogs([load(catalog(folder)), load(later)])


def told(facts: list[Fact], catalogs: Catalogs, at_us: int) -> list[Story]:
    """Return the stories at an instant."""
    found = history(fact for fact in facts if fact.at_us <= at_us)
    return list(stories(assess(found, catalogs, at_us, breaching=True), catalogs, at_us)) if found else []


def check(story: Story, at_us: int) -> None:
    """Every sum of a story adds up, in microseconds and in the seconds that are printed, and it is in order."""
    clock, totals, printed = story.clock, story.totals, sums(story)
    counted = [line for line in story.lines if isinstance(line, Counted)]
    assert sum(line.open_us for line in counted) == totals.counted_us == clock.elapsed_us(story.upto_us)
    assert totals.target_us + totals.adjustment_us - totals.counted_us == totals.remaining_us
    assert totals.remaining_us == clock.remaining_us(story.upto_us)
    assert sum(s for line, s in amounts(story) if isinstance(line, Counted)) == printed.counted
    assert sum(s for line, s in amounts(story) if isinstance(line, Subtracted)) == printed.paused
    assert printed.target + printed.adjustment - printed.counted == printed.remaining
    if clock.breached_us is not None:
        assert -totals.remaining_us == clock.late_us(story.upto_us)
        assert sum(line.open_us for line in counted if line.late) == -totals.remaining_us
    assert [line.at_us for line in story.lines] == sorted(line.at_us for line in story.lines)
    breaches = [line.at_us for line in story.lines if isinstance(line, Breached)]
    assert breaches == ([] if clock.breached_us is None else [clock.breached_us])


@ONCE
@given(facts=journals(CHANGING), minutes=st.integers(0, 8 * 24 * 60))
def test_sums_add_up_whatever_happened(two_versions: Catalogs, facts: list[Fact], minutes: int) -> None:
    at_us = us("2026-03-05 08:00") + minutes * 60_000_000 + 123_457
    for story in told(facts, two_versions, at_us):
        check(story, at_us)
        json.dumps(structured(story))


@ONCE
@given(facts=journals(PLAIN), minutes=st.integers(0, 8 * 24 * 60))
def test_without_a_change_the_target_is_what_is_allowed(versions: Catalogs, facts: list[Fact], minutes: int) -> None:
    for story in told(facts, versions, us("2026-03-05 08:00") + minutes * 60_000_000):
        assert story.totals.adjustment_us == 0


@ONCE
@given(facts=journals(CHANGING))
def test_the_formula_that_is_quoted_gives_the_due_date(versions: Catalogs, facts: list[Fact]) -> None:
    lines = [line for story in told(facts, versions, us("2026-03-13 08:00")) for line in story.lines]
    for line in lines:
        if isinstance(line, Changed) and line.target_due_us is not None and line.grace_due_us is not None:
            later = max(line.target_due_us, line.grace_due_us)
            wanted = {
                Rule.UPGRADE: min(line.old_due_us or later, later),
                Rule.NEW_TARGET: line.target_due_us,
                Rule.BEGINS: later,
            }
            assert line.new_due_us == wanted[line.rule], line


@pytest.mark.parametrize(("case", "said", "at", "wanted"), TABLE, ids=[row[0] for row in TABLE])
def test_every_row_of_the_tables_can_be_explained(
    versions: Catalogs, case: str, said: list[Said], at: str, wanted: object
) -> None:
    at_us, facts = us(at if at[:2] == "20" else f"2026-{at}"), list(journal(*said))
    found = history(fact for fact in facts if fact.at_us <= at_us)
    assert found is not None
    assessment = assess(found, versions, at_us, breaching=True)
    made = list(stories(assessment, versions, at_us))
    for story in made:
        check(story, at_us)
    for language in LANGUAGES:
        assert all(line.isprintable() for line in text("T1", assessment, made, language, at_us))


def test_both_languages_have_the_same_keys_and_the_same_names_in_them() -> None:
    assert set(TEXTS) == set(LANGUAGES)
    named = [
        {key: {name for _, name, _, _ in string.Formatter().parse(value) if name} for key, value in texts.items()}
        for texts in TEXTS.values()
    ]
    assert named[0] == named[1]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0min"), (59, "59s"), (3600, "1h"), (5405, "1h 30min 5s"), (-60, "-1min"), (216_000, "60h")],
)
def test_durations(seconds: int, said: str) -> None:
    assert spoken(seconds) == said


STORY: list[Said] = [
    opened(priority="high", client_id="c-17", title="NF-e \x1b[2J"),
    ("responded", "03-05 08:20", {"by": "ana"}),
    ("paused", "03-05 09:00", WAITING),
    ("resumed", "03-05 11:30", WAITING),
    ("reclassified", "03-05 12:00", {"priority": "urgent", "why": "tudo parado", "by": "bruno"}),
    ("resolved", "03-05 18:00", {"by": "ana"}),
    ("reopened", "03-06 08:00"),
    ("resolved", "03-06 10:45", {"by": "ana"}),
]


def lines(catalogs: Catalogs, language: str) -> list[str]:
    """Return the whole explanation of ``STORY``, without blanks that only align."""
    found, at_us = history(journal(*STORY)), us("2026-03-06 12:00")
    assert found is not None
    assessment = assess(found, catalogs, at_us, breaching=True)
    made = text("T1", assessment, list(stories(assessment, catalogs, at_us)), language, at_us)
    return [" ".join(line.split()) for line in made]


def test_a_breached_paused_reclassified_reopened_ticket_in_portuguese(versions: Catalogs) -> None:
    assert lines(versions, "pt-BR") == [
        "Chamado T1: NF-e \\x1b[2J",
        "Serviço: triage · prioridade: urgente · cliente: c-17",
        "Situação em sex 06/03/2026 12:00 (America/Sao_Paulo)",
        "",
        "RESPOSTA: CUMPRIDO NO PRAZO em qui 05/03/2026 08:20 (uma pessoa respondeu)",
        "Meta: 2h, contados em horário comercial (horários em America/Sao_Paulo); catálogo t1; triage, prioridade alta",
        "qui 05/03/2026 08:00 abertura por e-mail: triage, prioridade alta",
        "meta de 2h, vence qui 05/03/2026 10:00",
        "qui 05/03/2026 08:00 – 08:20 + 20min contado (acumulado: 20min)",
        "qui 05/03/2026 08:20 FIM no prazo: uma pessoa respondeu, por ana",
        "Cálculo:",
        "meta 2h",
        "− contado até qui 05/03/2026 08:20 20min",
        "= resta 1h 40min",
        "",
        "AÇÃO: VENCEU em qui 05/03/2026 16:00: encerrado em sex 06/03/2026 10:45 com atraso de 4h 45min (chamado resolvido)",
        "Meta: 4h, contados em horário comercial (horários em America/Sao_Paulo); catálogo t1; triage, prioridade urgente",
        "qui 05/03/2026 08:00 abertura por e-mail: triage, prioridade alta",
        "meta de 8h, vence qui 05/03/2026 16:00",
        "qui 05/03/2026 08:00 – 09:00 + 1h contado (acumulado: 1h)",
        "qui 05/03/2026 09:00 – 11:30 (2h 30min) pausa, não conta: aguardando o cliente",
        "qui 05/03/2026 11:30 – 12:00 + 30min contado (acumulado: 1h 30min)",
        "qui 05/03/2026 12:00 RECLASSIFICADO: prioridade alta → urgente, por bruno",
        "motivo informado: tudo parado",
        "vencimento: qui 05/03/2026 18:30 → qui 05/03/2026 16:00",
        "por quê: a nova meta encurta o prazo; vale o mais cedo entre",
        "· o vencimento anterior: qui 05/03/2026 18:30",
        "· o mais tarde destes dois: a nova meta de 4h desde o início (qui 05/03/2026 14:30)",
        "e a mudança + carência de 4h (qui 05/03/2026 16:00)",
        "qui 05/03/2026 12:00 – 16:00 + 4h contado (acumulado: 5h 30min)",
        "qui 05/03/2026 16:00 VENCEU",
        "qui 05/03/2026 16:00 – 18:00 + 2h contado, já em atraso (acumulado: 7h 30min)",
        "qui 05/03/2026 18:00 FIM com atraso: chamado resolvido, por ana",
        "qui 05/03/2026 18:00 – sex 06/03/2026 08:00 (2h) pausa, não conta: chamado encerrado, antes da reabertura",
        "sex 06/03/2026 08:00 REABERTO: a contagem continua; o tempo em que esteve encerrado conta como pausa",
        "continua vencido desde qui 05/03/2026 16:00",
        "sex 06/03/2026 08:00 – 10:45 + 2h 45min contado, já em atraso (acumulado: 10h 15min)",
        "sex 06/03/2026 10:45 FIM com atraso: chamado resolvido, por ana",
        "Cálculo:",
        "meta 4h",
        "+ ajuste pela mudança do vencimento 1h 30min",
        "= tempo até o vencimento 5h 30min",
        "− contado até sex 06/03/2026 10:45 10h 15min",
        "= atraso 4h 45min",
        "descontado em pausas (fora do cálculo acima): 4h 30min",
    ]


def test_the_same_in_english(versions: Catalogs) -> None:
    said = lines(versions, "en")
    assert len(said) == len(lines(versions, "pt-BR"))
    assert "Thu 2026-03-05 16:00 BREACHED" in said
    assert "Thu 2026-03-05 12:00 RECLASSIFIED: priority high → urgent, by bruno" in said
    assert "= late by 4h 45min" in said


def event_file(folder: Path) -> Path:
    """Write two events of T1 as the offline commands read them."""
    rows: list[dict[str, Any]] = [
        {"id": "1", "type": "ticket.opened", "time": "2026-03-05T08:00:00-03:00"},
        {"id": "2", "type": "ticket.paused", "time": "2026-03-05T09:00:00-03:00"},
    ]
    data: list[dict[str, Any]] = [{"service": "nfe", "channel": "email", "title": "t", "priority": "urgent"}, WAITING]
    path = folder / "e.jsonl"
    envelope = {"specversion": "1.0", "source": "s", "subject": "T1"}
    path.write_text(
        "\n".join(
            json.dumps(envelope | r | {"data": {"ticket_id": "T1", **d}}) for r, d in zip(rows, data, strict=True)
        )
    )
    return path


def test_offline_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = ["--catalog", str(catalog(tmp_path)), "--events", str(event_file(tmp_path))]
    assert command(["explain", "T1", *files, "--at", "2026-03-05T10:30:00-03:00", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    response, action = found["clocks"]
    assert (response["verdict"], response["breached_at"]) == ("breached", "2026-03-05T12:00:00Z")
    assert [line["line"] for line in response["story"]] == ["opened", "counted", "breached", "ignored", "counted"]
    assert (action["state"], action["totals"]["remaining_seconds"]) == ("paused", 3 * 3600)
    assert action["story"][-1] == {
        "line": "subtracted",
        "at": "2026-03-05T12:00:00Z",
        "until_at": "2026-03-05T13:30:00Z",
        "seconds": 5400,
        "reasons": ["waiting_customer"],
        "lasting": True,
        "nothing": "",
    }


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["T2"], 1, "no such ticket"),
        (["T1", "--at", "2026-03-01T00:00:00Z"], 1, "not opened yet"),
        (["T1", "--at", "yesterday"], 2, "RFC 3339"),
    ],
)
def test_what_cannot_be_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, says: str
) -> None:
    files = ["--catalog", str(catalog(tmp_path)), "--events", str(event_file(tmp_path))]
    assert command(["explain", *arguments, *files]) == code
    assert says in capsys.readouterr().err


def test_offline_needs_both_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["explain", "T1", "--catalog", str(catalog(tmp_path))]) == 2
    assert "both" in capsys.readouterr().err
