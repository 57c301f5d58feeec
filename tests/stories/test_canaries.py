"""Personal data and secrets come in everywhere, everything fails once, and none of it comes out: not on a topic (keys,
values, headers, dead letters), not in a log at DEBUG, not in a metric."""

import asyncio
import signal
import smtplib
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiosmtplib
import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiosmtpd.controller import Controller

from deploy.local.process import Child, Command, free_port
from tests.canary import Canary, leaks
from tests.conftest import dsn_for
from tests.integration.intake.asterisk import Asterisk
from tests.integration.intake.desk_app import hidden
from tests.servers.imap_script import imap_script
from tests.stories import aviary
from tests.stories.aviary import ADDRESS, CANARIES, NUMBER, OTHER_NUMBER, PASSWORD, TOKEN, WRONG_PASSWORD
from tests.stories.line import Line, line

pytestmark = pytest.mark.timeout(600)
TEXT = f"ligar (62) 98711-2233 ou {ADDRESS}"
LOUD = ("intake", "sla_timer", "notifier")


@asynccontextmanager
async def desk(
    kafka: str, topics: str, postgres: str, database: str, folder: Path
) -> AsyncIterator[tuple[Line, aviary.Wire, aviary.FaultyMailServer]]:
    """Run three loud services; the database of intake is behind a wire, its mail server is faulty."""
    faulty = aviary.FaultyMailServer()
    out = Controller(faulty, hostname="127.0.0.1", port=free_port())
    await asyncio.to_thread(out.start)
    place = postgres.split("@")[1].split("/")[0]
    host, _, port = place.partition(":")
    refusing = {"CAPABILITY": b"* CAPABILITY IMAP4rev1 IDLE\r\n", "LOGIN": b"NO"}
    try:
        async with (
            imap_script(refusing) as (imap_port, _),
            Asterisk(aviary.transcript(folder)) as asterisk,
            aviary.wire(host, int(port)) as cable,
            line(kafka, topics, postgres, database, folder) as made,
        ):
            aviary.configure(folder, asterisk.port, imap_port)
            dsn = dsn_for(postgres, "intake_app", database).replace(place, f"127.0.0.1:{cable.port}")
            ours = {"PRAZO_DATABASE_URL": dsn, "PRAZO_SMTP_OUT": f"127.0.0.1:{out.port}", "PYTHONASYNCIODEBUG": "1"}
            for service in LOUD:
                own = {"PRAZO_DATABASE_URL": made.dsns[service]} if service != "intake" else ours
                environment = {**made.environment, **own, "PRAZO_HTTP_PORT": made.http[service].rpartition(":")[2]}
                argv = [sys.executable, "-m", "tests.stories.loud", service]
                made.children[service] = await Child.start(Command(argv, folder / f"{service}.log", environment))
            await made.ready()
            yield made, cable, faulty
    finally:
        await asyncio.to_thread(out.stop)


async def send_mails(port: int) -> None:
    """Deliver mails, and say to the server what senders should not."""
    for n in range(4):
        await aiosmtplib.send(aviary.mail(n), hostname="127.0.0.1", port=port, timeout=20, start_tls=False)

    def talk() -> None:
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
            client.ehlo(aviary.DOMAIN)
            for said in (
                f"AUTH PLAIN {PASSWORD}",
                f"VRFY {ADDRESS}",
                ADDRESS,
                f"MAIL FROM:<{ADDRESS}> SIZE=99999999999",
            ):
                client.docmd(said)
            client.docmd(f"MAIL FROM:<{ADDRESS}")
            for raw in aviary.broken_mails():
                client.rset()
                client.docmd(f"MAIL FROM:<{ADDRESS}>")
                client.docmd(f"RCPT TO:<{ADDRESS} {NUMBER}>")
                client.docmd("RCPT TO:<suporte@desk.example>")
                with suppress(smtplib.SMTPException):
                    client.data(raw)

    await asyncio.to_thread(talk)


async def post_calls(client: httpx.AsyncClient) -> list[int]:
    """Post a missed call, and what is refused; return the statuses."""
    fine = [aviary.call("started", f"c{aviary.NAME[0]}1"), aviary.call("ended", "cZ1")]
    wrong = [aviary.call("started", "2", at=NUMBER), aviary.call(ADDRESS, "3"), f'{{"number": "{NUMBER}"'.encode()]
    answers = [await client.post("/v1/calls", content=body, headers=aviary.signed(body)) for body in [*fine, *wrong]]
    answers.append(await client.post("/v1/calls", content=fine[0], headers=aviary.signed(fine[0], "x" * 32)))
    answers.append(await client.post("/v1/calls", content=fine[0], headers={"Prazo-Signature": aviary.KEY}))
    return [answer.status_code for answer in answers]


async def post_events(client: httpx.AsyncClient) -> list[int]:
    """Post events of another system that knows no discretion; return the statuses."""
    head: dict[str, Any] = {"specversion": "1.0", "source": "story/crm", "time": "2026-11-25T08:00:00-03:00"}
    opened = {
        "service": "triage",
        "channel": "portal",
        "title": TEXT,
        "scope_reason": TEXT,
        "customer": {"mail": ADDRESS},
    }

    async def post(n: int, data: dict[str, Any], type_: str = "ticket.opened", token: str = TOKEN) -> int:
        event = {**head, "id": str(n), "type": type_, "subject": f"T{n}", "data": {"ticket_id": f"T{n}", **data}}
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/cloudevents+json"}
        return (await client.post("/v1/events", json=event, headers=headers)).status_code

    return [
        await post(1, opened),
        await post(1, {**opened, "title": f"{TEXT}!"}),
        await post(1, {"why": TEXT, "service": "triage", "emergency": ADDRESS}, "ticket.reclassified"),
        await post(2, {**opened, "channel": "whatsapp"}),
        await post(3, opened, token=f"{TOKEN}x"),
        await post(4, {**opened, "contact_ref": ADDRESS}),
        await post(5, {**opened, "contact_registered": NUMBER}),
        await post(6, opened, f"ticket.{ADDRESS}"),
    ]


async def work_at_the_desk(client: httpx.AsyncClient, canaries: list[Canary]) -> None:
    """Log in, fill in the phone form, write to a ticket; the session's secrets become canaries."""
    for user, password in ((ADDRESS, WRONG_PASSWORD), (PASSWORD, PASSWORD), ("ana", WRONG_PASSWORD), ("ana", PASSWORD)):
        await client.post("/desk/login", data={"user": user, "password": password, "next": "/desk"})
    canaries.append(Canary("session", client.cookies["prazo_desk"]))
    form = hidden(await client.get("/desk/phone"))
    canaries.append(Canary("form token", form["csrf"]))
    said = {**form, "number": NUMBER, "service": "triage", "title": TEXT}
    page = await client.post("/desk/phone", data={**said, "title": ""})
    assert page.status_code == 422
    page = await client.post("/desk/phone", data=said)
    assert page.status_code == 200
    assert page.url.path.startswith("/desk/tickets/")
    act = {**hidden(page, "reclassified"), "service": "triage", "scope": "out_of_scope", "why": TEXT}
    assert (await client.post(page.url.path, data=act)).status_code == 200
    for path in (f"/desk?words={ADDRESS}", "/desk/discarded", f"/desk/tickets/{ADDRESS}", page.url.path):
        await client.get(path)


async def reload(made: Line, client: httpx.AsyncClient, folder: Path) -> None:
    """Let the configuration be read again: first with a broken file that names a person, then with the old one."""
    agents = folder / "agents.yaml"
    whole = agents.read_text(encoding="utf-8")
    for text, outcome in ((f"agents: {{{ADDRESS}: [}}\n", "refused"), (whole, "loaded")):
        agents.write_text(text, encoding="utf-8")
        made.children["intake"].send(signal.SIGHUP)
        async with asyncio.timeout(20):
            while f'prazo_intake_reloads_total{{outcome="{outcome}"}} 1.0' not in (await client.get("/metrics")).text:
                await asyncio.sleep(0.2)
        assert (await client.get("/desk/phone")).status_code == 200


async def until(dsn: str, query: str, seconds: float = 150) -> None:
    """Wait until a query of intake's database says true."""
    connection = await asyncpg.connect(dsn, server_settings={"search_path": "intake"})
    try:
        async with asyncio.timeout(seconds):
            while not await connection.fetchval(query):
                await asyncio.sleep(0.2)
    finally:
        await connection.close()


async def records(kafka: str, prefix: str) -> dict[str, bytes]:
    """Return all that lies on each topic: keys, values, names and values of headers."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    described = await admin.describe_topics([t for t in await admin.list_topics() if t.startswith(prefix)])
    await admin.close()
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False)
    await consumer.start()
    try:
        return {one["topic"].removeprefix(prefix): await _said(consumer, one) for one in described}
    finally:
        await consumer.stop()


async def _said(consumer: Any, described: Any) -> bytes:
    said: list[bytes] = []
    for part in described["partitions"]:
        place = TopicPartition(described["topic"], part["partition"])
        consumer.assign([place])
        end = (await consumer.end_offsets([place]))[place]
        consumer.seek(place, (await consumer.beginning_offsets([place]))[place])
        while await consumer.position(place) < end:
            for record in (await consumer.getmany(place, timeout_ms=1000)).get(place, ()):
                said += [record.key or b"", record.value or b""]
                said += [part for name, value in record.headers for part in (name.encode(), value)]
    return b"\n".join(said)


async def test_nothing_personal_and_no_secret_comes_out(
    kafka: str, topics: str, postgres: str, database: str, tmp_path: Path
) -> None:
    canaries, dsn = list(CANARIES), dsn_for(postgres, "intake_app", database)
    async with desk(kafka, topics, postgres, database, tmp_path) as (made, cable, faulty):
        await send_mails(made.smtp_port)
        async with httpx.AsyncClient(base_url=made.http["intake"], timeout=20, follow_redirects=True) as client:
            assert await post_calls(client) == [202, 202, 422, 422, 400, 401, 401]
            assert await post_events(client) == [202, 409, 422, 422, 401, 422, 422, 422]
            await work_at_the_desk(client, canaries)
            await reload(made, client, tmp_path)
            cable.cut()
            with pytest.raises(aiosmtplib.SMTPException):
                await aiosmtplib.send(
                    aviary.mail(1), hostname="127.0.0.1", port=made.smtp_port, timeout=40, start_tls=False
                )
            body = aviary.call("started", "4")
            assert (await client.post("/v1/calls", content=body, headers=aviary.signed(body))).status_code == 503
            assert (await client.get(f"/desk?words={ADDRESS}")).status_code == 503
            assert (await post_events(client))[0] == 503
            cable.mend()
            await made.ready()
            await send_mails(made.smtp_port)
        await until(
            dsn,
            "SELECT count(*) FILTER (WHERE ticket_id IS NULL AND discarded IS NULL) = 0 AND count(*) > 12 FROM message",
        )
        await until(dsn, "SELECT count(*) FILTER (WHERE state = 'waiting') = 0 AND count(*) > 3 FROM reply")
        await until(
            dsn,
            f"SELECT count(*) > 0 FROM call WHERE pbx = 'asterisk' AND number = '+55{OTHER_NUMBER}' AND decision = 'missed'",
        )
        await until(dsn, "SELECT count(*) > 3 FROM clock WHERE state = 'breached'")
        await until(dsn, "SELECT count(*) = 0 FROM outbox")
        assert faulty.refusals == []
        assert faulty.taken > 2
        places = await records(kafka, topics)
        async with httpx.AsyncClient(timeout=10) as client:
            for service in LOUD:
                places[f"{service} metrics"] = (await client.get(f"{made.http[service]}/metrics")).content
    for service in LOUD:
        places[f"{service} log"] = (tmp_path / f"{service}.log").read_bytes()
    assert [place for place in ("tickets.v1", "sla.v1", "notices.v1") if b"ticket" not in places[place]] == []
    assert places["tickets.v1"].count(b"[telefone]") > 5
    assert all(b"DEBUG loud" in places[f"{service} log"] for service in LOUD)
    assert leaks(places, canaries) == []
    assert leaks({**places, "planted": places["intake log"] + ADDRESS.encode()}, canaries) != []
