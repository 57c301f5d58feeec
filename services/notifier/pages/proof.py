"""Whose link it is: two keys are live, so that they can be changed; wrong links are counted by who sends them."""

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

from services.notifier.domain.token import ACKNOWLEDGE, proves
from shared.config import read_key
from shared.web import peer_key

KEY_FILE, OTHER_KEY_FILE = "notifier_token_key", "notifier_token_key_other"
PEERS_LIMIT = 10_000
"""Addresses that are remembered; the one that was quiet for longest is forgotten."""

WRONG_PER_MINUTE = 30


def read_keys(secrets: Path) -> Sequence[bytes]:
    """Return the key that new links get, then the other one that still proves, if its file is there; raises
    ``Misconfigured``.

    To change the key without losing a link: lay the new one down as the other key of every replica, exchange the two files,
    and remove the old one when the alerts of its links are over.
    """
    other = secrets / OTHER_KEY_FILE
    return [read_key(secrets / KEY_FILE), *([read_key(other)] if other.exists() else [])]


def is_proof(text: str) -> bool:
    """Tell whether a text has the form of a proof at all: 32 hex digits."""
    return len(text) == 32 and all(c in "0123456789abcdef" for c in text)


def proven(keys: Sequence[bytes], given: str, notice_no: int, person: str) -> bool:
    """Tell whether a live key made ``given`` for this notice and person."""
    return any(proves(key, given, notice_no, person, ACKNOWLEDGE) for key in keys)


class WrongLinks:
    """Counts wrong links by peer, in windows of a minute. A right link is never refused: behind a proxy all have one address.

    Each process counts for itself; at most ``PEERS_LIMIT`` peers are remembered.
    """

    def __init__(self) -> None:
        self._counts: OrderedDict[str, tuple[int, int]] = OrderedDict()  # peer → (minute, wrong links in it)

    def too_many(self, host: str, now_seconds: float) -> bool:
        """Count one more wrong link of ``host``; ``now_seconds`` is a clock that never goes back."""
        peer, minute = peer_key(host), int(now_seconds // 60)
        begun, wrong = self._counts.pop(peer, (minute, 0))
        wrong = wrong + 1 if begun == minute else 1
        self._counts[peer] = minute, wrong
        if len(self._counts) > PEERS_LIMIT:
            self._counts.popitem(last=False)
        return wrong > WRONG_PER_MINUTE
