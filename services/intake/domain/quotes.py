"""What somebody wrote now, parted from what is quoted and from signatures, by the marks of mailers used in Brazil.

Nothing is thrown away: the three parts together are the text. Where nothing new would be left (a forwarded mail), all of
it is new.
"""

import re
from typing import NamedTuple

from services.intake.domain.markup import MARKS, QUOTE_BEGINS, QUOTE_ENDS, SIGNATURE_BEGINS, SIGNATURE_ENDS

_LINES_LIMIT = 5_000
_WRAPPED = 4  # lines over which "Em … escreveu:" is wrapped
_ATTRIBUTION_LENGTH = 400  # characters
_HEADER_LINES = 8
_SIGNATURE_LINES = 25
_SENTENCE_WORDS = 7  # in a line of a name, a place or a telephone there are fewer

_ORIGINAL = re.compile(
    r"^[\s>*]*[-_—–]{2,}[\s*]*(?:mensagem\s+(?:original|anterior)|original\s+message|mensaje\s+original|e-?mail\s+original"
    r"|message\s+d'origine|messaggio\s+originale|urspr.ngliche\s+nachricht)(?:[\s*_—–-]*$|\s*-{4,}\s*(?:de|from)\s*:)",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    r"^[\s>*]*(?:[-_—–]{2,}\s*(?:mensagem\s+(?:encaminhada|reencaminhada)|forwarded\s+message|mensaje\s+reenviado)\b[^\n]{0,60}"
    r"|(?:in[ií]cio\s+da\s+mensagem\s+(?:re)?encaminhada|begin\s+forwarded\s+message)\s*:)\s*$",
    re.IGNORECASE,
)
_VERB = re.compile(
    r"\b(?:escreveu|wrote|writes|escribi[oó]|a\s+écrit|schrieb|geschreven|ha\s+scritto|skrev|napisa[lł]|enviou)\b|написал|пише",
    re.IGNORECASE,
)
_SAYS = re.compile(r"(?:escreveu|disse|wrote|writes|said|escribi[oó])[\s\xa0]*:[\s*]*$", re.IGNORECASE)
_STARTS = re.compile(
    r"^[*_\s]*(?:[-—]{1,5}\s*)?(?:(?:em|no\s+dia|na|on|el|a|at|le|am|op|il|den|dnia)\s+\S|\d{1,4}[/.\- ]\S)",
    re.IGNORECASE,
)
_ENDS = re.compile(r"(?::|-{2,})[\s*]*$")
_WHEN = re.compile(r"\d{1,2}[:.h]\d{2}|\d{4}|\d{1,2}/\d{1,2}")
_DATED = re.compile(r"^\s*\d{4}[-/]\d{1,2}[-/]\d{1,2}\b[^\n]{0,100}<[^\n]{0,100}@[^\n]{0,100}>:?\s*$")
_FROM = re.compile(r"^[\s*\u200b-\u200f\ufeff]*(?:de|from|remetente|da|von|från)\s*:\s*\*?\s*\S", re.IGNORECASE)
_FIELD = re.compile(
    r"^[\s*]*(?:enviad[ao]s?(?:\s+em)?|sent|data|date|para|to|cc|c[oó]pia|assunto|subject|responder\s+a|reply-to|importance"
    r"|prioridade|anexos?|gesendet|betreff|an|inviato|a|oggetto|objet|asunto|fecha|enviado\s+el|skickat|till|ämne)\s*:",
    re.IGNORECASE,
)
_SENT = re.compile(r"^[\s*]*(?:enviad[ao]|sent|para|to|cc|an|a|till|gesendet|inviato|skickat)\b", re.IGNORECASE)
_RULER = re.compile(r"^\s*[_=\-]{10,}\s*$")
_DELIMITER = re.compile(r"^--\s?$")
_DEVICE = re.compile(
    r"^\s*(?:enviad[oa]\s+(?:do|da|pelo|pela|via|a\s+partir)\b|sent\s+from\s+(?:my|outlook|mail|yahoo)|obter\s+o\s+outlook"
    r"|obtenha\s+o\s+outlook|get\s+outlook\s+for|baixe\s+o\s+outlook)",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"^\s*(?:att|atte|at\.te|atenciosamente|cordialmente|respeitosamente|abra[cç]os?|abs|gratos?|grata|sds|(?:cordiais\s+)?sauda[cç][oõ]es"
    r"|(?:(?:muito\s+)?obrigad[oa]|grat[oa]|(?:desde\s+j[aá]|antecipadamente)[\s,]+(?:agrade[cç](?:o|emos)|grat[oa]s?|obrigad[oa]))"
    r"(?:\s+(?:a|pela)\s+(?:aten[cç][aã]o|compreens[aã]o|ajuda))?|best\s+regards|kind\s+regards|regards"
    r"|thanks|thank\s+you)\b(?:\s*/\s*(?:best\s+|kind\s+)?regards)?[\s.,;!:\-]*$",
    re.IGNORECASE,
)
_CONFIDENTIAL = re.compile(
    r"(?:aviso\s+(?:de\s+confidencialidade|legal)|confidencialidade\s*:|(?:esta|a\s+presente)\s+mensagem.{0,80}"
    r"(?:confidenc|destinat[aá]ri|sigilo)|this\s+(?:e-?mail|message).{0,80}(?:confidential|intended)"
    r"|confidentiality\s+notice|conte[uú]do\s+dest[ae]\s+(?:e-?mail|mensagem).{0,40}confidenc|antes\s+de\s+imprimir"
    r"|livre\s+de\s+v[ií]rus|virus-free|este\s+e-?mail\s+foi\s+(?:escaneado|verificado))",
    re.IGNORECASE,
)


class Split(NamedTuple):
    """The parts of a text; ``fresh`` is never empty where the text is not."""

    fresh: str
    quoted: str
    signature: str


def split(text: str, *, forwarded: bool = False) -> Split:
    """Return what is new, what is quoted, and the signature of what is new.

    ``forwarded``: the subject says so; then a mail of which only a signature would be left is new as a whole.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n", _LINES_LIMIT)
    new, quoted = _unquoted(lines)
    if not _said([line for line in new if not _DEVICE.match(line)]):  # that a telephone sent it says nothing
        return Split(_joined(lines), "", "")
    if (
        forwarded and quoted and not _said(_unsigned(["x", *new])[0][1:])
    ):  # under any text, all of it would be a signature
        return Split(_joined(lines), "", "")
    fresh, signature = _unsigned(new)
    if not _said(fresh):  # what is marked as a signature is one only under a text
        fresh, signature = new, []
    return Split(_joined(fresh), _joined(quoted), _joined(signature))


def _unquoted(lines: list[str]) -> tuple[list[str], list[str]]:
    fresh: list[str] = []
    quoted: list[str] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        if line == QUOTE_BEGINS or _ORIGINAL.match(line) or _is_header(lines, at):
            end = _end_of_quotation(lines, at) if line == QUOTE_BEGINS else len(lines)
            quoted += lines[at:end]  # what stands above its quotation: the rest is the older mail
            at = end
            continue
        if _FORWARDED.match(line):
            return fresh + lines[at:], quoted  # somebody hands it on: it is what the mail is about
        taken = _attribution(lines, at)
        if not taken and line.lstrip().startswith(">"):
            quoted.append(line)
            at += 1
            continue
        if taken:
            quoted += lines[at : at + taken]
            at += taken
            if not _is_marked(lines, at):  # nothing marked follows: all of it is the older mail
                return fresh, quoted + lines[at:]
            continue
        fresh.append(line)
        at += 1
    return fresh, quoted


def _end_of_quotation(lines: list[str], at: int) -> int:
    """Return the line after the mark that ends what a mailer marked as quoted; without one, all of the rest is."""
    try:
        return lines.index(QUOTE_ENDS, at) + 1
    except ValueError:
        return len(lines)


def _attribution(lines: list[str], at: int) -> int:
    """Return over how many lines somebody is said to have written what follows; 0: nobody is."""
    first = lines[at]
    if not first.strip() or first.lstrip().startswith(">") or len(first) > _ATTRIBUTION_LENGTH:
        return 0
    if _DATED.match(first):
        return 1
    begins = _STARTS.match(first) is not None or ("@" in first and _VERB.search(first) is not None)
    window = ""
    for count in range(1, _WRAPPED + 1 if begins else 2):
        if at + count > len(lines) or (count > 1 and not lines[at + count - 1].strip()):
            return 0
        window = f"{window} {lines[at + count - 1].strip()}".strip()
        if len(window) > _ATTRIBUTION_LENGTH:
            return 0
        if _ENDS.search(window) and _names_writer(window, begins, _is_marked(lines, at + count)):
            return count
    return 0


def _names_writer(said: str, begins: bool, marked: bool) -> bool:
    """Tell whether a line says who wrote, and when or from where; before a marked quotation also in any language."""
    known = _VERB.search(said) is not None
    if marked and _SAYS.search(said):
        return True
    if "@" in said:
        return known or (marked and _WHEN.search(said) is not None)
    return known and begins and _WHEN.search(said) is not None


def _is_marked(lines: list[str], at: int) -> bool:
    """Tell whether a line marked as quoted comes next, but for empty lines."""
    near = next((line for line in lines[at : at + 3] if line.strip()), "")
    return near.lstrip().startswith(">")


def _is_header(lines: list[str], at: int) -> bool:
    """Tell whether a block of header fields begins: De: …, and two more within the next lines."""
    if _RULER.match(lines[at]):
        at += 1
        while at < len(lines) and not lines[at].strip():
            at += 1
    if at >= len(lines) or not _FROM.match(lines[at]):
        return False
    following = [line for line in lines[at + 1 : at + 1 + _HEADER_LINES] if _FIELD.match(line)]
    return len(following) >= 2 and any(_SENT.match(line) for line in following)  # a form of a web page has no recipient


def _unsigned(lines: list[str]) -> tuple[list[str], list[str]]:
    """Part the signature: what a mailer marked as one, or from its delimiter, the mark of a device, a closing or a
    confidentiality notice to the end."""
    if SIGNATURE_BEGINS in lines:
        begin = lines.index(SIGNATURE_BEGINS)
        end = lines.index(SIGNATURE_ENDS, begin) if SIGNATURE_ENDS in lines[begin:] else len(lines)
        fresh, more = _unsigned(lines[:begin] + lines[end + 1 :])
        return fresh, more + lines[begin:end]
    last = max((n for n, line in enumerate(lines) if line.strip()), default=0)
    for at in range(max(0, last - _SIGNATURE_LINES), min(last + 1, len(lines))):
        line = lines[at]
        marked = _DELIMITER.match(line) or _CONFIDENTIAL.search(line[:400])
        if not marked and not ((_DEVICE.match(line) or _CLOSING.match(line)) and not _goes_on(lines[at + 1 :])):
            continue
        if _said(lines[:at]):
            return lines[:at], lines[at:]
    return lines, []


def _goes_on(lines: list[str]) -> bool:
    """Tell whether somebody writes on after thanks: a whole sentence comes before any notice of the house."""
    for line in lines:
        if _DELIMITER.match(line) or _RULER.match(line) or _CONFIDENTIAL.search(line[:400]):
            return False
        words = line[:400].split()
        if len(words) >= _SENTENCE_WORDS and 2 * sum(word[:1].islower() for word in words) > len(words):
            return True
    return False


def _said(lines: list[str]) -> bool:
    return any(c.isalnum() for line in lines for c in line)


def _joined(lines: list[str]) -> str:
    return "\n".join(line for line in lines if line not in MARKS).strip("\n ")
