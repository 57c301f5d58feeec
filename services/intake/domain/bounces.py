"""Reports of mails that could not be delivered (RFC 3464, RFC 6522): which of ours, and with which status."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from services.intake.domain.parts import Part

_LOOKED_AT = 256 * 1024  # bytes of a part
_PAGE = re.compile(rb"^message-id:\s*<notice\.([0-9a-f-]{36})@([^>\s]{1,255})>", re.IGNORECASE | re.MULTILINE)
_STATUS = re.compile(rb"^status:\s*([245]\.[0-9]{1,3}\.[0-9]{1,3})\b", re.IGNORECASE | re.MULTILINE)
_ACTION = re.compile(rb"^action:\s*(failed|delayed|delivered|relayed|expanded)\b", re.IGNORECASE | re.MULTILINE)


class Bounced(NamedTuple):
    """A page of ours that came back; ``status`` is an enhanced status code (RFC 3463) where the report has one."""

    notice_id: str
    status: str | None


def bounced_page(raw: bytes, parts: Iterable[Part], domains: Iterable[str]) -> Bounced | None:
    """Return the page that a report is about, or None: delayed is not bounced, and what is not of ``domains`` not ours."""
    report = b"\n".join([raw[:_LOOKED_AT], *(part.data[:_LOOKED_AT] for part in parts)])
    page = next(
        (found for found in _PAGE.finditer(report) if found[2].decode("ascii", "replace").lower() in domains), None
    )
    actions = {one.lower() for one in _ACTION.findall(report)}
    if page is None or (actions and b"failed" not in actions):
        return None
    status = next(iter(_STATUS.findall(report)), None)
    return Bounced(page[1].decode("ascii"), None if status is None else status.decode("ascii"))
