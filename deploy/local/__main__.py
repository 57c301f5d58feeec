"""``python -m deploy.local run`` (make run), ``… smoke [--without SERVICE]`` (make smoke) and ``… policy`` (make policy)."""

import argparse
import asyncio
import logging
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from email.header import decode_header, make_header
from pathlib import Path
from typing import Any

from deploy.local import story
from deploy.local.kafka import jars
from deploy.local.narrator import narrate
from deploy.local.policy.run import MAILS, policy
from deploy.local.stack import SERVICES, AlreadyRunning, Stack
from shared import clock

READY_SECONDS = 60.0
PAGE_SECONDS = 45.0
_WHAT_NOW = """
What now
  send your own mail       python3 -c "import email.utils as u, smtplib as s; s.SMTP('127.0.0.1', {smtp}).sendmail('eu@example.invalid', ['suporte@example.invalid'], 'Message-ID: %s\\nDate: %s\\nSubject: NF-e parada\\n\\nSocorro' % (u.make_msgid(domain='example.invalid'), u.formatdate()))"
  publish with one curl    curl -sS {intake}/v1/events -H "Authorization: Bearer $(cat {var}/secrets/demo_token)" -H 'Content-Type: application/cloudevents+json' -d '{event}'
  publish with Kafka       .venv/bin/python -m deploy.local.publish {kafka} '{event}'
  work at the desk         {intake}/desk as ana, password {password}
  answer ticket X          the same with "type": "ticket.responded" and "data": {{"ticket_id": "X", "by": "ana"}}
  pages that left          {var}/mail/      metrics  {metrics}
  logs                     {var}/log/       addresses  {var}/stack.json
  end with Ctrl-C; the data stays in {var}/
"""
_EVENT = (
    '{{"specversion": "1.0", "id": "{id}", "source": "demo/me", "type": "ticket.opened", "subject": "ME-1", '
    '"time": "{time}", "data": {{"ticket_id": "ME-1", "service": "triage", "channel": "portal", "title": "Olá"}}}}'
)


class Teller:
    """Prints lines with the seconds since the downloads were there."""

    def __init__(self) -> None:
        self.began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Return the seconds since the beginning."""
        return time.monotonic() - self.began

    def __call__(self, text: str) -> None:
        """Print one line."""
        print(f"{self.seconds:6.1f} s  {text}", flush=True)


async def run(var: Path) -> int:
    """Start the stack, play the demo, keep running until Ctrl-C or SIGTERM."""
    await jars(lambda text: print(text, flush=True))
    tell, since = Teller(), clock.now()
    stack = Stack(var, tell)
    telling: asyncio.Task[None] | None = None
    try:
        known = (var / "postgres" / "data").exists()
        tell(f"{'starting again with the data of' if known else 'starting in'} {var}")
        await stack.start()
        await story.ready(stack, READY_SECONDS)
        print("READY", flush=True)
        telling = asyncio.create_task(narrate(stack.kafka.bootstrap if stack.kafka else "", tell, since))
        subject = f"NF-e rejeitada 204, demonstração {time.strftime('%H:%M:%S')}"
        await asyncio.sleep(0.5)
        await story.send_mail(stack, subject)
        tell(f"a mail was sent to 127.0.0.1:{stack.smtp_port}: {subject}")
        first = await story.page(stack, _breach_of(subject), PAGE_SECONDS, "notifier: no page of a breach")
        tell(f"in {stack.mail}: {make_header(decode_header(first['Subject']))}")
        print(f"FIRST PAGE {tell.seconds:.1f} {story.link_of(first)}", flush=True)
        print(_what_now(stack), flush=True)
        await asyncio.Event().wait()
    except (story.Missing, AlreadyRunning, RuntimeError) as error:
        print(f"prazo: {error}", file=sys.stderr)
        return 3
    except asyncio.CancelledError:
        tell("stopping")
    finally:
        if telling is not None:
            telling.cancel()
        await asyncio.shield(stack.stop())
    tell("stopped")
    return 0


def _breach_of(subject: str) -> Callable[[Any], bool]:
    return lambda m: m["Prazo-Event"] == "breached" and subject in story.text_of(m)


def _what_now(stack: Stack) -> str:
    event = _EVENT.format(
        id=f"me-{int(time.monotonic() * 1000)}", time=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    )
    return _WHAT_NOW.format(
        smtp=stack.smtp_port,
        intake=stack.http["intake"],
        var=stack.var,
        event=event,
        password=stack.desk_password,
        kafka=stack.kafka.bootstrap if stack.kafka else "",
        metrics=" ".join(f"{url}/metrics" for url in stack.http.values()),
    )


async def smoke(without: str | None) -> int:
    """Play the story on free ports in a temporary folder through the front doors only; 0 when all of it happened."""
    await jars(lambda text: print(text, flush=True))
    tell = Teller()
    with tempfile.TemporaryDirectory(prefix="prazo-smoke-") as folder:
        stack = Stack(Path(folder), tell, fixed_ports=False)
        try:
            await stack.start([name for name in SERVICES if name != without])
            tell("started")
            await _smoke_story(stack, tell)
        except (story.Missing, RuntimeError) as error:
            print(f"missing: {error}", flush=True)
            return 1
        except asyncio.CancelledError:
            return 130
        finally:
            await asyncio.shield(stack.stop())
    tell("all of it happened; stopped")
    return 0


async def _smoke_story(stack: Stack, tell: Teller) -> None:
    await story.ready(stack, 30.0)
    tell("READY: all four services answer")
    subject = "Smoke: NF-e parada"
    await story.send_mail(stack, subject)
    tell("a mail went in by SMTP")
    first = await story.page(stack, _breach_of(subject), PAGE_SECONDS, "notifier or sla_timer: no page of a breach")
    tell(f"page out: {make_header(decode_header(first['Subject']))}")
    await story.acknowledge(story.link_of(first))
    tell("its link was opened twice, which changed nothing, and then acknowledged")
    backup = await story.page(stack, _of_backup, PAGE_SECONDS, "backup_audit: no page of an overdue backup")
    tell(f"the overdue backup became ticket {backup['Prazo-Ticket']} and paged")
    tell(f"metrics: {await story.metrics(stack)} series of four services")
    await asyncio.sleep(1)
    ticket = first["Prazo-Ticket"]
    again = [m for m in story.messages(stack) if m["Prazo-Ticket"] == ticket and m["Prazo-Event"] == "breached"]
    if len(again) != 1:
        raise story.Missing(f"notifier: ticket {ticket} was paged {len(again)} times, once was right")


def _of_backup(message: Any) -> bool:
    return str(message["Prazo-Ticket"]).startswith("bkp-") and message["Prazo-Event"] == "breached"


def main() -> int:
    """Run the command of the command line; Ctrl-C and SIGTERM end it orderly."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.local", description="Prazo on this machine, without Docker."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run", help="start everything and play the demo")
    running.add_argument("--var", type=Path, default=Path("var"), help="where data, logs and mail are kept")
    smoking = commands.add_parser("smoke", help="play the story once and end")
    smoking.add_argument("--without", choices=sorted(SERVICES), help="never start this service")
    shown = commands.add_parser("policy", help="show the policy, rule by rule")
    shown.add_argument("--mails", type=_count, default=MAILS, help=f"how large the flood of rule 6 is ({MAILS})")
    shown.add_argument("--json", action="store_true", help="one JSON object a row and line")
    arguments = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    return asyncio.run(_until_signalled(_work(arguments)))


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100_000:
        raise argparse.ArgumentTypeError("must be a number from 1 to 100000")
    return int(text)


def _work(arguments: argparse.Namespace) -> Coroutine[Any, Any, int]:
    match arguments.command:
        case "run":
            return run(arguments.var.resolve())
        case "smoke":
            return smoke(arguments.without)
        case _:
            return policy(arguments.mails, json=arguments.json)


async def _until_signalled(work: Coroutine[Any, Any, int]) -> int:
    task = asyncio.create_task(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with suppress(asyncio.CancelledError):
        return await task
    return 130


if __name__ == "__main__":
    sys.exit(main())
