"""The generator. Each mail knows what a reader has to find in it; of a broken one only that nothing may raise."""

import base64
import io
import quopri
import random
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field

from services.intake.domain.fiscal import parse_key

CHARSETS = ("utf-8", "iso-8859-1", "windows-1252", "us-ascii", "x-desconhecido", "utf-16", "none")
SAID = (
    "Não consigo emitir a nota: aparece uma mensagem de exceção.",
    "Olá, bom dia! A emissão parou às 10h e não voltou até agora.",
    "Preciso de ajuda com a impressão do DANFE; a margem está errada.",
    "O sistema está lento desde ontem à noite, já reiniciei o computador.",
    "Rejeição 539: Duplicidade de NF-e, com diferença na chave de acesso.",
)
OLD = "Segue a versão anterior da conversa, já respondida por nós na segunda-feira."
SIGNATURES = (
    "",
    "\n\nAtenciosamente,\nMaria José\nLoja da Praça",
    "\n\n-- \nJoão",
    "\n\nEnviado do meu iPhone",
    "\n\nAtt.\nAna",
)


@dataclass
class Mail:
    """A raw mail and what is to be found in it."""

    raw: bytes
    broken: bool
    subject: str = ""
    says: str = ""
    quotes: bool = False
    attachments: list[bytes] = field(default_factory=list)
    key: str | None = None


def mails(seed: int, count: int) -> Iterator[Mail]:
    """Yield ``count`` mails; one in five is broken."""
    chance = random.Random(seed)
    for n in range(count):
        whole = _whole(chance, n)
        yield _broken(chance, whole) if n % 5 == 4 else whole


def _whole(chance: random.Random, n: int) -> Mail:
    charset, says = chance.choice(CHARSETS), chance.choice(SAID)
    style = chance.randrange(6)
    text = says + chance.choice(SIGNATURES) + _quoted(style)
    as_html = chance.random() < 0.4
    subject = chance.choice(("Dúvida sobre emissão", "RE: não imprime", "Erro na emissão da NF-e", "ENC: exceção"))
    body = _body(chance, text, says, charset, as_html)
    found = Mail(b"", broken=False, subject=subject.rpartition(": ")[2], says=says, quotes=style > 0)
    parts = [body, *_attachments(chance, found)]
    head = [
        b"Received: from a by b; Thu, 5 Mar 2026 08:00:00 -0300",
        b"From: =?iso-8859-1?Q?Maria_Jos=E9?= <maria%d@cliente%d.example>" % (n, n % 50),
        b"To: suporte@desk.example",
        b"Subject: " + _encoded(chance, subject),
        b"Message-ID: <m%d.%d@cliente.example>" % (n, chance.randrange(10**9)),
    ]
    if len(parts) == 1:
        found.raw = b"\r\n".join([*head, parts[0]])
    else:
        boundary = b"=_%d" % chance.randrange(10**9)
        head += [b'Content-Type: multipart/mixed; boundary="' + boundary + b'"', b"", b"preamble"]
        inside = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts)
        found.raw = b"\r\n".join(head) + b"\r\n" + inside + b"--" + boundary + b"--\r\n"
    return found


def _quoted(style: int) -> str:
    marked = "\n".join(f"> {line}" for line in OLD.split(", "))
    return (
        "",
        f"\n\nEm qui., 5 de mar. de 2026 às 08:00, Suporte <suporte@desk.example> escreveu:\n{marked}",
        f"\n\nEm quinta-feira, 5 de março de 2026 às 08:00, Suporte da Empresa\n<suporte@desk.example> escreveu:\n\n{marked}",
        f"\n\n-----Mensagem original-----\nDe: Suporte\nEnviada em: quinta-feira\nPara: Maria\nAssunto: nota\n\n{OLD}",
        "\n\n________________________________\nDe: Suporte <suporte@desk.example>\nEnviado: quinta-feira\nPara: Maria\n"
        f"Assunto: nota\n\n{OLD}",
        f"\n\nOn Thu, Mar 5, 2026 at 8:00 AM Suporte <suporte@desk.example> wrote:\n{marked}",
    )[style]


def _body(chance: random.Random, text: str, says: str, charset: str, as_html: bool) -> bytes:
    if as_html:
        lines = "".join(f"<div>{_escaped(line) or '<br>'}</div>\n" for line in text.split("\n"))
        text = f"<html><head><style>p {{color: red}}</style></head><body>{lines}</body></html>"
    actual = {"us-ascii": "cp1252", "x-desconhecido": "cp1252", "none": "utf-8"}.get(charset, charset)
    raw = text.replace("\n", "\r\n").encode(actual, "replace")
    kind = "text/html" if as_html else "text/plain"
    typed = kind if charset == "none" else f"{kind}; charset={charset}"
    encoding = "base64" if charset == "utf-16" else chance.choice(("8bit", "base64", "quoted-printable"))
    if encoding == "base64":
        raw = base64.encodebytes(raw).replace(b"\n", b"\r\n")
    elif encoding == "quoted-printable":
        raw = quopri.encodestring(raw.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    return f"Content-Type: {typed}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode() + raw


def _escaped(line: str) -> str:
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _encoded(chance: random.Random, text: str) -> bytes:
    match chance.randrange(4):
        case 0:
            return text.encode()  # raw 8-bit, as RFC 6532 has it
        case 1:
            return text.encode("cp1252")  # raw 8-bit, as nobody has it
        case 2:
            return b"=?UTF-8?B?" + base64.b64encode(text.encode()) + b"?="
        case _:
            raw = text.encode()  # cut in the middle of a letter, as many mailers do
            cut = next((n for n, byte in enumerate(raw) if byte > 127), 1) + 1
            return b" ".join(b"=?utf-8?B?" + base64.b64encode(part) + b"?=" for part in (raw[:cut], raw[cut:]))


def _attachments(chance: random.Random, found: Mail) -> Iterator[bytes]:
    kind = chance.randrange(5)
    if kind == 0:
        return
    key = _key(chance)
    xml = f'<nfeProc xmlns="x"><NFe><infNFe Id="NFe{key}" versao="4.00"/></NFe></nfeProc>'.encode()
    name, data, typed = {
        1: ("nota.xml", xml, "application/xml"),
        2: ("notas.zip", _zip("nota.xml", xml), "application/zip"),
        3: (f"{key}-danfe.pdf", b"%PDF-1.4 " + chance.randbytes(200), "application/pdf"),
        4: ("foto da tela.png", b"\x89PNG" + chance.randbytes(500), "image/png"),
    }[kind]
    found.attachments.append(data)
    found.key = key if kind in (1, 2, 3) else None
    yield (
        f'Content-Type: {typed}; name="{name}"\r\nContent-Disposition: attachment; filename="{name}"\r\n'
        "Content-Transfer-Encoding: base64\r\n\r\n"
    ).encode() + base64.encodebytes(data).replace(b"\n", b"\r\n")


def _zip(name: str, data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return file.getvalue()


def _key(chance: random.Random) -> str:
    begin = f"5226{chance.randint(1, 12):02d}33009911002506550{chance.randrange(10**2):02d}"
    while True:
        key = begin + f"{chance.randrange(10**22):022d}"
        key = key[:44]
        if parse_key(key) is not None:
            return key


def _broken(chance: random.Random, mail: Mail) -> Mail:
    raw = bytearray(mail.raw)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(raw) + 1)
        match chance.randrange(5):
            case 0:
                del raw[at:]
            case 1:
                raw[at:at] = chance.randbytes(chance.randint(1, 20))
            case 2:
                raw[at : at + chance.randint(1, 200)] = b""
            case 3:
                raw[at:at] = b"\r\n" * chance.randint(1, 3)
            case _:
                raw[at:at] = raw[at : at + 300]
    return Mail(bytes(raw), broken=True)
