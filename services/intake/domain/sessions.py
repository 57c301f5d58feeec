"""Who is logged in at the desk pages, for how long, and how often somebody may try. Pure; tokens are random texts.

Source of the rules: OWASP's session management and authentication cheat sheets (opaque tokens, stored only as a hash;
an absolute and an idle limit; a token per session for every form; attempts limited by account and by address).
"""

import hashlib
import hmac
from collections import OrderedDict
from datetime import datetime, timedelta

LONGEST = timedelta(hours=12)
IDLE = timedelta(hours=2)
TOUCH_EVERY = timedelta(minutes=1)
"""How exactly it is known when a session was used last."""

WINDOW = timedelta(minutes=15)
TRIES_PER_USER, TRIES_PER_ADDRESS = 10, 30
"""Attempts within ``WINDOW`` that fail, after which nobody is asked any more; each replica counts by itself."""

_REMEMBERED = 10_000  # users and addresses each


def token_sha256(token: str) -> bytes:
    """Return what is stored of a session's token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def csrf_of(token: str) -> str:
    """Return what a form of this session must carry: nobody who cannot read the cookie can know it."""
    return hmac.new(token.encode("utf-8", "replace"), b"prazo desk form", hashlib.sha256).hexdigest()


def is_csrf(token: str, said: str) -> bool:
    """Tell in constant time whether a form belongs to the session."""
    return hmac.compare_digest(csrf_of(token).encode(), said.encode("utf-8", "replace"))


def credential_of(password_hash: str | None) -> bytes:
    """Return what a session remembers of the password it began with: another password ends it."""
    return hashlib.sha256((password_hash or "").encode()).digest()


def is_alive(created_at: datetime, seen_at: datetime, now: datetime) -> bool:
    """Tell whether a session still holds: 12 hours at the longest, 2 hours without use."""
    return now - created_at < LONGEST and now - seen_at < IDLE


class Attempts:
    """How often each of the last ``_REMEMBERED`` names was tried within ``WINDOW``; the memory is bounded."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._tries: OrderedDict[str, list[datetime]] = OrderedDict()

    def take(self, name: str, now: datetime) -> bool:
        """Count an attempt; False when there were too many, which then is not counted."""
        tries = [at for at in self._tries.pop(name, []) if now - at < WINDOW]
        allowed = len(tries) < self._most
        self._tries[name] = [*tries, now] if allowed else tries
        while len(self._tries) > _REMEMBERED:
            self._tries.popitem(last=False)
        return allowed

    def succeeded(self, name: str) -> None:
        """Forget the attempts of a name that proved who it is."""
        self._tries.pop(name, None)

    def take_back(self, name: str) -> None:
        """Forget the last attempt of a name: it was none that failed, those before it may have been."""
        if self._tries.get(name):
            self._tries[name].pop()
