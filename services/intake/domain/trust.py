"""Whether a mail really comes from its sender's domain, as our own mail server found out (RFC 8601).

Only the topmost ``Authentication-Results`` counts, and only when our own server wrote it: anybody can write the others.
"""

import re
from collections.abc import Collection

from services.intake.domain.headers import Header

UNNAMED = "(none)"
"""Stands in ``authserv_ids`` where our own server writes no name (Microsoft 365, which renames what others wrote)."""

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_STRUCTURE = re.compile(r"[\s;=()\\]")
_COMMENT = re.compile(r"\([^()]*\)")
_RESULT = re.compile(r"^\s*([a-z-]+)\s*=\s*([a-z]+)\b(.*)$", re.IGNORECASE | re.DOTALL)
_PROPERTY = re.compile(r"\b(header\.(?:d|i|from)|smtp\.(?:mailfrom|helo))\s*=\s*\"?([^\s\";]+)", re.IGNORECASE)


def verified(header: Header, sender: str, authserv_ids: Collection[str]) -> bool | None:
    """Return whether the domain of ``sender`` was authenticated; None where no server of ours is known to do so.

    DMARC decides where it passed or failed; else DKIM (header.d) or SPF (smtp.mailfrom) for the sender's own domain or
    one above it (relaxed alignment, RFC 7489, section 3.1).
    """
    if not authserv_ids:
        return None
    topmost = _QUOTED.sub(_opaque, header.text("authentication-results"))
    while (shorter := _COMMENT.sub(" ", topmost)) != topmost:
        topmost = shorter
    name, *results = topmost.split(";")
    if _RESULT.match(name):  # Exchange Online writes its results without its name
        name, results = UNNAMED, [name, *results]
    words = name.split()
    if not words or words[0].lower() not in {one.lower() for one in authserv_ids}:
        return False
    found = [_read(one) for one in results]
    domain = sender.rpartition("@")[2]
    dmarc = {
        result for method, result, properties in found if method == "dmarc" and _aligned(method, properties, domain)
    }
    if dmarc & {"pass", "fail"}:
        return "fail" not in dmarc
    return any(
        method in ("dkim", "spf") and result == "pass" and _aligned(method, properties, domain)
        for method, result, properties in found
    )


def _opaque(quoted: re.Match[str]) -> str:
    """Return a quoted string as a word: a sender may choose an address that reads like results ("x; dmarc=pass"@…)."""
    return _STRUCTURE.sub("_", quoted[1])


def _read(text: str) -> tuple[str, str, dict[str, str]]:
    found = _RESULT.match(text)
    if found is None:
        return "", "", {}
    properties = {name.lower(): value.rpartition("@")[2].lower() for name, value in _PROPERTY.findall(found[3])}
    return found[1].lower(), found[2].lower(), properties


_PROVES = {"dmarc": ("header.from",), "spf": ("smtp.mailfrom",), "dkim": ("header.d", "header.i")}
"""What a method is about; of DKIM's two the domain of the signature, else its identity."""


def _aligned(method: str, properties: dict[str, str], domain: str) -> bool:
    one = next((properties[name] for name in _PROVES[method] if name in properties), "")
    return bool(domain and one) and (domain == one or ("." in one and domain.endswith("." + one)))
