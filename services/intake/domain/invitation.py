"""An invitation (RFC 5545, iCalendar in a mail: RFC 6047) in words."""

import re
from collections.abc import Iterator

_LINES_LIMIT = 2_000
_METHODS = {"REQUEST": "Convite", "CANCEL": "Cancelamento", "REPLY": "Resposta ao convite", "COUNTER": "Nova proposta"}
_FIELDS = {"SUMMARY": "", "DTSTART": "Início: ", "DTEND": "Fim: ", "LOCATION": "Local: ", "DESCRIPTION": ""}
_TIME = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})\d{2}(Z?))?")
_ZONE = re.compile(r";TZID=\"?([^\";:]{1,80})", re.IGNORECASE)
_ESCAPED = re.compile(r"\\([nN,;\\])")


def text_of_invitation(text: str) -> str:
    """Return what it is, its subject, when and where, in Portuguese; times as they are written, with their zone."""
    lines = re.sub(r"\r?\n[ \t]", "", text).splitlines()[:_LINES_LIMIT]
    return "\n".join(dict.fromkeys(_said(lines)))


def _said(lines: list[str]) -> Iterator[str]:
    inside = ""  # the component: a time zone has a beginning too, an alarm a description
    for line in lines:
        head, _, value = line.partition(":")
        name = head.partition(";")[0].upper()
        if name == "METHOD":
            yield _METHODS.get(value.strip().upper(), "Calendário")
        elif name == "BEGIN":
            inside = value.strip().upper()
        elif name == "END":
            inside = "VEVENT"
        elif name in _FIELDS and value and inside not in ("VTIMEZONE", "STANDARD", "DAYLIGHT", "VALARM"):
            yield _FIELDS[name] + (_when(head, value) if name.startswith("DT") else _plain(value))


def _plain(value: str) -> str:
    return _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], value).strip()


def _when(head: str, value: str) -> str:
    found = _TIME.match(value)
    if found is None:
        return value
    year, month, day, hour, minute, utc = found.groups()
    zone = _ZONE.search(head)
    named = " (UTC)" if utc else f" ({zone[1]})" if zone else ""
    return f"{day}/{month}/{year}" + (f" {hour}:{minute}{named}" if hour else "")
