"""What the configuration of a channel takes, and what it says of itself."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from services.notifier.domain.channel_config import ChannelConfig

PARSER = TypeAdapter[ChannelConfig](ChannelConfig)
ACCOUNT = "AC" + "0" * 32
SMALLEST: dict[str, dict[str, Any]] = {
    "email": {},
    "webhook": {"url": "https://x.example/hook", "key_file": "k"},
    "pagerduty": {"routing_key_file": "k"},
    "slack": {"url_file": "u"},
    "teams": {"url_file": "u"},
    "sms": {"provider": "zenvia", "sender": "prazo", "token_file": "t"},
    "voice": {"host": "pbx", "user": "u", "secret_file": "s", "dial": "PJSIP/{number}@x"},
    "apprise": {"url_file": "u"},
}


def test_what_each_kind_is() -> None:
    found = {kind: PARSER.validate_python({"kind": kind, **more}) for kind, more in SMALLEST.items()}
    assert {kind for kind, way in found.items() if way.loud} == {"sms", "voice", "pagerduty", "apprise"}
    assert {kind for kind, way in found.items() if way.updates} == {"pagerduty", "webhook", "slack", "teams"}
    assert {kind for kind, way in found.items() if way.takes_address} == {"email", "sms", "voice"}
    assert {kind: way.secrets for kind, way in found.items()} == {
        "email": (),
        "webhook": ("k",),
        "pagerduty": ("k",),
        "slack": ("u",),
        "teams": ("u",),
        "sms": ("t",),
        "voice": ("s",),
        "apprise": ("u",),
    }
    assert all(timedelta(seconds=1) <= way.timeout <= timedelta(seconds=45) for way in found.values())


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("email", {"timeout": "46s"}, "45"),
    ("email", {"timeout": "0s"}, "1"),
    ("email", {"at_once": 51}, "50"),
    ("email", {"per_minute": 0}, "1"),
    ("email", {"user": "u"}, "belong together"),
    ("email", {"user": "u", "password_file": "p"}, "starttls or implicit"),
    ("email", {"password": "canary"}, "Extra"),
    ("email", {"password_file": "../p", "user": "u", "tls": "implicit"}, "pattern"),
    ("webhook", {"url": "http://x.example"}, "https"),
    ("webhook", {"url": "https://u:p@x.example"}, "without user"),
    ("webhook", {"url": "file:///etc/passwd"}, "https"),
    ("slack", {"url": "https://hooks.slack.example/x"}, "Extra"),
    ("sms", {"provider": "twilio"}, "account is required"),
    ("sms", {"account": ACCOUNT}, "twilio only"),
    ("sms", {"status_callback": "https://x.example/s"}, "twilio only"),
    ("voice", {"dial": "PJSIP/operadora"}, "pattern"),
    ("voice", {"dial": "PJSIP/{number}@x,evil"}, "pattern"),
    ("voice", {"dial": "PJSIP/{number.__class__}@x"}, "pattern"),
    ("voice", {"timeout": "30s"}, "15s longer"),
    ("apprise", {"at_once": 9}, "8"),
]


@pytest.mark.parametrize(("kind", "more", "rule"), WRONG)
def test_what_does_not_fit_is_refused_with_its_rule(kind: str, more: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValidationError, match=rule):
        PARSER.validate_python({"kind": kind, **SMALLEST[kind], **more})


def test_a_kind_that_we_have_not_is_refused() -> None:
    with pytest.raises(ValidationError, match="whatsapp"):
        PARSER.validate_python({"kind": "whatsapp"})


def test_where_a_provider_is_reached() -> None:
    sms = {"kind": "sms", "sender": "prazo", "token_file": "t"}
    ways = (
        {"kind": "pagerduty", "routing_key_file": "k"},
        {"kind": "pagerduty", "routing_key_file": "k", "region": "eu"},
        {**sms, "provider": "zenvia"},
        {**sms, "provider": "twilio", "account": ACCOUNT},
    )
    assert [getattr(PARSER.validate_python(way), "endpoint") for way in ways] == [  # noqa: B009  # not all have one
        "https://events.pagerduty.com/v2/enqueue",
        "https://events.eu.pagerduty.com/v2/enqueue",
        "https://api.zenvia.com/v2/channels/sms/messages",
        f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages.json",
    ]
