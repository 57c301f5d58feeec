"""No secret, address, number, URL or text of a remote reaches a log record, a result or an error, whatever happens."""

import logging
from pathlib import Path

import pytest

from services.notifier.domain.cause import Cause
from services.notifier.domain.message import Result
from shared.config import Misconfigured
from tests.fakes import twilio
from tests.fakes.ami import Call, CallingAsterisk
from tests.fakes.messages import ADDRESS, NUMBER, message
from tests.fakes.remote import Fault, Remote, Reply
from tests.fakes.smtp import Fault as MailFault
from tests.fakes.smtp import MailSink
from tests.integration.notifier.channels.test_apprise import APPRISE_IMPORTS_IMGHDR, SETTINGS
from tests.integration.notifier.channels.test_email import mailing
from tests.integration.notifier.channels.test_voice import calling
from tests.integration.notifier.channels.ways import FAKES, config, opened, way, write_secrets

SAID = b"canary said by the remote"
SCRIPT: tuple[Reply | Fault, ...] = (Reply(200, SAID), Reply(400, SAID), Reply(500, SAID), Fault.DROP, Fault.NO_HTTP)


def clean(results: list[Result], caplog: pytest.LogCaptureFixture) -> None:
    """Assert that neither results nor log records hold what may not be told, and that reasons are from our list."""
    told = repr(results) + "".join(f"{r.getMessage()} {r.__dict__}" for r in caplog.records)
    for canary in ("canary", "88887777", "x.example", "127.0.0.1", "/hook", "/v2/"):
        assert canary not in told
    assert all(result.reason is None or isinstance(result.reason, Cause) for result in results)


@pytest.mark.parametrize("name", FAKES)
async def test_a_channel_over_http_tells_nothing(name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with FAKES[name](*SCRIPT) as remote, way(name, remote, tmp_path) as channel:
        to = NUMBER if name in ("twilio", "zenvia") else ""
        results = [await channel.send(message(to=to)) for _ in range(len(SCRIPT) + 1)]
    async with way(name, remote, tmp_path) as channel:  # which is gone now
        results.append(await channel.send(message(to=to)))
    clean(results, caplog)


@APPRISE_IMPORTS_IMGHDR
async def test_mail_voice_and_apprise_tell_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    results = []
    for answers in ({"RCPT": b"550 5.1.1 <canary.ana@x.example> no"}, {".": MailFault.DROP}, {"MAIL": b"451 canary"}):
        async with MailSink(answers) as sink, mailing(sink, tmp_path) as channel:
            results.append(await channel.send(message(to=ADDRESS)))
    for how in (Call.KEY, Call.BUSY, Call.DROP, Call.REFUSED):
        async with CallingAsterisk(how) as asterisk, calling(asterisk, tmp_path) as channel:
            results.append(await channel.send(message(to=NUMBER)))
    async with Remote(Reply(500, SAID), Reply(200, SAID)) as remote:
        (tmp_path / "apprise").write_text(f"json://canary:canary@127.0.0.1:{remote.port}/canaryPath")
        async with opened(tmp_path, SETTINGS) as channel:
            results += [await channel.send(message()) for _ in range(2)]
    clean(results, caplog)


async def test_a_secret_that_is_missing_is_named_and_one_that_is_wrong_is_not_told(tmp_path: Path) -> None:
    wrong: list[str] = []
    for name, text in (("slack", None), ("slack", "canary not a url"), ("webhook", "canary too short")):
        write_secrets(tmp_path)
        file = tmp_path / ("key" if name == "webhook" else name)
        file.unlink()
        if text is not None:
            file.write_text(text)
        with pytest.raises(Misconfigured) as error:
            async with opened(tmp_path, config(name, "https://hook.example")):
                pass
        wrong.append(str(error.value))
    assert wrong == [
        f"channels:\n  channels.way: no file {tmp_path}/slack",
        f"{tmp_path}/slack: an https:// URL is needed",
        f"{tmp_path}/key: one line of at least 32 characters is needed",
    ]


async def test_an_account_that_is_written_in_an_answer_stays_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with FAKES["twilio"](twilio.refusal(400, 21211)) as remote, way("twilio", remote, tmp_path) as channel:
        clean([await channel.send(message(to=NUMBER))], caplog)
