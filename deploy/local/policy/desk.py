"""A person at the desk pages: logs in, looks, presses a button."""

import asyncio
import re
from html import unescape
from typing import NamedTuple

import httpx

from deploy.local.story import Missing

_FIELD = re.compile(r'<input type="hidden" name="(csrf|nonce)" value="([^"]+)">')
_TITLE = re.compile(r'<a class="title" href="[^"]*">([^<]*)</a>')
_ALIKE = re.compile(r'<a href="/desk\?flood=[^"]*">\+(\d+) ')
_SECONDS = 30


class Listed(NamedTuple):
    """What the list shows: its rows' titles, and how many tickets stand behind them, those in groups counted."""

    titles: list[str]
    tickets: int


class Person:
    """An agent with a browser; the first page is asked for by logging in."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._browser = httpx.AsyncClient(base_url=url, timeout=_SECONDS, follow_redirects=True)
        self._user, self._password = user, password
        self._entering, self._entered = asyncio.Lock(), False

    async def leave(self) -> None:
        """Close the browser."""
        await self._browser.aclose()

    async def press(self, ticket_id: str, act: str, **form: str) -> None:
        """Press a button of a ticket's page; raises ``Missing`` when the page does not take it."""
        path = f"/desk/tickets/{ticket_id}"
        hidden = dict(_FIELD.findall(await self._page(path)))
        said = {**hidden, "act": act, **form}
        answer = await self._browser.post(path, data=said)
        if answer.status_code != 200 or f"done={act}" not in str(answer.url):
            raise Missing(f"intake: the page {path} did not take the button {act} ({answer.status_code})")

    async def listed(self, words: str) -> Listed:
        """Return what the first page of open contacts shows of those with ``words``."""
        text = await self._page("/desk", q=words)
        titles = [unescape(title) for title in _TITLE.findall(text)]
        return Listed(titles, len(titles) + sum(map(int, _ALIKE.findall(text))))

    async def _page(self, path: str, **asked: str) -> str:
        async with self._entering:
            if not self._entered:
                said = {"user": self._user, "password": self._password, "next": "/desk"}
                self._entered = (await self._browser.post("/desk/login", data=said)).status_code == 200
        answer = await self._browser.get(path, params=asked)
        if answer.status_code != 200:
            raise Missing(f"intake: the page {path} was answered with {answer.status_code}")
        return answer.text
