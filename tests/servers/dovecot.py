"""A real Dovecot (Debian's ``dovecot-imapd``) as a child process on loopback, in a folder of its own."""

import imaplib
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from deploy.local.process import free_port

PASSWORD = 'right "horse"'
USERS = ("suporte", "fiscal", "notas")

_CONFIG = """
base_dir = {root}/run
state_dir = {root}/state
log_path = {root}/dovecot.log
listen = 127.0.0.1
protocols = imap
ssl = yes
ssl_cert = <{root}/cert.pem
ssl_key = <{root}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2
auth_failure_delay = 0
mail_location = maildir:{root}/mail/%n
mail_max_userip_connections = 50
default_internal_user = {internal}
default_login_user = {login}
passdb {{
  driver = passwd-file
  mechanisms = plain login
  args = {root}/users
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {root}/oauth2.conf
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={root}/mail/%n
}}
first_valid_uid = 1
service imap-login {{
  {chroot}
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  {chroot}
}}
service stats {{
  {chroot}
}}
{more}
"""


class Dovecot:
    """The server with users ``suporte``, ``fiscal`` and ``notas``; ``more`` are lines of its configuration."""

    def __init__(self, root: Path, more: str = "", introspection_url: str = "http://127.0.0.1:1/") -> None:
        self.root, self.port, self.tls_port = root, free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None
        for name in ("run", "state", "mail"):
            (root / name).mkdir()
        self._certify()
        (root / "users").write_text("".join(f"{user}:{{PLAIN}}{PASSWORD}\n" for user in USERS))
        (root / "oauth2.conf").write_text(
            f"introspection_mode = post\nintrospection_url = {introspection_url}\nusername_attribute = username\n"
            "active_attribute = active\nactive_value = true\n"
        )
        self.configure(more)

    @property
    def authority(self) -> Path:
        """The certificate that it shows."""
        return self.root / "cert.pem"

    def _certify(self) -> None:
        command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost".split()
        names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        files = ["-keyout", str(self.root / "key.pem"), "-out", str(self.root / "cert.pem")]
        subprocess.run([*command, *names, *files], check=True, capture_output=True, timeout=30)

    def configure(self, more: str) -> None:
        """Write the configuration; it counts from the next start."""
        mine = os.getuid()
        nobody = pwd.getpwnam("nobody") if mine == 0 else pwd.getpwuid(mine)
        text = _CONFIG.format(
            root=self.root,
            port=self.port,
            tls_port=self.tls_port,
            uid=nobody.pw_uid,
            gid=nobody.pw_gid,
            internal="dovecot" if mine == 0 else nobody.pw_name,
            login="dovenull" if mine == 0 else nobody.pw_name,
            chroot="" if mine == 0 else "chroot =",
            more=more,
        )
        (self.root / "dovecot.conf").write_text(text)
        if mine == 0:
            os.chown(self.root / "mail", nobody.pw_uid, nobody.pw_gid)

    def start(self) -> None:
        """Start, and wait for the greeting."""
        self._process = subprocess.Popen(
            ["dovecot", "-F", "-c", str(self.root / "dovecot.conf")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        until = time.monotonic() + 15
        while not self._greets():
            if self._process.poll() is not None or time.monotonic() > until:
                said = self._process.stderr.read().decode() if self._process.stderr and self._process.poll() else ""
                raise AssertionError(f"Dovecot did not start: {said} {self.log()}")
            time.sleep(0.05)

    def _greets(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
            return connection.recv(4) == b"* OK"
        return False

    def log(self) -> str:
        """Return what it wrote to its log."""
        path = self.root / "dovecot.log"
        return path.read_text(errors="replace")[-4000:] if path.exists() else ""

    def stop(self) -> None:
        """End it and its children; connected clients hear BYE."""
        if self._process is not None:
            os.killpg(
                self._process.pid, signal.SIGTERM
            )  # the group, as systemd does: else clients hear nothing for 10 s
            self._process.wait(15)
            if self._process.stderr:
                self._process.stderr.close()
            self._process = None

    @contextmanager
    def client(self, user: str = "suporte") -> Iterator[imaplib.IMAP4]:
        """Yield a connection of a person's mail program."""
        with imaplib.IMAP4("127.0.0.1", self.port, timeout=15) as connection:
            connection.login(user, PASSWORD)
            yield connection

    def deliver(self, raws: Mapping[bytes, datetime] | list[tuple[bytes, datetime]], user: str = "suporte") -> None:
        """Put mails into the INBOX of a user, each with its INTERNALDATE."""
        with self.client(user) as connection:
            for raw, at in dict(raws).items() if isinstance(raws, Mapping) else raws:
                kind, said = connection.append("INBOX", "", imaplib.Time2Internaldate(at), raw)
                assert kind == "OK", said

    def mails(self, folder: str = "INBOX", user: str = "suporte") -> list[tuple[bytes, bytes]]:
        """Return flags and bytes of each mail of a folder, without touching it; nothing when there is no such folder."""
        with self.client(user) as connection:
            kind, said = connection.select(folder, readonly=True)
            if kind != "OK" or said == [b"0"]:
                return []
            _, data = connection.fetch("1:*", "(FLAGS BODY.PEEK[])")
            return [(imaplib.ParseFlags(item[0]), item[1]) for item in data if isinstance(item, tuple)]  # type: ignore[misc]  # flags are a tuple

    def forget_uids(self, user: str = "suporte") -> None:
        """While it is stopped: lose the indexes of a user, so that every folder gets another UIDVALIDITY."""
        for path in (self.root / "mail" / user).rglob("dovecot*"):
            path.unlink()
        time.sleep(1)  # UIDVALIDITY is a time in seconds

    def give_uids_again(self, user: str = "suporte") -> None:
        """While it is stopped: take the INBOX of a user back to its first UID, as an old backup would do."""
        folder = self.root / "mail" / user
        header = (folder / "dovecot-uidlist").read_text().splitlines()[0]
        for path in folder.glob("dovecot.index*"):
            path.unlink()
        (folder / "dovecot-uidlist").write_text(re.sub(r" N\d+", " N1", header) + "\n")


@contextmanager
def dovecot(more: str = "", introspection_url: str = "http://127.0.0.1:1/") -> Iterator[Dovecot]:
    """Run a server."""
    root = Path(tempfile.mkdtemp(prefix="dovecot"))  # a short path, for sockets; open to the mail user
    root.chmod(0o755)
    made = Dovecot(root, more, introspection_url)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(root)
