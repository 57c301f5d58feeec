"""The long tail by Apprise: one URL, in threads of its own, within the time limit, imported by those who use it."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from services.notifier.domain.cause import Cause
from services.notifier.domain.message import Outcome, Result
from tests.fakes.messages import message
from tests.fakes.remote import Fault, Remote, Reply
from tests.integration.notifier.channels.ways import opened

APPRISE_IMPORTS_IMGHDR = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
pytestmark = APPRISE_IMPORTS_IMGHDR

HANGING = Result(Outcome.UNKNOWN, Cause.TIMEOUT)
SETTINGS = {"kind": "apprise", "url_file": "apprise", "timeout": "30s"}


def write_url(folder: Path, url: str) -> None:
    """Write the secret that holds Apprise's URL."""
    (folder / "apprise").write_text(url)


async def test_it_says_whether_it_sent_and_nothing_more(tmp_path: Path) -> None:
    async with Remote(Reply(200), Reply(500)) as remote:
        write_url(tmp_path, f"json://127.0.0.1:{remote.port}/canaryPath")
        async with opened(tmp_path, SETTINGS) as channel:
            assert await channel.send(message()) == Result(Outcome.ACCEPTED)
            assert await channel.send(message()) == Result(Outcome.FAILED_TEMPORARY, Cause.NOT_SENT)
        assert remote.requests[0].json["title"] == message().content.subject


async def test_a_url_that_apprise_does_not_know_sends_nothing(tmp_path: Path) -> None:
    write_url(tmp_path, "nonsense://x")
    async with opened(tmp_path, SETTINGS) as channel:
        assert await channel.send(message()) == Result(Outcome.FAILED_TEMPORARY, Cause.NOT_SENT)


async def test_a_service_that_hangs_holds_its_own_threads_only_and_more_messages_fail_for_now(tmp_path: Path) -> None:
    async with Remote(Fault.SILENCE) as remote:
        write_url(tmp_path, f"json://127.0.0.1:{remote.port}/")
        async with opened(tmp_path, {**SETTINGS, "timeout": "1s", "at_once": 1}) as channel:
            assert await channel.send(message()) in (Result(Outcome.FAILED_TEMPORARY, Cause.TIMEOUT), HANGING)
            while not remote.requests:  # on a busy machine it loads for longer than a second
                await channel.send(message())
                await asyncio.sleep(0.05)
            assert await channel.send(message()) == Result(Outcome.FAILED_TEMPORARY, Cause.REMOTE_BUSY)


def test_whoever_has_no_such_channel_does_not_pay_for_it() -> None:
    said = "import sys, services.notifier.transports.opening; print('apprise' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
