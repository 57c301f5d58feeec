"""Fiscal documents found by what they are: access keys with their check digit, XML by its root, SEFAZ rejection codes.

Layout of an access key (Manual de Orientação do Contribuinte, NF-e 4.00, annex I; CT-e and MDF-e alike): state, year and
month, issuer, model, series, number, form of issue, random code, check digit. Since July 2026 a CNPJ may hold letters.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

XML_BYTES = 5 * 1024 * 1024
_KEYS_LIMIT = 100
_STATES = dict(
    pair.split("=")
    for pair in (
        "11=RO 12=AC 13=AM 14=RR 15=PA 16=AP 17=TO 21=MA 22=PI 23=CE 24=RN 25=PB 26=PE 27=AL 28=SE 29=BA 31=MG 32=ES"
        " 33=RJ 35=SP 41=PR 42=SC 43=RS 50=MS 51=MT 52=GO 53=DF"
    ).split()
)
"""The IBGE codes of the states."""

MODELS = {"55": "NF-e", "65": "NFC-e", "57": "CT-e", "67": "CT-e OS", "58": "MDF-e"}
_GAP = r"[ ./\-\u00a0\t\n]{0,2}"
_GLUE = (
    r"(?:[ \t:;,.()\[\]{}#*\"'=\-–—º°>]|n[º°]|\b(?:c[oó]d(?:igo)?|n[uú]mero|nr?|d[aoe]|n[ao]|[ao]|com|sefaz|nf-?e|nfc-?e|ct-?e|mdf-?e"
    r"|nota|erro|status|retorno|cstat|rejei[cç][aã]o|[eé]|foi|que|apareceu?|deu)\b){0,12}?"
)
"""What stands between "Rejeição" and its code; a price or a date does not."""
_NO_CODE = (
    r"(?![.,]?[0-9%]|\s?%|/[0-9]|\s{1,3}(?:it[eé]ns?|items?|notas?|nfs?|nf-?es?|nfc-?es?|ct-?es?|cupo[nm]s?|documentos?|reais|dias?|vezes|registros?"
    r"|clientes?|unidades?|produtos?|mil|horas?|minutos?|lojas?|arquivos?|xmls?|pedidos?|lotes?|d[oa]\s(?:produto|cliente|item))\b)"
)
_KEY = re.compile(
    rf"(?:(?<![0-9A-Za-z])|(?<=nfe)|(?<=fce)|(?<=cte)|(?<=dfe))(?=((?:[0-9]{_GAP}){{6}}(?:[0-9A-Z]{_GAP}){{12}}(?:[0-9]{_GAP}){{25}}[0-9])(?![0-9A-Za-z]))",
    re.IGNORECASE,
)
_TRIES_LIMIT = 50_000
_CNPJ = re.compile(r"(?<![0-9A-Za-z])[0-9A-Z]{2}\.?[0-9A-Z]{3}\.?[0-9A-Z]{3}/?[0-9A-Z]{4}-?[0-9]{2}(?![0-9A-Za-z])")
_CODE = r"([2-9][0-9]{2}|1[01][0-9]{2})"
"""Three digits; four since the tax reform (Nota Técnica 2025.002-RTC)."""
_REJECTED = r"(?:rejei[cç](?:[aã]o|[oõ]es)|rejeitad[ao]s?|rejeitou|rejeita|rej|denegad[ao]|denega[cç][aã]o)"
_REJECTION = re.compile(
    rf"\b{_REJECTED}\b{_GLUE}\b{_CODE}\b{_NO_CODE}"
    rf"|\brejei[cç][aã]o\b[^\n0-9(\[]{{1,80}}[(\[]{_CODE}[)\]]"
    rf"|\b{_CODE}\b[ \t]{{0,2}}[-–—:)\]][ \t]{{0,2}}{_REJECTED}\b"
    rf"|\b(?:cStat|x?motivo|retorno|status)\b{_GLUE}\b{_CODE}\b{_NO_CODE}"
    rf"|\b(?:c[oó]d(?:igo)?|erros?)\b{_GLUE}\b{_CODE}\b{_NO_CODE}",
    re.IGNORECASE,
)
_MORE = re.compile(rf"[ \t]{{0,2}}(?:,|/|;|\be\b)[ \t]{{0,2}}{_CODE}\b{_NO_CODE}", re.IGNORECASE)
_LOOSE = ("erro", "status", "retorno")
_WEB = frozenset("400 401 403 404 405 408 429 500 501 502 503 504".split())
"""After a loose word these are a web server's (RFC 9110), and codes of four digits are Windows'."""
_ABOUT_DOCUMENTS = re.compile(
    r"rejei|sefaz|nf-?e\b|nfc-?e\b|ct-?e\b|mdf-?e\b|\bnotas?\b|\bnfs?\b|danfe|xml|cupom|denegad|emiss|emit",
    re.IGNORECASE,
)
"""Of a text that is about nothing of the kind, "código 539" is a product's."""
_VARIANTS = "enviX procEventoX eventoX retEventoX retEnviX retConsSitX retConsReciX retInutX ProcInutX inutX procX resX X".split()
_ROOTS = {
    **{name.replace("X", "NFe"): "NF-e" for name in _VARIANTS},
    **{name.replace("X", "CTe"): "CT-e" for name in _VARIANTS},
    **{name.replace("X", "MDFe"): "MDF-e" for name in _VARIANTS},
    "nfeProc": "NF-e",
    "cteProc": "CT-e",
    "CTeOS": "CT-e",
    "cteOSProc": "CT-e",
    "mdfeProc": "MDF-e",
    **dict.fromkeys(("envEvento", "retEnvEvento"), "NF-e"),
}
_WRAPPERS = 20  # elements that a web service puts around its answer (SOAP)

_ROOT = re.compile(rb"<(?:\w{1,20}:)?(" + "|".join(_ROOTS).encode() + rb")\b")
_STATUS = re.compile(r"<cStat>\s*([0-9]{3,4})\s*</cStat>")
_BEGINNING = 4096  # bytes


class AccessKey(NamedTuple):
    """What 44 characters say; ``cnpj`` is "" where a person issued the document (a rural producer's CPF)."""

    key: str
    state: str
    year_month: str  # YYMM
    cnpj: str
    model: str
    series: int
    number: int


class Document(NamedTuple):
    """A fiscal document in XML: its kind, the key that it carries and the issuer; each "" where it says none."""

    kind: str
    key: str
    cnpj: str
    rejections: tuple[str, ...]


_KEY_SHAPE = re.compile(r"[0-9]{6}[0-9A-Z]{12}[0-9]{26}")


def access_keys(text: str) -> tuple[AccessKey, ...]:
    """Return the valid access keys of a text in order, each once, also written in groups; at most a hundred."""
    found: dict[str, AccessKey] = {}
    for match in islice(
        _KEY.finditer(text.replace("\r\n", "\n")), _TRIES_LIMIT
    ):  # also those that begin inside another: "nota 2026 5206 …"
        key = parse_key(re.sub(_GAP, "", match[1]).upper())
        if key is not None:
            found.setdefault(key.key, key)
        if len(found) == _KEYS_LIMIT:
            break
    return tuple(found.values())


def parse_key(key: str) -> AccessKey | None:
    """Return the parts of a key, None if state, month, model or check digit are wrong."""
    if not _KEY_SHAPE.fullmatch(key):  # the check digit alone takes other characters for digits
        return None
    state, model = _STATES.get(key[:2]), key[20:22]
    if state is None or model not in MODELS or not "01" <= key[4:6] <= "12" or _check_digit(key[:43]) != key[43]:
        return None
    cnpj = key[6:20] if is_cnpj(key[6:20]) else ""
    return AccessKey(key, state, key[2:6], cnpj, MODELS[model], int(key[22:25]), int(key[25:34]))


def cnpjs(text: str) -> tuple[str, ...]:
    """Return the valid CNPJs of a text in order, each once, without punctuation."""
    plain = (re.sub(r"[./-]", "", match[0]) for match in _CNPJ.finditer(text))
    return tuple(dict.fromkeys(one for one in plain if is_cnpj(one)))


def is_cnpj(text: str) -> bool:
    """Tell whether both check digits are right; letters count as their ASCII code less 48 (IN RFB 2.229/2024)."""
    if not re.fullmatch(r"[0-9A-Z]{12}[0-9]{2}", text) or len(set(text)) == 1:
        return False
    return text[12] == _check_digit(text[:12]) and text[13] == _check_digit(text[:13])


def _check_digit(text: str) -> str:
    """Return the check digit, modulo 11 with weights 2 to 9 from the right."""
    total = sum((ord(c) - 48) * (2 + n % 8) for n, c in enumerate(reversed(text)))
    rest = total % 11
    return "0" if rest < 2 else str(11 - rest)


def rejections(text: str) -> tuple[str, ...]:
    """Return the SEFAZ rejection codes that a text names, in order, each once."""
    if _ABOUT_DOCUMENTS.search(text) is None and "stat" not in text.lower():
        return ()
    return tuple(dict.fromkeys(_named(text)))[:_KEYS_LIMIT]


def _named(text: str) -> Iterator[str]:
    for match in _REJECTION.finditer(text):
        code = next(group for group in match.groups() if group)
        if match[0].lower().startswith(_LOOSE) and (code in _WEB or len(code) > 3):
            continue
        yield code
        at = match.end()
        while (more := _MORE.match(text, at)) is not None:  # "539, 204 e 610"
            yield more[1]
            at = more.end()


def looks_fiscal(data: bytes) -> bool:
    """Tell whether one of the roots stands near the beginning: parsing other XML would be for nothing."""
    return _ROOT.search(data[:_BEGINNING].replace(b"\0", b"")) is not None


def from_root(text: bytes) -> bytes:
    """Return a text from the first of the roots on, b"" without one."""
    found = _ROOT.search(text)
    return b"" if found is None else text[found.start() :]


def read_xml(data: bytes) -> Document | None:
    """Return the fiscal document that ``data`` is, None if it is none. Entities and DTDs are refused, never raises."""
    if len(data) > XML_BYTES or b"<" not in data[:200]:
        return None
    try:
        root = fromstring(data.lstrip(), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError):
        return None
    elements = list(root.iter())
    kind = next(filter(None, (_ROOTS.get(_local(element.tag)) for element in elements[:_WRAPPERS])), None)
    if kind is None:
        return None
    return Document(kind, _key_of(elements), _issuer_of(elements), tuple(dict.fromkeys(_codes_of(elements))))


def scan_xml(text: str) -> Document | None:
    """Return what stands in a document that is no XML any more: cut off, in another charset than it says, in a page."""
    keys, kind = access_keys(text), _ROOT.search(text.encode("utf-8", "replace"))
    if not keys or kind is None:
        return None
    found = dict.fromkeys(code for code in _STATUS.findall(text) if re.fullmatch(_CODE, code))
    return Document(_ROOTS[kind[1].decode()], keys[0].key, keys[0].cnpj, tuple(found))


def _local(tag: object) -> str:
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _key_of(elements: Iterable[Element]) -> str:
    for element in elements:
        text = element.get("Id", "")[-44:] if _local(element.tag).startswith("inf") else ""
        if _local(element.tag) in ("chNFe", "chCTe", "chMDFe"):
            text = (element.text or "").strip()
        if len(text) == 44 and parse_key(text) is not None:
            return text
    return ""


def _issuer_of(elements: Iterable[Element]) -> str:
    for element in elements:
        if _local(element.tag) == "emit":
            return next((c.text or "" for c in element if _local(c.tag) == "CNPJ" and is_cnpj(c.text or "")), "")
    return ""


def _codes_of(elements: Iterable[Element]) -> Iterator[str]:
    for element in elements:
        if _local(element.tag) == "cStat" and re.fullmatch(_CODE, (element.text or "").strip()):
            yield (element.text or "").strip()
