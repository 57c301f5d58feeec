"""The acknowledgement pages in a real Chromium, at phone and desktop size, light and dark, judged by axe-core.

Needs Debian's chromium and chromium-driver; skipped without them outside CI. PRAZO_TEST_SHOTS: a folder for screenshots.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService, Keys
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from deploy.local.process import free_port
from shared.web import Server
from tests.notifier_line import ONCALL, Line, Scripted, sla
from tests.notifier_page import LONG, REFUSED, app, late, link_to, soon

MISSING = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
SHOTS = os.environ.get("PRAZO_TEST_SHOTS")
SIZES = [(390, 844), (1280, 900)]
WRONG_LINK = "Failed to load resource: the server responded with a status of 404"
TICKET: dict[str, Any] = {
    "ticket": {"title": LONG, "service": "nfe", "priority": "urgent"},
    "client_id": "Acme & Filhos",
}

pytestmark = [
    pytest.mark.skipif(bool(MISSING) and not os.environ.get("CI"), reason=f"not installed: {', '.join(MISSING)}"),
    pytest.mark.timeout(300),
]


class Phone:
    """A Chromium window that runs whatever scripts it is given."""

    def __init__(self, driver: Chrome, width: int) -> None:
        self.driver, self.width = driver, width

    def colors(self, scheme: str) -> None:
        """Prefer a colour scheme."""
        feature = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": feature})

    def shot(self, name: str) -> None:
        """Take a screenshot of the whole page, if asked for."""
        if SHOTS:
            height = self.driver.execute_script("return document.documentElement.scrollHeight")
            view = {"width": self.width, "height": height, "deviceScaleFactor": 1, "mobile": False}
            self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", view)
            self.driver.save_screenshot(str(Path(SHOTS) / f"{name}-{self.width}.png"))
            self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {**view, "height": 844})

    def keys(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def tab_to(self, wanted: str) -> None:
        """Press Tab until the focus, which must be seen, is on a control with this name or text."""
        for _ in range(60):
            self.keys(Keys.TAB)
            focused = self.driver.switch_to.active_element
            if wanted in (focused.text, focused.accessible_name):
                assert focused.value_of_css_property("outline-style") == "solid"
                return
        raise AssertionError(f"no way to {wanted} by keyboard")

    def until(self, css: str) -> WebElement:
        """Return the element once it is there."""
        found = WebDriverWait(self.driver, 15).until(lambda driver: driver.find_elements(By.CSS_SELECTOR, css))
        return found[0]

    def complaints(self) -> list[str]:
        """Return what the console said, what axe-core finds, targets below 48 px, and whether the page is too wide."""
        said = [str(entry["message"]) for entry in self.driver.get_log("browser")]  # type: ignore[no-untyped-call]  # selenium's own
        self.driver.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})  # for the next page: axe is a script
        self.driver.refresh()
        self.driver.execute_script((files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8"))
        found = self.driver.execute_async_script("axe.run().then(arguments[arguments.length - 1])")
        self.driver.execute_cdp_cmd("Page.setBypassCSP", {"enabled": False})
        self.driver.get_log("browser")  # type: ignore[no-untyped-call]  # selenium's own
        assert found["passes"]
        small = self.driver.execute_script(SMALL)
        wide = self.driver.execute_script(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        grave = [v for v in found["violations"] if v["impact"] in ("serious", "critical")]
        return [
            *(one for one in said if WRONG_LINK not in one),
            *(f"{v['id']}: {node['html']} {node['failureSummary']}" for v in grave for node in v["nodes"]),
            *(f"below 48 px: {one}" for one in small),
            *([f"{wide} px too wide"] if wide else []),
        ]


SMALL = """return [...document.querySelectorAll("button, select, a")].filter(e => {
    const box = e.getBoundingClientRect(); return box.height < 48 || box.width < 48 }).map(e => e.outerHTML)"""


@pytest.fixture(params=[*SIZES], ids=[f"{width} px" for width, _ in SIZES])
def phone(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Phone]:
    """Return a window of one size."""
    width, height = request.param
    options = ChromeOptions()
    for argument in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", f"user-data-dir={tmp_path}"):
        options.add_argument(f"--{argument}")
    options.add_argument("--lang=pt-BR")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.binary_location = shutil.which("chromium") or ""
    driver = Chrome(options, ChromeService(shutil.which("chromedriver") or ""))
    try:
        driver.set_page_load_timeout(30)
        driver.set_script_timeout(60)
        view = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", view)
        yield Phone(driver, width)
    finally:
        driver.quit()


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
