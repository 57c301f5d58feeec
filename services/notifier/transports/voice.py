"""A call by Asterisk (AMI Originate): it says what there is, and key 1 is the proof that a person heard it.

One connection to the manager interface for one call. The dialplan (``deploy/asterisk/extensions_prazo.conf``) speaks and tells
the key by ``UserEvent(PrazoKey)``. A call that was answered without a key is not delivered: it may have been a voicemail.
"""

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from services.notifier.domain.cause import Cause
from services.notifier.domain.message import Outcome, Outgoing, Result
from shared.ami import Message, Parser, action, login_key

_LINE_BYTES = 16 * 1024
_SPOKEN_LENGTH, _TICKET_LENGTH, _ID_LENGTH = 300, 12, 100
_MARGIN_SECONDS = 3  # for the log-in before the call, and the words after it
_E164 = re.compile(r"\+[1-9][0-9]{7,14}")
_URL = re.compile(r"https?://\S+")
_REASONS: Mapping[str, Cause] = {  # control frames (Asterisk, frame.h); 3: it rang, and nobody came
    "1": Cause.NO_ANSWER,
    "3": Cause.NO_ANSWER,
    "5": Cause.BUSY,
    "8": Cause.CONGESTION,
}


class _LogInRefused(Exception):
    """Asterisk does not know this user and secret."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """The Asterisk that calls; ``dial`` has ``{number}`` or ``{e164}`` in it. ``timeout`` is for the whole call."""

    host: str
    port: int
    user: str
    secret: str
    dial: str
    context: str
    ring: timedelta
    timeout: timedelta
    caller_id: str | None = None


@dataclass(slots=True)
class _Progress:
    originated: bool = False


class Voice:
    """Calls by one exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def send(self, message: Outgoing) -> Result:
        """Call once and wait for the key; ``provider_id`` is the channel's Uniqueid."""
        if not _E164.fullmatch(message.to):
            return Result(Outcome.FAILED_PERMANENT, Cause.BAD_ADDRESS)
        progress = _Progress()
        try:
            async with asyncio.timeout(self._exchange.timeout.total_seconds()):
                return await self._call(message, progress)
        except _LogInRefused:
            return Result(Outcome.FAILED_PERMANENT, Cause.CREDENTIALS_REFUSED)
        except (OSError, EOFError) as error:
            late = isinstance(error, TimeoutError)
            if progress.originated:  # it may be ringing
                return Result(Outcome.UNKNOWN, Cause.TIMEOUT if late else Cause.DISCONNECTED)
            return Result(Outcome.FAILED_TEMPORARY, Cause.TIMEOUT if late else Cause.UNREACHABLE)

    async def _call(self, message: Outgoing, progress: _Progress) -> Result:
        reader, writer = await asyncio.open_connection(self._exchange.host, self._exchange.port, limit=_LINE_BYTES)
        try:
            messages = _Messages(reader)
            await self._log_in(messages, writer)
            call = f"{message.notice_id}.{message.attempt}"
            progress.originated = True
            writer.write(originate(self._exchange, message, call))
            return await _outcome(messages, call)
        finally:
            writer.close()
            with suppress(OSError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), 1)

    async def _log_in(self, messages: "_Messages", writer: asyncio.StreamWriter) -> None:
        await messages.line()  # the greeting
        writer.write(action("Challenge", AuthType="MD5"))
        challenge = (await messages.response()).get("challenge", "")
        key = login_key(challenge, self._exchange.secret)
        writer.write(action("Login", Username=self._exchange.user, AuthType="MD5", Key=key, Events="call,user"))
        if (await messages.response()).get("response") != "Success":
            raise _LogInRefused


def originate(exchange: Exchange, message: Outgoing, call: str) -> bytes:
    """Return the action that calls. What the dialplan is told holds no comma, which would end a variable, and no sign that a
    shell or the dialplan reads as more than text."""
    number = exchange.dial.format(number=message.to.removeprefix("+"), e164=message.to)
    seconds = exchange.timeout.total_seconds() - exchange.ring.total_seconds() - _MARGIN_SECONDS
    variables = {
        "PRAZO_CALL": call,
        "PRAZO_WORD": message.word.value,
        "PRAZO_LANGUAGE": message.language.replace("-", "_"),
        "PRAZO_TICKET": re.sub(r"[^0-9]", "", message.facts.get("ticket_id", ""))[:_TICKET_LENGTH],
        "PRAZO_TEXT": spoken(message.content.short or message.content.subject),
        "PRAZO_SECONDS": str(max(int(seconds), 1)),
    }
    headers: dict[str, str | list[str]] = {
        "ActionID": call,
        "Channel": number,
        "Context": exchange.context,
        "Exten": "s",
        "Priority": "1",
        "Timeout": str(int(exchange.ring.total_seconds() * 1000)),
        "Async": "true",
        "Variable": [f"{key}={value}" for key, value in variables.items()],
    }
    if exchange.caller_id is not None:
        headers["CallerID"] = exchange.caller_id
    return action("Originate", **headers)


def spoken(text: str) -> str:
    """Return a text to be read aloud: without links, letters, digits and ``.:-`` only, at most 300 characters."""
    kept = "".join(c if c.isalnum() or c in ".:-" else " " for c in _URL.sub(" ", text))
    return " ".join(kept.split())[:_SPOKEN_LENGTH]


async def _outcome(messages: "_Messages", call: str) -> Result:
    channel: str | None = None
    while True:
        message = await messages.next()
        mine = message.get("actionid") == call
        match message.get("event", ""):
            case "" if mine and message.get("response") == "Error":
                return Result(Outcome.FAILED_PERMANENT, Cause.REFUSED)
            case "OriginateResponse" if mine and message.get("response") != "Success":
                return Result(Outcome.FAILED_TEMPORARY, _REASONS.get(message.get("reason", ""), Cause.CONGESTION))
            case "OriginateResponse" if mine:
                channel = message.get("uniqueid", "")[:_ID_LENGTH] or None
            case "UserEvent" if message.get("userevent", "").lower() == "prazokey" and message.get("call") == call:
                channel = channel or message.get("uniqueid", "")[:_ID_LENGTH] or None
                if message.get("key") == "1":
                    return Result(Outcome.DELIVERED, Cause.KEY_ACKNOWLEDGED, provider_id=channel)
                return Result(Outcome.FAILED_PERMANENT, Cause.NO_KEY, provider_id=channel)
            case "Hangup" if channel is not None and message.get("uniqueid") == channel:
                return Result(Outcome.FAILED_PERMANENT, Cause.NO_KEY, provider_id=channel)


class _Messages:
    """Messages of a connection; a line that is too long is dropped."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader, self._parser = reader, Parser()

    async def line(self) -> bytes:
        """Return the next line."""
        while True:
            try:
                line = await self._reader.readline()
            except ValueError:  # longer than the limit; what was read of it is gone
                continue
            if not line.endswith(b"\n"):
                raise EOFError
            return line

    async def next(self) -> Message:
        """Return the next message."""
        while (found := self._parser.feed(await self.line())) is None:
            pass
        return found

    async def response(self) -> Message:
        """Return the next response, passing over events."""
        while "response" not in (found := await self.next()):
            pass
        return found
