"""An SMS is one GSM-7 segment, marked when it may be a repetition; what providers report of it is understood."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.domain.cause import Cause
from services.notifier.domain.gsm7 import SEGMENT, one_segment, septets, to_gsm7
from services.notifier.domain.message import Content, Outcome
from services.notifier.transports.sms import text
from services.notifier.transports.sms_providers import Report, Twilio, Zenvia, delivery_report
from tests.fakes.messages import message


@given(st.text(max_size=400), st.sampled_from(["", "(repetida)", "(repeat)"]))
def test_any_text_is_one_segment(said: str, mark: str) -> None:
    assert septets(one_segment(said, mark)) <= SEGMENT


@given(st.text(max_size=50))
def test_what_gsm7_has_already_stays_as_it_is(said: str) -> None:
    assert to_gsm7(to_gsm7(said)) == to_gsm7(said)


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ("1ª resposta às 14:05 – não há ninguém", "1a resposta às 14:05 - nao ha ninguém"),
        ("emissão ç Ç õ [x] €5", "emissao c Ç o [x] €5"),
        ("日本", "??"),
    ],
)
def test_portuguese_loses_no_letter(said: str, sent: str) -> None:
    assert to_gsm7(said) == sent


def test_extended_characters_count_twice() -> None:
    assert (septets("a" * 160), septets("[" * 80), septets("€")) == (160, 160, 2)
    assert one_segment("[" * 81) == "[" * 80


@pytest.mark.parametrize(
    ("language", "repeated", "length", "end"),
    [
        ("pt-BR", False, 100, "a"),
        ("pt-BR", True, 100, "a (repetida)"),
        ("en", True, 100, "a (repeat)"),
        ("pt-BR", True, 149, "a (repetida)"),
        ("pt-BR", True, 150, "a"),  # the link at its end is worth more
        ("pt-BR", True, 200, "a"),
    ],
)
def test_a_repetition_is_marked_where_it_fits(language: str, repeated: bool, length: int, end: str) -> None:
    sent = text(message(language=language, repeated=repeated, content=Content(short="a" * length)))
    assert sent == "a" * (min(length, 160) - 1) + end


def test_a_number_and_a_messaging_service_of_twilio_are_told_apart() -> None:
    service = "MG" + "0" * 32
    assert b"From=%2B1500" in Twilio("u", "t", "+1500").request("+5562988887777", "x")[0]
    body, _ = Twilio("u", "t", service, "https://x.example/s").request("+5562988887777", "x")
    assert body == b"To=%2B5562988887777&MessagingServiceSid=" + service.encode() + (
        b"&Body=x&StatusCallback=https%3A%2F%2Fx.example%2Fs"
    )
    assert b'"to":"5562988887777"' in Zenvia("t", "prazo").request("+5562988887777", "x")[0]


def zenvia(code: str) -> Mapping[str, object]:
    """Return a call-back of Zenvia."""
    return {"id": "e1", "type": "MESSAGE_STATUS", "messageId": "z1", "messageStatus": {"code": code}}


REPORTS: list[tuple[str, Mapping[str, object], Report | None]] = [
    ("twilio", {"MessageSid": "SM1", "MessageStatus": "sent"}, ("SM1", Outcome.ACCEPTED, None)),
    ("twilio", {"MessageSid": "SM1", "MessageStatus": "delivered"}, ("SM1", Outcome.DELIVERED, None)),
    (
        "twilio",
        {"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": "30003"},
        ("SM1", Outcome.FAILED_TEMPORARY, Cause.HANDSET_UNREACHABLE),
    ),
    (
        "twilio",
        {"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": "30005"},
        ("SM1", Outcome.FAILED_PERMANENT, Cause.UNDELIVERABLE),
    ),
    (
        "twilio",
        {"MessageSid": "SM1", "MessageStatus": "failed"},
        ("SM1", Outcome.FAILED_PERMANENT, Cause.UNDELIVERABLE),
    ),
    (
        "twilio",
        {"MessageSid": "SM1", "MessageStatus": "failed", "ErrorCode": "²³"},
        ("SM1", Outcome.FAILED_PERMANENT, Cause.UNDELIVERABLE),
    ),
    ("twilio", {"MessageSid": "SM1", "MessageStatus": "receiving"}, None),
    ("twilio", {"MessageSid": "", "MessageStatus": "delivered"}, None),
    ("twilio", {"MessageStatus": "delivered"}, None),
    ("twilio", {"MessageSid": "S" * 101, "MessageStatus": "delivered"}, None),
    ("zenvia", zenvia("SENT"), ("z1", Outcome.ACCEPTED, None)),
    ("zenvia", zenvia("DELIVERED"), ("z1", Outcome.DELIVERED, None)),
    ("zenvia", zenvia("REJECTED"), ("z1", Outcome.FAILED_PERMANENT, Cause.REFUSED)),
    ("zenvia", zenvia("NOT_DELIVERED"), ("z1", Outcome.FAILED_PERMANENT, Cause.UNDELIVERABLE)),
    ("zenvia", zenvia("CLICKED"), None),
    ("zenvia", {"type": "MESSAGE", "messageId": "z1"}, None),
    ("zenvia", {"type": "MESSAGE_STATUS", "messageId": "z1", "messageStatus": "SENT"}, None),
    ("zenvia", {"type": "MESSAGE_STATUS", "messageId": "z1", "messageStatus": {"code": ["SENT"]}}, None),
    ("other", {"MessageSid": "SM1", "MessageStatus": "delivered"}, None),
]


@pytest.mark.parametrize(("provider", "form", "said"), REPORTS)
def test_a_report_of_delivery_says_what_became_of_a_message(
    provider: str, form: Mapping[str, object], said: Report | None
) -> None:
    assert delivery_report(provider, form) == said
