"""The voice channel against a strict Asterisk: only key 1 is a delivery."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from services.notifier.domain.cause import Cause
from services.notifier.domain.message import Channel, Content, Outcome, Result
from services.notifier.transports.voice import spoken
from tests.fakes.ami import CHANNEL, USER, Call, CallingAsterisk
from tests.fakes.messages import NUMBER, message
from tests.integration.notifier.channels.ways import opened, write_secrets

TEMPORARY, PERMANENT, UNKNOWN = Outcome.FAILED_TEMPORARY, Outcome.FAILED_PERMANENT, Outcome.UNKNOWN


@asynccontextmanager
async def calling(asterisk: CallingAsterisk, folder: Path, **more: Any) -> AsyncIterator[Channel]:
    """Open the channel to an exchange that listens."""
    write_secrets(folder)
    settings = {
        "kind": "voice",
        "host": "127.0.0.1",
        "port": asterisk.port,
        "user": USER,
        "secret_file": "ami",
        "dial": "PJSIP/{number}@operadora",
        "ring": "5s",
        "timeout": "20s",
    }
    async with opened(folder, {**settings, **more}) as channel:
        yield channel


ENDS = [
    (Call.KEY, Result(Outcome.DELIVERED, Cause.KEY_ACKNOWLEDGED, CHANNEL)),
    (Call.KEY_BEFORE_RESPONSE, Result(Outcome.DELIVERED, Cause.KEY_ACKNOWLEDGED, CHANNEL)),
    (Call.NO_KEY, Result(PERMANENT, Cause.NO_KEY, CHANNEL)),
    (Call.HUNG_UP, Result(PERMANENT, Cause.NO_KEY, CHANNEL)),
    (Call.BUSY, Result(TEMPORARY, Cause.BUSY)),
    (Call.NO_ANSWER, Result(TEMPORARY, Cause.NO_ANSWER)),
    (Call.CONGESTION, Result(TEMPORARY, Cause.CONGESTION)),
    (Call.REFUSED, Result(PERMANENT, Cause.REFUSED)),
    (Call.DROP, Result(UNKNOWN, Cause.DISCONNECTED)),
]


@pytest.mark.parametrize(("how", "said"), ENDS)
async def test_how_a_call_ends_is_told_as_what_it_is(how: Call, said: Result, tmp_path: Path) -> None:
    async with CallingAsterisk(how) as asterisk, calling(asterisk, tmp_path) as channel:
        assert await channel.send(message(to=NUMBER)) == said


@pytest.mark.slow
async def test_a_call_of_which_nothing_is_heard_may_be_ringing_still(tmp_path: Path) -> None:
    async with CallingAsterisk(Call.SILENCE) as asterisk, calling(asterisk, tmp_path) as channel:
        assert await channel.send(message(to=NUMBER)) == Result(UNKNOWN, Cause.TIMEOUT)


async def test_what_the_exchange_and_its_dialplan_are_told_is_complete(tmp_path: Path) -> None:
    async with CallingAsterisk() as asterisk, calling(asterisk, tmp_path, caller_id="6230865750") as channel:
        await channel.send(message(to=NUMBER, attempt=3))
    call = f"{message().notice_id}.3"
    assert asterisk.dialled == [
        {
            "Action": "Originate",
            "ActionID": call,
            "Channel": "PJSIP/5562988887777@operadora",
            "Context": "prazo-aviso",
            "Exten": "s",
            "Priority": "1",
            "Timeout": "5000",
            "Async": "true",
            "CallerID": "6230865750",
        }
    ]
    assert asterisk.variables == [
        {
            "PRAZO_CALL": call,
            "PRAZO_WORD": "breached",
            "PRAZO_LANGUAGE": "pt_BR",
            "PRAZO_TICKET": "4821",
            "PRAZO_TEXT": "Prazo: 4821 Acme 1a resposta vence 14:05 BRT.",
            "PRAZO_SECONDS": "12",
        }
    ]


async def test_a_title_can_give_the_dialplan_nothing_but_words(tmp_path: Path) -> None:
    evil = "x,y=${SHELL(rm)}`id`\r\nAction: Command; \"';|&" + "z" * 1000
    content = Content(subject=evil, short=evil)
    facts = {"ticket_id": "12&3,4\r\n5"}
    async with CallingAsterisk() as asterisk, calling(asterisk, tmp_path) as channel:
        sent = message(to=NUMBER, content=content, facts=facts)
        assert (await channel.send(sent)).outcome is Outcome.DELIVERED
    assert asterisk.variables[0]["PRAZO_TICKET"] == "12345"
    assert asterisk.variables[0]["PRAZO_TEXT"] == spoken(evil)
    assert spoken(evil).startswith("x y SHELL rm id Action: Command z")
    assert len(spoken(evil)) == 300


@pytest.mark.parametrize(
    "number", ["", "62988887777", "+0123456789", "+55 62 98888", "+5562988887777@evil", "+55\r\nX: y"]
)
async def test_what_is_no_number_is_never_dialled(number: str, tmp_path: Path) -> None:
    async with CallingAsterisk() as asterisk, calling(asterisk, tmp_path) as channel:
        assert await channel.send(message(to=number)) == Result(PERMANENT, Cause.BAD_ADDRESS)
    assert asterisk.dialled == []


async def test_a_wrong_secret_and_an_exchange_that_is_away_dial_nobody(tmp_path: Path) -> None:
    async with CallingAsterisk(secret="another") as asterisk, calling(asterisk, tmp_path) as channel:
        assert await channel.send(message(to=NUMBER)) == Result(PERMANENT, Cause.CREDENTIALS_REFUSED)
    async with calling(asterisk, tmp_path) as channel:
        assert await channel.send(message(to=NUMBER)) == Result(TEMPORARY, Cause.UNREACHABLE)
    assert asterisk.dialled == []
