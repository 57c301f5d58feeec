"""Which event of Asterisk's manager interface says what of a call. Pure; the lines are ``shared.ami``'s.

What is believed, and why (Asterisk 16 to 22, ``apps/app_queue.c``):

* ``QueueCallerJoin``: the caller entered the queue: the clock of a missed call starts here.
* ``AgentConnect``: a member of the queue answered and is bridged: the only event that means a human.
* ``QueueCallerLeave``: the queue let go of the caller, which it does before AgentConnect too: no end by itself.
* ``Hangup`` of the caller's own channel: the end.
* ``DialEnd`` with ``ANSWER`` on a channel that a ``PrazoOutgoing`` announced: whom we called back answered.
* ``UserEvent`` of the dialplan: ``PrazoStarted`` (with ``Protocol`` if the caller typed one; also for desks without queues),
  ``PrazoAnswered`` (from Dial's U option) and ``PrazoOutgoing``; headers ``Number``, ``Trunk``, ``Agent``, ``Protocol``.

``QueueCallerAbandon`` is not believed: it is also raised when the queue times out or is empty and the dialplan goes on to
somebody who answers, and not when the caller leaves by a key. Nor is a CDR's ``ANSWERED``: Queue() answers to play music.
"""

import re
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime

from services.intake.domain.calls import CallEvent, CallId, Heard, Kind
from shared.ami import Message
from shared.clock import from_us

TRACKED_LIMIT = 10_000
_WORD_LENGTH, _ID_LENGTH = 100, 200
_CHANNEL = re.compile(r"^[^/]+/(?P<trunk>.+)-[0-9a-f]{8}(?:;[12])?$")
_TIMESTAMP = re.compile(r"([0-9]{9,11})\.([0-9]{6})")
_USER_EVENTS: Mapping[str, Kind] = {
    "prazostarted": "started",
    "prazoanswered": "answered",
    "prazooutgoing": "outgoing",
}


class Tracked:
    """Which call a caller's channel (Uniqueid) belongs to: the Linkedid may change when channels meet, the call must not."""

    def __init__(self) -> None:
        self._calls: OrderedDict[str, tuple[str, bool]] = OrderedDict()

    def add(self, channel: str, call_id: str, *, outgoing: bool = False) -> None:
        """Track a channel; the oldest of more than ``TRACKED_LIMIT`` is forgotten."""
        self._calls[channel] = call_id, outgoing
        while len(self._calls) > TRACKED_LIMIT:
            self._calls.popitem(last=False)

    def call(self, channel: str) -> str | None:
        """Return the call of a channel, if it is tracked."""
        return self._calls.get(channel, (None, False))[0]

    def is_outgoing(self, channel: str) -> bool:
        """Tell whether a channel is tracked as one with which we call somebody."""
        return self._calls.get(channel, (None, False))[1]

    def forget(self, channel: str) -> None:
        """The channel is gone."""
        self._calls.pop(channel, None)


def heard(message: Message, pbx: str, tracked: Tracked, received_at: datetime) -> Heard | None:
    """Return what an event says of a call, or None; keeps ``tracked`` up to date."""
    kind = _kind(message, tracked)
    channel = message.get("uniqueid", "")[:_ID_LENGTH]
    known = tracked.call(channel)
    call_id = known or message.get("linkedid", "")[:_ID_LENGTH] or channel
    if kind is None or not call_id:
        return None
    if kind == "ended":
        tracked.forget(channel)
    elif kind != "answered" and known is None:
        tracked.add(channel, call_id, outgoing=kind == "outgoing")
    number = message.get("number") or (message.get("calleridnum", "") if kind != "outgoing" else "")
    said = {
        "number": number if kind in ("started", "outgoing") else "",
        "trunk": message.get("trunk") or trunk_of(message.get("channel", "")),
        "queue": message.get("queue", ""),
        "agent": message.get("membername") or message.get("interface") or message.get("agent", ""),
        "cause": f"hangup_{message.get('cause', '')}" if kind == "ended" else "",
        "protocol": message.get("protocol", ""),
    }
    event = CallEvent(kind, _at(message, received_at), received_at, **{k: v[:_WORD_LENGTH] for k, v in said.items()})
    return Heard(CallId(pbx, call_id), event, channel if kind in ("started", "outgoing") else "")


def _kind(message: Message, tracked: Tracked) -> Kind | None:
    match message.get("event"):
        case "QueueCallerJoin":
            return "started"
        case "QueueCallerLeave":
            return "left"
        case "AgentConnect":
            return "answered"
        case "Hangup":
            return "ended" if tracked.call(message.get("uniqueid", "")) else None
        case "DialEnd":
            mine = tracked.is_outgoing(message.get("uniqueid", ""))
            return "answered" if mine and message.get("dialstatus") == "ANSWER" else None
        case "UserEvent":
            return _USER_EVENTS.get(message.get("userevent", "").lower())
    return None


def trunk_of(channel: str) -> str:
    """Return the trunk of a channel's name: ``operadora`` of ``PJSIP/operadora-0000002a``."""
    found = _CHANNEL.match(channel)
    return found["trunk"] if found else ""


def _at(message: Message, received_at: datetime) -> datetime:
    """Return when it happened (``timestampevents = yes`` in manager.conf), else when it was heard of."""
    found = _TIMESTAMP.fullmatch(message.get("timestamp", ""))
    return from_us(int(found[1]) * 1_000_000 + int(found[2])) if found else received_at
