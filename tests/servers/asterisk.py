"""A real Asterisk and SIPp (Debian bullseye's packages in a folder made by debootstrap) as children on loopback.

PRAZO_ASTERISK_ROOT is that folder; ``make asterisk`` makes it. The system that the tests run on gets nothing installed.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deploy.local.process import free_port

USER, SECRET, NUMBER = "prazo", "s3cret-of-a-test", "62988887777"
ANSWERED, UNANSWERED = "100", "200"
"""Extensions whose queue has an agent, and none."""

_FILES: Mapping[str, str] = {
    "asterisk.conf": """
[directories]
astetcdir => {inside}
astmoddir => /usr/lib/asterisk/modules
astvarlibdir => /var/lib/asterisk
astdatadir => /usr/share/asterisk
astdbdir => {inside}
astspooldir => {inside}
astrundir => {inside}
astlogdir => {inside}
""",
    "modules.conf": """
[modules]
autoload = no
load = res_timing_timerfd.so
load = res_sorcery_config.so
load = res_pjproject.so
load = res_rtp_asterisk.so
load = codec_ulaw.so
load = bridge_simple.so
load = pbx_config.so
load = func_callerid.so
load = app_queue.so
load = chan_sip.so
""",
    "logger.conf": """
[general]
queue_log = yes
[logfiles]
messages = notice,warning,error
""",
    "manager.conf": """
[general]
enabled = yes
bindaddr = 127.0.0.1
port = {ami}
timestampevents = yes
[{user}]
secret = {secret}
read = agent,call,user,reporting
write = reporting
""",
    "sip.conf": """
[general]
udpbindaddr = 127.0.0.1:{sip}
context = calls
allowguest = yes
directmedia = no
disallow = all
allow = ulaw
[101]
type = peer
host = 127.0.0.1
port = {phone}
qualify = no
""",
    "queues.conf": """
[support]
member => SIP/101,0,Ana
timeout = 5
[nobody]
joinempty = yes
""",
    "extensions.conf": """
[calls]
exten => {answered},1,Set(CALLERID(num)={number})
 same => n,Answer()
 same => n,Queue(support,,,,20)
 same => n,Hangup()
exten => {unanswered},1,Set(CALLERID(num)={number})
 same => n,Answer()
 same => n,Queue(nobody,,,,20)
 same => n,Hangup()
""",
}


class Exchange:
    """A running Asterisk: the port of its manager interface, its queue_log, and somebody who calls."""

    def __init__(self, root: Path, folder: Path, sip: int, ami: int) -> None:
        self._root, self._folder, self._sip, self.ami = root, folder, sip, ami

    @property
    def queue_log(self) -> Path:
        """Return the path of its queue_log."""
        return self._folder / "queue_log"

    def call(self, extension: str, seconds: float) -> None:
        """Call an extension and hang up after some seconds in the queue or of talk; returns when that is done."""
        scenario = ["-sn", "uac", "-m", "1", "-d", str(int(seconds * 1000)), "-s", extension, "-i", "127.0.0.1"]
        run = ["sipp", *scenario, "-p", str(free_port()), f"127.0.0.1:{self._sip}"]
        subprocess.run(_in(self._root, run), stdout=subprocess.DEVNULL, check=True, timeout=60)


def _in(root: Path, command: list[str]) -> list[str]:
    return ["chroot", str(root), "/usr/bin/env", "TERM=xterm", *command]


def _start(root: Path, command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(_in(root, command), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def missing() -> str:
    """Return what is not there for a real Asterisk, "" if all is."""
    root = os.environ.get("PRAZO_ASTERISK_ROOT", "")
    if not root:
        return "PRAZO_ASTERISK_ROOT is not set: run make asterisk"
    if os.geteuid() != 0:
        return "only root can enter the folder of another system"
    absent = [name for name in ("usr/sbin/asterisk", "usr/bin/sipp") if not (Path(root) / name).exists()]
    return f"not in {root}: {', '.join(absent)}" if absent else ""


@contextmanager
def exchange() -> Iterator[Exchange]:
    """Run an Asterisk with a queue that has an agent, who takes every call, and one that has none."""
    root = Path(os.environ["PRAZO_ASTERISK_ROOT"]).resolve()
    folder = Path(tempfile.mkdtemp(prefix="prazo-", dir=root / "tmp"))
    sip, ami, phone = free_port(), free_port(), free_port()
    inside = f"/tmp/{folder.name}"
    said = {"inside": inside, "sip": sip, "ami": ami, "phone": phone, "user": USER, "secret": SECRET}
    said |= {"number": NUMBER, "answered": ANSWERED, "unanswered": UNANSWERED}
    for name, text in _FILES.items():
        (folder / name).write_text(text.format(**said))
    server = _start(root, ["asterisk", "-f", "-C", f"{inside}/asterisk.conf"])
    agent = _start(root, ["sipp", "-sn", "uas", "-i", "127.0.0.1", "-p", str(phone)])
    try:
        deadline = time.monotonic() + 30
        while not (folder / "asterisk.ctl").exists() and server.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(1)  # its modules
        yield Exchange(root, folder, sip, ami)
    finally:
        for process in (agent, server):
            process.kill()
            process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)
