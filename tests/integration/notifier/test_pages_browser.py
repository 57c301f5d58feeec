"""The acknowledgement pages in a real Chromium, at phone and desktop size, light and dark, judged by axe-core.

Needs Debian's chromium and chromium-driver; skipped without them outside CI. PRAZO_TEST_SHOTS: a folder for screenshots.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Keys
from selenium.webdriver.support.wait import WebDriverWait

from deploy.local.process import free_port
from shared.web import Server
from tests.notifier_line import ONCALL, Line, Scripted, sla
from tests.notifier_page import LONG, REFUSED, app, late, link_to, soon
from tests.servers.chromium import SIZES, Window, chromium, needs_chromium

WRONG_LINK = "Failed to load resource: the server responded with a status of 404"
TICKET: dict[str, Any] = {
    "ticket": {"title": LONG, "service": "nfe", "priority": "urgent"},
    "client_id": "Acme & Filhos",
}

pytestmark = [
    needs_chromium,
    pytest.mark.timeout(300),
]


class Phone(Window):
    """A Chromium window that runs whatever scripts it is given."""

    def colors(self, scheme: str) -> None:
        """Prefer a colour scheme."""
        feature = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": feature})

    def tab_to(self, wanted: str) -> None:
        """Press Tab until the focus, which must be seen, is on a control with this name or text."""
        for _ in range(60):
            self.keys(Keys.TAB)
            focused = self.driver.switch_to.active_element
            if wanted in (focused.text, focused.accessible_name):
                assert focused.value_of_css_property("outline-style") == "solid"
                return
        raise AssertionError(f"no way to {wanted} by keyboard")

    def complaints(self) -> list[str]:
        """Return what the console said, what axe-core finds, targets below 48 px, and whether the page is too wide."""
        said, grave = self.said(), self.grave()
        self.said()  # what the loading for axe-core added
        wide = self.overflow()
        return [
            *(one for one in said if WRONG_LINK not in one),
            *grave,
            *(f"below 48 px: {one}" for one in self.driver.execute_script(SMALL)),
            *([f"{wide} px too wide"] if wide else []),
        ]


SMALL = """return [...document.querySelectorAll("button, select, a")].filter(e => {
    const box = e.getBoundingClientRect(); return box.height < 48 || box.width < 48 }).map(e => e.outerHTML)"""


@pytest.fixture(params=[*SIZES], ids=[f"{width} px" for width, _ in SIZES])
def phone(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Phone]:
    """Return a window of one size."""
    width, height = request.param
    with chromium(width, height, tmp_path) as driver:
        yield Phone(driver, width, 844)


@pytest.fixture
async def line(pool: Any) -> Line:
    """Return a line whose first message to Ana fails for good."""
    methods = [{"by": "mail", "to": "ana@x.example"}, {"by": "hook"}, {"by": "pager", "after": "5m"}]
    people = {**ONCALL["people"], "ana": {"name": "Ana Souza", "methods": methods}}
    return Line.of(pool, {**ONCALL, "people": people}, mail=Scripted(REFUSED))


@pytest.fixture
async def base(line: Line) -> AsyncIterator[str]:
    """Return the address of the pages of a line."""
    port = free_port()
    server = Server(app(line), "127.0.0.1", port)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await serving


async def _at(base: str, line: Line, person: str = "ana") -> str:
    return (await link_to(line, person)).replace("http://x", base)


async def test_a_real_browser_that_loads_the_page_and_runs_scripts_changes_nothing(
    line: Line, base: str, phone: Phone
) -> None:
    await line.hear(late())
    await line.turn()
    events = len(await line.notices())
    await asyncio.to_thread(scan, phone, await _at(base, line))
    assert await line.duty.pool.fetchval("SELECT acknowledged_by FROM alert") is None
    assert len(await line.notices()) == events


def scan(phone: Phone, link: str) -> None:
    """Do what a mail scanner does: load, wait, scroll, follow every link on the page."""
    phone.driver.get(link)
    phone.driver.execute_script("window.scrollTo(0, document.body.scrollHeight)")
    for address in phone.driver.execute_script("return [...document.links].map(a => a.href)"):
        phone.driver.get(address)
    assert phone.until("[data-state=open]")


async def test_by_keyboard_alone_it_is_taken_promised_undone_and_passed_on(line: Line, base: str, phone: Phone) -> None:
    await line.hear(late())
    await line.turn()
    await asyncio.to_thread(work, phone, await _at(base, line))
    kinds = [n["type"] for n in await line.notices() if n["type"] in ("notice.acknowledged", "notice.released")]
    assert kinds == ["notice.acknowledged"] * 2 + ["notice.released"]
    await line.turn()
    assert ("mail", "eva@x.example", "breached") in line.sent


def work(phone: Phone, link: str) -> None:
    """Take, choose a promise, undo, pass on to Eva; without a mouse and without scripts."""
    phone.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    phone.driver.get(link)
    phone.tab_to("Assumir este chamado")
    phone.keys(Keys.ENTER)
    assert phone.until("[data-state=yours] .good").text.startswith("É seu até ")
    phone.tab_to("15 min")
    phone.keys(Keys.ENTER)
    phone.until("[data-state=yours]")
    phone.tab_to("Desfazer")
    phone.keys(Keys.SPACE)
    assert "Desfeito" in phone.until("[data-state=open] [role=status]").text
    phone.tab_to("Passar a outra pessoa")
    phone.keys("Eva")
    phone.tab_to("Avisar agora")
    phone.keys(Keys.ENTER)
    WebDriverWait(phone.driver, 15).until(lambda driver: "said=did_passed" in driver.current_url)
    assert "Avisado" in phone.until("[role=status]").text


async def test_every_state_fits_is_quiet_and_has_no_serious_finding(line: Line, base: str, phone: Phone) -> None:
    found: dict[str, Any] = {}

    async def judge(name: str, link: str) -> None:
        found.update(await asyncio.to_thread(inspect, phone, name, link))

    await line.hear(soon("20260305-000007", metric="action", **TICKET))
    await line.turn()
    await judge("warning", await _at(base, line))
    await line.hear(late("20260305-000007", -12, metric="action", sequence=2, **TICKET))
    await line.turn()
    await line.later(600)
    await line.turn()
    mine = await _at(base, line)
    await judge("breached", mine)
    await judge("breached-en", await _at(base, line, "bob"))
    await asyncio.to_thread(press, phone, mine, "[value=take]")
    await judge("yours", mine)
    await judge("taken", await _at(base, line, "bob"))
    await line.later(1900)
    await line.turn()
    await judge("newer", mine)
    await judge("broken-promise", await _at(base, line))
    await asyncio.to_thread(press, phone, await _at(base, line), "[value=pass]")
    await judge("passed", await _at(base, line) + "?said=did_passed")
    await line.hear(
        sla("closed_late", subject="20260305-000007", metric="action", sequence=3, late_seconds=780, **TICKET)
    )
    await judge("ended", await _at(base, line))
    await judge("wrong", f"{base}/a/1/{'0' * 32}")
    await line.hear(*(late(f"T{i}", -i, **TICKET) for i in range(70)))
    await line.turn()
    await line.later(61)
    await line.turn()
    many = await _at(base, line)
    await judge("many", many)
    await asyncio.to_thread(press, phone, f"{many}?from=50", "[name=alert]")
    await judge("many-some", many)
    await asyncio.to_thread(press, phone, many, "[value=take]")
    await judge("many-yours", f"{many}?from=50")
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def press(phone: Phone, link: str, css: str) -> None:
    """Press a button."""
    phone.driver.get(link)
    phone.until(css).click()
    phone.until("main")


def inspect(phone: Phone, name: str, link: str) -> dict[str, list[str]]:
    """Return what is wrong with a page, in both colour schemes."""
    wrong = {}
    for scheme in ("light", "dark"):
        phone.colors(scheme)
        phone.driver.get(link)
        phone.shot(f"{name}-{scheme}")
        wrong[f"{name} {scheme}"] = phone.complaints()
    return wrong
