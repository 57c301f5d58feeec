"""``mailboxes.yaml``: what it may say, and every error at once; when a mail of a mailbox counts as received."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.intake.domain.mailboxes import Mailbox, Mailboxes, received_at
from services.intake.sources.imap_login import read_mailboxes
from shared.config import Misconfigured

GOOD = "{address: a@b.example, host: imap.b.example, user: u, password_file: p}"
OAUTH = "token_url: 'https://l.example/t', client_id: c"

WRONG = [
    ("no address", "{}", "m.address: Field required"),
    ("an unknown word", f"{GOOD[:-1]}, pass: x}}", "m.pass: Extra inputs are not permitted"),
    ("a port", f"{GOOD[:-1]}, port: 70000}}", "m.port: Input should be less than or equal to 65535"),
    (
        "a long wait",
        f"{GOOD[:-1]}, sweep_seconds: 1800}}",
        "m.sweep_seconds: Input should be less than or equal to 1500",
    ),
    ("a folder with a line end", f'{GOOD[:-1]}, folder: "A\\nB"}}', "m.folder: String should match pattern"),
    ("no TLS far away", f"{GOOD[:-1]}, tls: none}}", "tls: none is for this machine only"),
    ("STARTTLS at 993", f"{GOOD[:-1]}, tls: starttls, port: 993}}", "port 993 is tls: implicit"),
    ("itself as done folder", f"{GOOD[:-1]}, done_folder: inbox}}", "done_folder must be another than folder"),
    (
        "two ways in",
        f"{GOOD[:-1]}, access_token_file: t}}",
        "exactly one of password_file, access_token_file and oauth",
    ),
    ("no way in", GOOD.replace(", password_file: p", ""), "exactly one of password_file, access_token_file and oauth"),
    (
        "a token endpoint in clear",
        f"{GOOD.replace('password_file: p', f'oauth: {{{OAUTH}}}').replace('https', 'http')}",
        "m.oauth.token_url: Value error, must be https",
    ),
    (
        "no secret for the endpoint",
        GOOD.replace("password_file: p", f"oauth: {{{OAUTH}}}"),
        "m.oauth: Value error, refresh_token_file or client_secret_file is required",
    ),
    ("two for one folder", f"{GOOD}, n: {GOOD}", "two mailboxes are the same folder of the same account"),
]


def read(folder: Path, text: str, *secrets: str) -> Mailboxes:
    """Read a file with this text."""
    (folder / "mailboxes.yaml").write_text(text)
    for name in secrets:
        (folder / name).write_text("x")
    return read_mailboxes(folder, folder)


@pytest.mark.parametrize(("text", "said"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_what_is_wrong_is_named_with_its_place(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as raised:
        read(tmp_path, f"mailboxes: {{m: {text}}}", "p", "t")
    assert said in str(raised.value)


def test_every_error_of_the_file_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as raised:
        read(tmp_path, f"mailboxes: {{m: {{}}, n: {GOOD[:-1]}, tls: none, port: 0}}, 'É': {GOOD}}}")
    places = [line.split(":")[0].strip() for line in str(raised.value).splitlines()[1:]]
    assert {"mailboxes.m.address", "mailboxes.m.host", "mailboxes.m.user", "mailboxes.n.port"} <= set(places)
    assert any("É" in place for place in places)


def test_every_secret_that_is_missing_is_named_and_none_is_shown(tmp_path: Path) -> None:
    other = GOOD.replace("password_file: p", "access_token_file: /nowhere/token").replace("user: u", "user: v")
    with pytest.raises(Misconfigured) as raised:
        read(tmp_path, f"mailboxes: {{m: {GOOD}, n: {other}}}")
    assert str(raised.value).splitlines()[1:] == [
        f"  mailboxes.m: no file {tmp_path / 'p'}",
        "  mailboxes.n: no file /nowhere/token",
    ]


def test_no_file_means_no_mailboxes_and_the_shipped_one_is_valid_and_empty(tmp_path: Path) -> None:
    assert read_mailboxes(tmp_path, tmp_path) == read_mailboxes(Path("deploy/config"), tmp_path) == Mailboxes()


def test_the_examples_in_the_shipped_file_are_valid(tmp_path: Path) -> None:
    shipped = Path("deploy/config/mailboxes.yaml").read_text(encoding="utf-8").splitlines()
    examples = [line[1:] for line in shipped if line.startswith("#  ")]
    secrets = ("suporte_imap_password", "fiscal_client_secret", "notas_client_secret", "notas_refresh_token")
    found = read(tmp_path, "\n".join(["mailboxes:", *examples]), *secrets)
    assert list(found.mailboxes) == ["suporte", "fiscal", "notas"]


def test_an_account_on_another_host_is_another_source_and_inbox_is_one_however_it_is_written() -> None:
    def source(**other: Any) -> str:
        return Mailbox(**{"address": "a@b.c", "host": "h.example", "user": "u", "password_file": "p", **other}).source

    assert source() == source(host="H.example", folder="Inbox", port=1143) == "imap://u@h.example/INBOX"
    assert len({source(), source(host="i.example"), source(user="v"), source(folder="A"), source(folder="a")}) == 5


NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
INSTANTS = [
    ("before", datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)),
    ("the future", datetime(2026, 3, 6, tzinfo=UTC), NOW),
    ("the epoch of a server that knows no date", datetime(1970, 1, 1, tzinfo=UTC), NOW),
    ("no date", None, NOW),
]


@pytest.mark.parametrize(("internal_at", "at"), [row[1:] for row in INSTANTS], ids=[row[0] for row in INSTANTS])
def test_clocks_start_with_the_internaldate_and_never_in_the_future(internal_at: Any, at: datetime) -> None:
    assert received_at(internal_at, NOW) == at
