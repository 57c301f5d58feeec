"""Secrets of mailboxes: read anew at each login, so that a new password counts without a restart. All of it blocks."""

import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import structlog

from services.intake.domain.mailboxes import Mailbox, Mailboxes, Oauth
from shared.config import Misconfigured, read_config
from shared.errors import Permanent, Transient

log = structlog.get_logger(__name__)

_TOKEN_SECONDS = 15
_ANSWER_BYTES = 256 * 1024


class Refused(Permanent):
    """The server or the token endpoint does not know us: it is tried again seldom, for some lock an account that insists."""


class NoToken(Transient):
    """The token endpoint gave no answer that can be used."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A token endpoint that sends us elsewhere gets no secret there."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow none."""


def read_mailboxes(config: Path, secrets: Path) -> Mailboxes:
    """Return ``mailboxes.yaml``, empty without the file; raises ``Misconfigured`` with every error and missing secret."""
    path = config / "mailboxes.yaml"
    if not path.exists():
        return Mailboxes()
    found = read_config(path, Mailboxes)
    missing = [
        f"  mailboxes.{key}: no file {secrets / name}"
        for key, mailbox in found.mailboxes.items()
        for name in mailbox.secrets
        if not (secrets / name).is_file()
    ]
    if missing:
        raise Misconfigured("\n".join([f"{path}:", *missing]))
    return found


def secret(folder: Path, name: str) -> str:
    """Return what a file holds, without the line's end."""
    return (folder / name).read_text(encoding="utf-8").rstrip("\r\n")


def tls_context(mailbox: Mailbox, secrets: Path) -> ssl.SSLContext:
    """Return what trusts the system's authorities, or only those in ``ca_file``; the name of the host is always checked."""
    return ssl.create_default_context(cafile=str(secrets / mailbox.ca_file) if mailbox.ca_file else None)


def access_token(mailbox: Mailbox, secrets: Path) -> str | None:
    """Return an access token, or None for a mailbox with a password."""
    if mailbox.access_token_file is not None:
        return secret(secrets, mailbox.access_token_file)
    return _new_token(mailbox.oauth, secrets) if mailbox.oauth is not None else None


def _new_token(oauth: Oauth, secrets: Path) -> str:
    form = {"client_id": oauth.client_id, "grant_type": "client_credentials"}
    if oauth.client_secret_file is not None:
        form["client_secret"] = secret(secrets, oauth.client_secret_file)
    if oauth.refresh_token_file is not None:
        form["grant_type"], form["refresh_token"] = "refresh_token", secret(secrets, oauth.refresh_token_file)
    if oauth.scope is not None:
        form["scope"] = oauth.scope
    answer = _ask(oauth.token_url, form)
    token, next_one = answer.get("access_token"), answer.get("refresh_token")
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise NoToken("no access_token in the answer")
    if oauth.refresh_token_file is not None and isinstance(next_one, str) and next_one != form["refresh_token"]:
        _keep(secrets / oauth.refresh_token_file, next_one)
    return token


def _ask(url: str, form: dict[str, str]) -> dict[str, Any]:
    request = urllib.request.Request(url, urllib.parse.urlencode(form).encode())  # noqa: S310  # https, by the model
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(request, timeout=_TOKEN_SECONDS) as response:
            answer = json.loads(response.read(_ANSWER_BYTES))
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in (400, 401, 403):  # RFC 6749, section 5.2
            raise Refused(f"token endpoint: HTTP {error.code}") from None
        raise NoToken(f"HTTP {error.code}") from None
    except ValueError:
        raise NoToken("the answer is no JSON") from None
    if not isinstance(answer, dict):
        raise NoToken("the answer is no JSON object")
    return answer


def _keep(path: Path, token: str) -> None:
    """Keep a refresh token that replaces ours (Microsoft 365 gives one each time); the old one stays if we may not write."""
    fresh = path.with_name(f"{path.name}.new")
    try:
        fresh.touch(mode=0o600)
        fresh.write_text(token, encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        log.warning("refresh_token_not_kept", file=path.name, error=type(error).__name__)
