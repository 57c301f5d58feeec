"""The desk pages in a real Chromium, without a mouse: on a phone and on a desktop, judged by axe-core.

Needs Debian's chromium and chromium-driver; skipped without them outside CI. PRAZO_TEST_SHOTS: a folder for screenshots.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, Keys

from deploy.local.process import free_port
from services.intake.handlers.mail import open_tickets
from services.intake.store.mail import Received, store_message
from shared.clock import now
from shared.web import Server
from tests.integration.intake.desk_app import PASSWORD, app, clock_event, event, hear, office, published
from tests.servers.chromium import SIZES, Window, chromium, needs_chromium

TICKET = "20260305-000007"
MISSING_PAGE = "/desk/tickets/nope - Failed to load resource: the server responded with a status of 404"
PAGES = [
    *("/desk", "/desk?closed=1", "/desk?q=nada", "/desk/phone", "/desk/discarded", f"/desk/tickets/{TICKET}"),
    *("/desk/tickets/T1", "/desk/tickets/T2", "/desk/tickets/T4", "/desk/tickets/nope"),
]

pytestmark = [
    needs_chromium,
    pytest.mark.timeout(300),
]


class Page(Window):
    """A Chromium window that is used by keyboard only."""

    def __init__(self, driver: Chrome, base: str, width: int) -> None:
        super().__init__(driver, width, 900)
        self.base = base

    def open(self, path: str) -> None:
        """Open a path."""
        self.driver.get(self.base + path)

    def tab_to(self, wanted: str) -> None:
        """Press Tab until the focus is on a control whose text, name or label is ``wanted``."""
        for _ in range(60):
            self.keys(Keys.TAB)
            focused = self.driver.switch_to.active_element
            if wanted in (focused.text, focused.get_attribute("name"), focused.accessible_name):
                return
        raise AssertionError(f"no way to {wanted} by keyboard")

    def log_in(self) -> None:
        """Fill in the log-in page."""
        self.tab_to("user")
        self.keys("ana")
        self.tab_to("password")
        self.keys(PASSWORD, Keys.ENTER)
        self.until("nav")

    def outline(self) -> str:
        """Return the style of the focused control's outline: "none" would be an invisible focus."""
        focused = self.driver.switch_to.active_element
        return str(focused.value_of_css_property("outline-style"))

    def complaints(self) -> list[str]:
        """Return what the console said, and the serious and critical findings of axe-core."""
        return [*(one for one in self.said() if MISSING_PAGE not in one), *self.grave()]


@pytest.fixture(params=[*SIZES], ids=[f"{width} px" for width, _ in SIZES])
def window(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Chrome, int]]:
    """Return a window of one size; scripts are off for pages but not for the driver."""
    width, height = request.param
    with chromium(width, height, tmp_path) as driver:
        yield driver, width


@pytest.fixture
async def base(pool: Any) -> AsyncIterator[str]:
    """Return the address of a desk with some tickets, mails and clocks."""
    await fill(pool)
    port = free_port()
    server = Server(app(pool), "127.0.0.1", port)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await serving


async def fill(pool: Any) -> None:
    """Fill a desk: a ticket in each state that is shown, a mail with its ticket, discarded mail."""
    mails = [
        b"Subject: =?utf-8?q?Resposta_autom=C3=A1tica=3A_f=C3=A9rias?=\r\nAuto-Submitted: auto-replied\r\n"
        b"From: Ana <ana@cliente.example>\r\n\r\nEstou fora.\r\n",
        b"Subject: "
        + b"x" * 200
        + b"\r\nAuto-Submitted: auto-replied\r\nFrom: "
        + b"y" * 150
        + b"@z.example\r\n\r\nx\r\n",
        "Subject: Rejeição 204 na NF-e 1234\r\nFrom: Ana <ana@cliente.example>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        "Bom dia,\n\nA nota 1234 voltou com a Rejeição 204: Duplicidade de NF-e.\nO caminhão está no pátio. Podem ajudar?\n\n"
        "Atenciosamente,\nAna Souza\nFiscal\n\nEm 5 de março, Suporte escreveu:\n> Olá, recebemos.\n".encode(),
    ]
    for n, raw in enumerate(mails):
        mail = Received("suporte@desk.example", f"<{n}@x>", raw, hashlib.sha256(raw).digest(), now(), "", "a@b.example")
        async with pool.acquire() as connection, connection.transaction():
            await store_message(connection, mail)
    await open_tickets(office(pool).desk)
    long = "Emissão parada em todas as filiais desde cedo: erro de schema XML no grupo de pagamento ao autorizar a NF-e"
    await hear(
        pool,
        event("opened", "T1", -300, title=long, client_id="acme", priority="urgent", channel="phone"),
        event("assigned", "T1", -290, assignee="bruno"),
        event("opened", TICKET, -100, title="Rejeição 204", service="software-fault", rejection_codes=["204"],
              articles=["https://kb.example/rejeicao-204"], routing_rule="rejeições da SEFAZ", contact_registered=False),
        event("opened", "T2", -90, title="Migração de servidor", service="migration", client_id="acme"),
        event("responded", "T2", -80, by="ana"),
        event("scheduled", "T2", -70, starts_at="2027-03-05T14:00:00-03:00", by="ana"),
        event("paused", "T2", -60, reason="customer_infrastructure"),
        event("opened", "T3", -500, title="Dúvida resolvida", service="question"),
        event("resolved", "T3", -400, by="ana"),
        event("opened", "T4", -5, title="x" * 120, service="y" * 150, client_id="z" * 150),
        event("assigned", "T4", -4, assignee="w" * 150),
        clock_event("breached", "T1", "response", 1, -75),
        clock_event("started", "T1", "action", 2, 500),
        clock_event("started", TICKET, "response", 1, 12),
        clock_event("started", TICKET, "action", 2, 5000),
        clock_event("met", "T2", "response", 1, 30),
        clock_event("paused", "T2", "action", 2, None),
    )  # fmt: skip
    mail_of = "UPDATE message SET ticket_id = $1, became = 'opened' WHERE discarded IS NULL"
    await pool.execute(mail_of, TICKET)
    await pool.execute("DELETE FROM outbox")


async def test_a_person_works_by_keyboard_alone_and_one_button_is_one_event(
    pool: Any, base: str, window: tuple[Chrome, int]
) -> None:
    page = Page(window[0], base, window[1])
    await asyncio.to_thread(work, page)
    ((name, data),) = await published(pool)
    assert (name, data) == ("ticket.responded", {"ticket_id": TICKET, "by": "ana"})


def work(page: Page) -> None:
    """Log in, open the ticket that is next, press "Respondido", and see it said."""
    page.open("/desk")
    page.shot("login")
    page.log_in()
    assert page.driver.current_url == f"{page.base}/desk"
    page.tab_to("Rejeição 204")
    assert page.outline() == "solid"
    page.keys(Keys.ENTER)
    page.until("#h-acts")
    page.tab_to("Respondido")
    page.keys(Keys.SPACE)
    assert page.until("[role=status]").text == "Resposta registrada."
    page.shot("ticket-answered")
    assert page.complaints() == []


async def test_every_page_fits_is_quiet_and_has_no_serious_finding(base: str, window: tuple[Chrome, int]) -> None:
    page = Page(window[0], base, window[1])
    assert await asyncio.to_thread(inspect, page) == {}


def inspect(page: Page) -> dict[str, Any]:
    """Return what is wrong with each page, in both colour schemes."""
    wrong: dict[str, Any] = {}
    page.open("/desk/login")
    wrong["/desk/login"] = (page.complaints(), page.overflow())
    page.open("/desk/login")
    page.log_in()
    for scheme in ("light", "dark"):
        feature = [{"name": "prefers-color-scheme", "value": scheme}]
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": feature})
        for number, path in enumerate(PAGES):
            page.open(path)
            page.shot(f"{scheme}-{number}")
            if path.startswith("/desk/tickets/T"):
                page.driver.execute_script("document.querySelectorAll('details').forEach(d => { d.open = true })")
                page.shot(f"{scheme}-{number}-open")
            wrong[f"{path} {scheme}"] = (page.complaints(), page.overflow())
    return {key: found for key, found in wrong.items() if found != ([], 0)}
