"""What somebody wrote now, parted from what is quoted and from signatures, by the marks of mailers used in Brazil.

Nothing is thrown away: the three parts together are the text. Where nothing new would be left (a forwarded mail), all of
it is new.
"""

import re
from typing import NamedTuple

from services.intake.domain.markup import QUOTE_BEGINS

_LINES_LIMIT = 5_000
_WRAPPED = 4  # lines over which "Em … escreveu:" is wrapped
_HEADER_LINES = 8
_SIGNATURE_LINES = 25

_ORIGINAL = re.compile(
    r"^[\s>*]*-{2,}\s*(?:mensagem\s+(?:original|encaminhada)|original\s+message|forwarded\s+message|mensaje\s+original"
    r"|e-?mail\s+original)\s*-{0,}\s*\*?$",
    re.IGNORECASE,
)
_WROTE = re.compile(
    r"^\*?(?:em|no\s+dia|na|on|el|a)\b[^\n]{6,400}\b(?:escreveu|wrote|escribi[oó])\b[^\n]{0,3}:?\s*$", re.IGNORECASE
)
_FROM = re.compile(r"^[\s*]*(?:de|from|remetente)\s*:\s*\*?\s*\S", re.IGNORECASE)
_FIELD = re.compile(
    r"^[\s*]*(?:enviad[ao](?:\s+em)?|enviada?|sent|data|date|para|to|cc|c[oó]pia|assunto|subject)\s*:", re.IGNORECASE
)
_RULER = re.compile(r"^\s*[_=\-]{10,}\s*$")
_DELIMITER = re.compile(r"^--\s?$")
_DEVICE = re.compile(
    r"^\s*(?:enviad[oa]\s+(?:do|da|pelo|pela|via|a\s+partir)\b|sent\s+from\s+(?:my|outlook|mail|yahoo)|obter\s+o\s+outlook"
    r"|obtenha\s+o\s+outlook|get\s+outlook\s+for|baixe\s+o\s+outlook)",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"^\s*(?:att|atte|at\.te|atenciosamente|cordialmente|respeitosamente|abra[cç]os?|abs|gratos?|grata|sds|sauda[cç][oõ]es"
    r"|(?:muito\s+)?obrigad[oa]|desde\s+j[aá]\s+(?:agrade[cç]o|grat[oa]|obrigad[oa])|best\s+regards|kind\s+regards|regards"
    r"|thanks|thank\s+you)\b[\s.,;!:\-]*$",
    re.IGNORECASE,
)
_CONFIDENTIAL = re.compile(
    r"(?:aviso\s+(?:de\s+confidencialidade|legal)|confidencialidade\s*:|(?:esta|a\s+presente)\s+mensagem.{0,80}"
    r"(?:confidenc|destinat[aá]ri|sigilo)|this\s+(?:e-?mail|message).{0,80}(?:confidential|intended)"
    r"|confidentiality\s+notice|antes\s+de\s+imprimir)",
    re.IGNORECASE,
)


class Split(NamedTuple):
    """The parts of a text; ``fresh`` is never empty where the text is not."""

    fresh: str
    quoted: str
    signature: str


def split(text: str) -> Split:
    """Return what is new, what is quoted, and the signature of what is new."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n", _LINES_LIMIT)
    fresh, quoted = _unquoted(lines)
    fresh, signature = _unsigned(fresh)
    if not _said(fresh):
        return Split(_joined(lines), "", "")
    return Split(_joined(fresh), _joined(quoted), _joined(signature))


def _unquoted(lines: list[str]) -> tuple[list[str], list[str]]:
    fresh: list[str] = []
    quoted: list[str] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        if line == QUOTE_BEGINS or _ORIGINAL.match(line) or _is_header(lines, at):
            return fresh, quoted + lines[at:]  # what stands above its quotation: the rest is the older mail
        taken = _attribution(lines, at)
        if not taken and line.lstrip().startswith(">"):
            taken = 1
        if taken:
            quoted += lines[at : at + taken]
            at += taken
            if taken > 1 and not _is_marked(lines, at):  # nothing marked follows: all of it is the older mail
                return fresh, quoted + lines[at:]
            continue
        fresh.append(line)
        at += 1
    return fresh, quoted


def _attribution(lines: list[str], at: int) -> int:
    """Return over how many lines somebody is said to have written what follows, plus the marked line; 0: nobody is."""
    if not lines[at].strip() or lines[at].lstrip().startswith(">"):
        return 0
    for count in range(1, _WRAPPED + 1):
        window = lines[at : at + count]
        if len(window) < count or (count > 1 and not window[-1].strip()):
            return 0
        if _WROTE.match(" ".join(part.strip() for part in window)):
            return count + 1
    return 0


def _is_marked(lines: list[str], at: int) -> bool:
    """Tell whether a line marked as quoted comes next, or just did."""
    near = [line for line in lines[max(0, at - 1) : at + 3] if line.strip()]
    return any(line.lstrip().startswith(">") for line in near)


def _is_header(lines: list[str], at: int) -> bool:
    """Tell whether a block of header fields begins: De: …, and two more within the next lines."""
    if _RULER.match(lines[at]):
        at += 1
        while at < len(lines) and not lines[at].strip():
            at += 1
    if at >= len(lines) or not _FROM.match(lines[at]):
        return False
    following = lines[at + 1 : at + 1 + _HEADER_LINES]
    return sum(_FIELD.match(line) is not None for line in following) >= 2


def _unsigned(lines: list[str]) -> tuple[list[str], list[str]]:
    """Part the signature: from its delimiter, the mark of a device, a closing or a confidentiality notice to the end."""
    first = max(0, len(lines) - _SIGNATURE_LINES)
    for at, line in enumerate(lines):
        if _DELIMITER.match(line) or _CONFIDENTIAL.search(line[:400]):
            return lines[:at], lines[at:]
        if at >= first and (_DEVICE.match(line) or _CLOSING.match(line)):
            return lines[:at], lines[at:]
    return lines, []


def _said(lines: list[str]) -> bool:
    return any(c.isalnum() for line in lines for c in line)


def _joined(lines: list[str]) -> str:
    return "\n".join(line for line in lines if line != QUOTE_BEGINS).strip("\n ")
