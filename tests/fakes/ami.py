"""An Asterisk that calls: a strict manager interface, and a dialplan that tells how each call went."""

import asyncio
import hashlib
from collections import deque
from contextlib import suppress
from enum import Enum, auto
from typing import Self

USER, SECRET, CHALLENGE = "prazo-notifier", "canaryAmiSecret", "840415273"
CHANNEL = "1772758800.77"


class Call(Enum):
    """How a call goes."""

    KEY = auto()
    KEY_BEFORE_RESPONSE = auto()  # the key's event overtakes the answer's
    NO_KEY = auto()
    HUNG_UP = auto()  # the dialplan said nothing
    BUSY = auto()
    NO_ANSWER = auto()
    CONGESTION = auto()
    REFUSED = auto()  # no such context
    SILENCE = auto()
    DROP = auto()


def _lines(**pairs: str) -> bytes:
    return "".join(f"{key}: {value}\r\n" for key, value in pairs.items()).encode() + b"\r\n"


class CallingAsterisk:
    """Listens on loopback; ``calls`` go as they are listed, the last one for ever."""

    def __init__(self, *calls: Call, secret: str = SECRET) -> None:
        self._calls, self._secret = deque(calls or (Call.KEY,)), secret
        self.dialled: list[dict[str, str]] = []
        self.variables: list[dict[str, str]] = []
        self.wrong: list[str] = []
        self.port = 0
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await self._server.wait_closed()
        assert self.wrong == []

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        writer.write(b"Asterisk Call Manager/9.0.0\r\n")
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            logged_in = False
            while True:
                raw = (await reader.readuntil(b"\r\n\r\n")).decode()
                pairs = [line.split(": ", 1) for line in raw.removesuffix("\r\n\r\n").split("\r\n")]
                headers = {key: value for key, value in pairs if key != "Variable"}
                match headers["Action"]:
                    case "Challenge":
                        writer.write(_lines(Response="Success", Challenge=CHALLENGE))
                    case "Login":
                        logged_in = self._log_in(headers, writer)
                    case "Originate" if logged_in:
                        if not await self._originate(headers, [v for k, v in pairs if k == "Variable"], writer):
                            break
                    case other:
                        self.wrong.append(other)
        writer.close()

    def _log_in(self, headers: dict[str, str], writer: asyncio.StreamWriter) -> bool:
        right = hashlib.md5((CHALLENGE + self._secret).encode()).hexdigest()
        fits = (headers["Username"], headers["Key"], headers["AuthType"]) == (USER, right, "MD5")
        writer.write(_lines(Response="Success" if fits else "Error", Message="x"))
        return fits

    async def _originate(self, headers: dict[str, str], variables: list[str], writer: asyncio.StreamWriter) -> bool:
        known = {"Action", "ActionID", "Channel", "Context", "Exten", "Priority", "Timeout", "Async", "CallerID"}
        if not set(headers) <= known or headers["Async"] != "true" or not 1000 <= int(headers["Timeout"]) <= 60_000:
            self.wrong.append(str(sorted(headers)))
        if any("," in variable or variable.count("=") != 1 for variable in variables):
            self.wrong.append("a comma ends a variable")
        self.dialled.append(headers)
        self.variables.append(dict(v.split("=", 1) for v in variables))
        how = self._calls.popleft() if len(self._calls) > 1 else self._calls[0]
        if how is Call.REFUSED:
            writer.write(_lines(Response="Error", ActionID=headers["ActionID"], Message="Extension does not exist."))
            return True
        writer.write(_lines(Response="Success", ActionID=headers["ActionID"], Message="Originate successfully queued"))
        writer.write(_lines(Event="OriginateResponse", ActionID="another", Response="Failure", Reason="5"))
        writer.write(_lines(Event="UserEvent", UserEvent="PrazoKey", Call="another", Key="1", Uniqueid="1.1"))
        writer.write(_lines(Event="Hangup", Uniqueid="1.1", Cause="16"))
        for message in self._told(how, headers["ActionID"]):
            writer.write(message)
            await writer.drain()
            await asyncio.sleep(0.01)
        if how is Call.SILENCE:
            await asyncio.sleep(30)
        return how is not Call.DROP

    def _told(self, how: Call, call: str) -> list[bytes]:
        def response(word: str, reason: int) -> bytes:
            more = {"Uniqueid": CHANNEL if word == "Success" else "<null>", "Reason": str(reason)}
            return _lines(Event="OriginateResponse", ActionID=call, Response=word, **more)

        def key(pressed: str) -> bytes:
            return _lines(Event="UserEvent", Uniqueid=CHANNEL, UserEvent="PrazoKey", Call=call, Key=pressed)

        hangup = _lines(Event="Hangup", Uniqueid=CHANNEL, Cause="16")
        return {
            Call.KEY: [response("Success", 4), key("1"), hangup],
            Call.KEY_BEFORE_RESPONSE: [key("1"), response("Success", 4), hangup],
            Call.NO_KEY: [response("Success", 4), key("none"), hangup],
            Call.HUNG_UP: [response("Success", 4), hangup],
            Call.BUSY: [response("Failure", 5)],
            Call.NO_ANSWER: [response("Failure", 3)],
            Call.CONGESTION: [response("Failure", 8)],
        }.get(how, [])
