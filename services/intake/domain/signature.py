"""What proves that a PBX sent a request: HMAC-SHA256 over timestamp and raw body (policy of ``POST /v1/calls``).

``Prazo-Timestamp: 1774000000`` (seconds since 1970) and ``Prazo-Signature: v1=<hex>``, several parted by commas while one key
replaces another. The signed text is the timestamp, a full stop, the body as it was sent.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from shared.clock import from_us, to_us

VALID_SECONDS = 300
_TIMESTAMP = re.compile(r"[0-9]{9,11}")
_SIGNATURE = re.compile(r"v1=([0-9a-f]{64})")
_MOST = 4


class Refused(Exception):
    """The request proves nothing; ``field`` is the header and ``rule`` what it breaks."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(rule)
        self.field, self.rule = field, rule


class Signed(NamedTuple):
    """Who sent a request, and the signature that it is remembered by."""

    pbx: str
    signature: bytes


def sign(key: bytes, timestamp: str, body: bytes) -> bytes:
    """Return the signature of a request: 32 bytes."""
    return hmac.digest(key, timestamp.encode("ascii") + b"." + body, hashlib.sha256)


def verify(keys: Mapping[str, Sequence[bytes]], timestamp: str, signatures: str, body: bytes, now: datetime) -> Signed:
    """Return which exchange signed the request, or raise ``Refused``. Every key is tried, in constant time each."""
    if not _TIMESTAMP.fullmatch(timestamp):
        raise Refused("Prazo-Timestamp", "must be seconds since 1970, in digits")
    if abs(now - from_us(int(timestamp) * 1_000_000)).total_seconds() > VALID_SECONDS:
        raise Refused("Prazo-Timestamp", f"must be within {VALID_SECONDS} seconds of our clock")
    given = [bytes.fromhex(one) for one in _SIGNATURE.findall(signatures)[:_MOST]]
    found: Signed | None = None
    for pbx, live in keys.items():
        for key in live:
            right = sign(key, timestamp, body)
            for one in given:
                if hmac.compare_digest(right, one) and found is None:
                    found = Signed(pbx, right)
    if found is None:
        raise Refused("Prazo-Signature", "must be v1=, then the HMAC-SHA256 of timestamp, full stop and body in hex")
    return found


def timestamp_of(at: datetime) -> str:
    """Return ``at`` as the header has it."""
    return str(to_us(at) // 1_000_000)
