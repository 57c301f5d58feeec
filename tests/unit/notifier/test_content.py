"""Mails and short messages: they fit a phone, say what has to be said, and nothing from outside gets out of its place."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.content import LINK, View, built_in, compose, subject
from services.notifier.domain.alert import Alert, Loudness, Taken
from services.notifier.domain.gsm7 import SEGMENT, septets
from services.notifier.domain.message import Content, Word
from services.notifier.domain.people import Person
from services.notifier.store.notices import Claimed, Member
from services.notifier.story import Told
from services.notifier.texts import TEXTS
from services.notifier.wording import clip, length, line
from tests.notifier_line import sla

NOW = datetime(2026, 3, 5, 17, 17, tzinfo=UTC)
WAYS = [{"by": "mail", "to": "ana@x.example"}]
ANA = Person.model_validate({"name": "Ana", "methods": WAYS})
JOE = Person.model_validate({"name": "Joe", "language": "en", "methods": WAYS})
URL = "https://prazo.fornecedor.example/a/1234567/0123456789abcdef0123456789abcdef"
ENDS: dict[str, tuple[str, dict[str, Any]]] = {
    "met": ("met", {}),
    "closed_late": ("closed_late", {"late_seconds": 780}),
    "cancelled": ("cancelled", {}),
    "exempted": ("exempted", {"reason_code": "force_majeure"}),
    "revised_open": ("revised", {"replaces": "x", "from": "breached", "to": "open", "cause": "late_event"}),
}


def content(word: Word, person: Person = ANA, n: int = 1, ended_as: str = "closed_late", **more: Any) -> Content:
    """Return a message of a word."""
    kind, data = {
        Word.WARNING: ("warning", {"threshold": "80%"}),
        Word.ALL_CLEAR: ENDS[ended_as],
    }.get(word, ("breached", {}))
    taken = Taken("bob", NOW, NOW + timedelta(minutes=30)) if word is Word.ACKNOWLEDGED else None
    loudness = {Word.WARNING: Loudness.WARNED, Word.ALL_CLEAR: Loudness.ENDED}.get(word, Loudness.BREACHED)
    alert = Alert(loudness, ended_as=ended_as if word is Word.ALL_CLEAR else None, taken=taken)
    view = {"next": "Bob, às 14:27 BRT.", "tried": [], "broken_by": None, **more.pop("view", {})}
    event = sla(kind, **data, **more)
    at = event.data.due_at
    members = tuple(Member(i, (event.subject, "response", 1), alert, at, None, 0, 0, None) for i in range(n))
    claimed = Claimed(
        1,
        "n",
        1,
        "ana",
        "mail",
        0,
        0,
        1,
        False,
        False,
        word,
        False,
        n > 1,
        "alert.1",
        None,
        NOW,
        NOW,
        NOW,
        members,
        None,
    )
    why = TEXTS[person.language]["why_group"].format("primary")
    return compose(
        View(
            claimed,
            person,
            dict.fromkeys(range(n), event),
            view["next"],
            "Bob" if taken else None,
            view["broken_by"],
            why,
            view["tried"],
            septets(URL),
        )
    )


@pytest.mark.parametrize(
    ("word", "said"),
    [
        (Word.WARNING, "[SLA] #4821 Acme - 1ª resposta até 14:20 BRT"),
        (Word.BREACHED, "[SLA] #4821 Acme - 1ª resposta venceu às 14:05 BRT"),
        (Word.ACKNOWLEDGED, "[SLA] #4821 Acme - 1ª resposta: Bob assumiu"),
        (Word.ALL_CLEAR, "[SLA] #4821 Acme - 1ª resposta: alerta encerrado"),
        (Word.ACCOUNT, "[SLA] #4821 Acme - sem contrato ou cobrado"),
        (Word.FINDING, "[SLA] #4821 Acme - 1ª resposta: ninguém avisado"),
    ],
)
def test_the_subject_says_which_client_which_clock_and_what_happened(word: Word, said: str) -> None:
    due: dict[str, Any] = {"due_at": "2026-03-05T17:20:00Z"} if word is Word.WARNING else {}
    assert content(word, **due).subject == said


def test_a_deadline_of_another_day_has_its_date() -> None:
    assert content(Word.BREACHED, due_at="2026-03-04T17:05:00Z").subject.endswith("venceu em 04/03 14:05 BRT")
    assert content(Word.BREACHED, JOE, due_at="2026-03-04T17:05:00Z").subject.endswith("was due 04 Mar 14:05 BRT")


OUTSIDE = st.text(st.characters(exclude_categories=["Cs"]), max_size=300) | st.sampled_from(
    ["a\r\nBcc: b@c", "\x00", "\u2028", "\x85x", "x" * 500, "\u202e50:41", "\r\n\r\n<script>", "ã" * 100]
)
NAMED = OUTSIDE.filter(lambda text: 0 < len(text) <= 200)
WORDS = st.sampled_from([word for word in Word if word is not Word.TEST])
BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@given(word=WORDS, ticket=NAMED, client=OUTSIDE, title=OUTSIDE, service=OUTSIDE, n=st.sampled_from([1, 30]))
def test_nothing_from_outside_leaves_its_place(
    word: Word, ticket: str, client: str, title: str, service: str, n: int
) -> None:
    for person in (ANA, JOE):
        more = {"title": title, "service": service}
        made = content(word, person, n, subject=ticket, client_id=client, ticket=more)
        assert len(made.subject) <= 60
        assert not BREAKS.search(made.subject)
        assert not BREAKS.search(made.plain.replace("\n", ""))
        assert "<script" not in made.html
        assert "@x.example" not in made.plain + made.html + made.short
        short = made.short.replace(LINK, URL)
        assert septets(short) <= SEGMENT
        assert "\n" not in short
        assert (LINK in made.short) == (word in (Word.WARNING, Word.BREACHED, Word.FINDING))


@given(NAMED, OUTSIDE)
def test_a_subject_is_one_line_of_at_most_60_characters(ticket: str, client: str) -> None:
    said = subject(Word.BREACHED, sla("breached", subject=ticket, client_id=client), ANA, NOW)
    assert len(said) <= 60
    assert said == line(said)
    assert said.endswith("- 1ª resposta venceu às 14:05 BRT")


@pytest.mark.parametrize("person", [ANA, JOE])
@pytest.mark.parametrize("word", [Word.WARNING, Word.BREACHED, Word.FINDING])
def test_the_plain_part_is_complete_by_itself(word: Word, person: Person) -> None:
    due: dict[str, Any] = {"due_at": "2026-03-05T17:20:00Z"} if word is Word.WARNING else {}
    made = content(word, person, ticket={"title": "Nota parada"}, **due)
    assert LINK in made.plain.splitlines()
    for said in (
        "#4821",
        "Acme",
        "nfe",
        "high",
        "Nota parada",
        "14:20 BRT" if due else "14:05 BRT",
        "Bob",
        "14:27 BRT",
    ):
        assert said in made.plain
        assert said in made.html
    assert "primary" in made.plain


def test_every_word_says_what_is_to_be_done() -> None:
    assert "Bob assumiu, até 14:47 BRT. Você não precisa fazer nada." in content(Word.ACKNOWLEDGED).plain
    assert "Nenhum contrato em vigor" in content(Word.ACCOUNT, ticket={"coverage": "none"}).plain
    assert "pode ser cobrado" in content(Word.ACCOUNT, ticket={"chargeable": "maybe"}).plain
    assert "é cobrado à parte" in content(Word.ACCOUNT, ticket={"chargeable": "yes"}).plain
    assert "ninguém de plantão" in content(Word.FINDING).plain
    tried = content(Word.FINDING, view={"tried": [Told("Ana", ("e-mail falhou (ocupado)",))]})
    assert "- Ana: e-mail falhou (ocupado)" in tried.plain
    assert "e-mail falhou (ocupado)" in tried.html
    assert "Carla tinha assumido" in content(Word.BREACHED, view={"broken_by": "Carla"}).plain


@pytest.mark.parametrize(
    ("ended_as", "said"),
    [
        ("met", "Done in time."),
        ("closed_late", "Done 13 min late (counted time)."),
        ("cancelled", "The clock was cancelled."),
        ("exempted", "exempted by somebody who may"),
        ("revised_open", "the deadline is not missed"),
    ],
)
def test_an_all_clear_says_how_it_ended(ended_as: str, said: str) -> None:
    made = content(Word.ALL_CLEAR, JOE, ended_as=ended_as)
    assert said in made.plain
    assert said in made.html
    assert LINK not in made.plain + made.html + made.short


def test_of_many_the_worst_are_listed_and_the_rest_is_counted() -> None:
    made = content(Word.BREACHED, n=60)
    assert made.subject == "[SLA] 60 prazos vencidos"
    assert made.plain.count("#4821") == made.html.count("#4821") == 50
    assert "e mais 10" in made.plain
    assert made.short == f"SLA 60 prazos vencidos {LINK}"


@pytest.mark.parametrize("person", [ANA, JOE])
def test_a_short_message_is_one_segment_with_its_whole_link(person: Person) -> None:
    title = "Emissão parada em todas as filiais desde cedo: rejeição 215, falha no schema XML do grupo de pagamento"
    made = content(
        Word.BREACHED, person, subject="20260305-000007", client_id="Comércio São João & Cia", ticket={"title": title}
    )
    short = made.short.replace(LINK, URL)
    assert SEGMENT - 1 <= septets(short) <= SEGMENT  # a blank at the cut is dropped
    assert short.endswith(f" {URL}")
    assert "Emissao" in short


def test_the_built_in_text_leads_to_the_page_whatever_is_broken() -> None:
    ticket = "é\r\nBcc: x" * 50
    members = (Member(1, (ticket, "response", 1), Alert(), None, None, 0, 0, None),)
    made = built_in(
        Claimed(
            1,
            "n",
            1,
            "a",
            "m",
            0,
            0,
            1,
            False,
            False,
            Word.BREACHED,
            False,
            False,
            "alert.1",
            None,
            NOW,
            NOW,
            NOW,
            members,
            None,
        )
    )
    assert made.subject == line(made.subject)
    assert len(made.subject) <= 60
    assert LINK in made.plain.splitlines()
    assert septets(made.short.replace(LINK, URL)) <= SEGMENT


def test_both_languages_say_the_same_things() -> None:
    assert TEXTS["pt-BR"].keys() == TEXTS["en"].keys()
    for key, text in TEXTS["pt-BR"].items():
        assert text.count("{}") == TEXTS["en"][key].count("{}"), key


@given(st.text(max_size=200), st.integers(10, 200))
def test_a_clipped_text_takes_no_more_than_its_bytes(text: str, most: int) -> None:
    from html import escape

    kept = clip(text.encode("utf-8", "replace").decode(), most)
    assert len(escape(kept).encode()) <= most


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "menos de 1 min"), (59, "menos de 1 min"), (-61, "1 min"), (3600, "1 h 00 min"), (93_700, "1 d 2 h")],
)
def test_a_length_is_said_in_whole_minutes(seconds: int, said: str) -> None:
    assert length(timedelta(seconds=seconds), "pt-BR") == said
