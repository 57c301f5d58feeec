"""A signed JSON document to a system of the customer's.

``Prazo-Webhook-Id`` is the notice's, the same in every attempt: who takes it twice knows it. ``Prazo-Timestamp`` (seconds since
1970) and ``Prazo-Signature`` (``v1=<hex>`` for each live key, parted by commas) are those of ``POST /v1/calls``: HMAC-SHA256
over the timestamp, a full stop, and the body as it was sent.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from services.notifier.domain.message import Outgoing, Result
from services.notifier.transports.http import Endpoint, by_status
from shared import clock


@dataclass(frozen=True, slots=True)
class Webhook:
    """Posts to one place. Any 2xx is accepted."""

    endpoint: Endpoint
    keys: Sequence[bytes]

    async def send(self, message: Outgoing) -> Result:
        """Try once."""
        body, timestamp = document(message), str(clock.to_us(clock.now()) // 1_000_000)
        headers = {
            "Content-Type": "application/json",
            "Prazo-Webhook-Id": message.notice_id,
            "Prazo-Timestamp": timestamp,
            "Prazo-Signature": ", ".join(f"v1={signature(key, timestamp, body)}" for key in self.keys),
        }
        answer = await self.endpoint.post(body, headers)
        return answer if isinstance(answer, Result) else by_status(answer)


def signature(key: bytes, timestamp: str, body: bytes) -> str:
    """Return the signature of a request in hex."""
    return hmac.digest(key, timestamp.encode("ascii") + b"." + body, hashlib.sha256).hex()


def document(message: Outgoing) -> bytes:
    """Return the body: the same bytes in every attempt, but for ``repeated``. People are opaque ids, without addresses."""
    return orjson.dumps(
        {
            "id": message.notice_id,
            "thread": message.thread,
            "word": message.word.value,
            "repeated": message.repeated,
            "person": message.person,
            "language": message.language,
            "subject": message.content.subject,
            "text": message.content.plain,
            "link": message.link,
            "facts": dict(message.facts),
        },
        option=orjson.OPT_SORT_KEYS,
    )
