"""HTML as the text that a person sees. Parsed by Lexbor (HTML5: nothing is a syntax error), rendered in one pass."""

import re
from collections.abc import Iterator
from html import unescape

from selectolax.lexbor import LexborHTMLParser, LexborNode

LENGTH_LIMIT = 1_000_000  # characters of HTML that are looked at
_TAGS_LIMIT = 10_000  # of more, nested in each other, a parser makes minutes; an honest mail has some hundreds
_TAG = re.compile(r"<[^<>]{0,2000}>")
_UNSEEN = frozenset({"head", "script", "style", "title", "template", "noscript", "object", "svg", "iframe", "select"})
_BLOCKS = frozenset(
    "address article aside blockquote body center dd div dl dt fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr"
    " html li main nav ol p pre section table tbody tfoot thead tr ul".split()
)
_PARAGRAPHS = frozenset(("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table"))
_BREAK, _BLOCK, _QUOTE, _UNQUOTE = "\n", "\x00block", "\x00quote", "\x00unquote"
_BREAKS = (_BREAK, _BLOCK, _QUOTE, _UNQUOTE)
_IMAGES_LIMIT = 50
_SPACES = re.compile(r"[ \t\r\f\v\u200b\ufeff]+")
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all", re.IGNORECASE)
_TINY = re.compile(r"font-size\s*:\s*0(?![.\d])", re.IGNORECASE)
_KEPT = re.compile(r"white-space\s*:\s*(?:pre|break-spaces)", re.IGNORECASE)
_OLDER_FOLLOWS = re.compile(
    r"OutlookMessageHeader|divRplyFwdMsg|appendonsend|reference-message|zwchr|stopSpelling", re.IGNORECASE
)
_OLDER_INSIDE = re.compile(r"yahoo_quoted|protonmail_quote|tutanota_quote", re.IGNORECASE)
_SIGNED = re.compile(r"gmail_signature|moz-signature|(?:^|[\s_-])signature(?:\s|$)|protonmail_signature", re.IGNORECASE)
_STYLE = re.compile(r"<(?:style|script)\b", re.IGNORECASE)
_STYLED = re.compile(r"</(?:style|script)\b", re.IGNORECASE)
QUOTE_MARK = "> "
"""How a line of a quotation begins, in HTML as in plain text."""
QUOTE_BEGINS, QUOTE_ENDS, SIGNATURE_BEGINS, SIGNATURE_ENDS = "\ue0ff", "\ue0fe", "\ue0fd", "\ue0fc"
"""Stand, each on a line of its own, where the mailer's own mark says so."""
MARKS = frozenset((QUOTE_BEGINS, QUOTE_ENDS, SIGNATURE_BEGINS, SIGNATURE_ENDS))


def text_of_html(html: str) -> str:
    """Return the text of a page: a block is a line, a quotation's lines begin with ``> ``; hidden text is left out.
    Where there is only pictures, what they stand for."""
    html = html[:LENGTH_LIMIT]
    if html.count("<") > _TAGS_LIMIT:
        return unescape(_TAG.sub("\n", _unstyled(html)))
    root = LexborHTMLParser(html).root
    text = _laid_out(_pieces(root))
    if root is None or any(c.isalnum() for c in text):
        return text
    return "\n".join(filter(None, (image.attributes.get("alt") for image in root.css("img[alt]")[:_IMAGES_LIMIT])))


def _unstyled(html: str) -> str:
    pieces = list[str]()
    at = 0
    while (begins := _STYLE.search(html, at)) is not None:
        pieces.append(html[at : begins.start()])
        ends = _STYLED.search(html, begins.end())
        at = len(html) if ends is None else ends.end()
    return "".join([*pieces, html[at:]])


def _laid_out(pieces: Iterator[str]) -> str:
    lines, line, depth = list[str](), list[str](), 0
    for piece in pieces:
        if piece not in _BREAKS:
            line.append(piece)
            continue
        said = _SPACES.sub(" ", "".join(line).replace("\xa0", " ")).strip()
        line.clear()
        if said in MARKS:
            lines.append(said)
        elif said or (piece == _BREAK and lines and lines[-1].strip("> ")):  # of empty lines one is enough
            lines.append(QUOTE_MARK * min(depth, 5) + said)
        depth += (piece == _QUOTE) - (piece == _UNQUOTE)
    return "\n".join(lines).strip("\n")


def _pieces(root: LexborNode | None) -> Iterator[str]:
    """Yield text and marks in order; walks by links, never by recursion: pages nest as deep as their writers like."""
    node, kept = root, 0
    while node is not None:
        if node.is_text_node:
            yield from _text(node.text_content or "", as_written=kept > 0)
        else:
            yield from _opening(node)
            if node.first_child is not None and not _unseen(node):
                kept += _is_kept(node)
                node = node.first_child
                continue
            yield from _closing(node)
        while node is not None and node.next is None:
            node = None if node is root else node.parent
            if node is not None:
                kept -= _is_kept(node)
                yield from _closing(node)
        node = None if node is None or node is root else node.next
    yield _BLOCK


def _text(text: str, *, as_written: bool) -> Iterator[str]:
    if not as_written:
        yield text.replace("\n", " ")
        return
    first, *rest = text.replace("\r\n", "\n").split("\n")
    yield first
    for line in rest:
        yield _BREAK
        yield line


def _is_kept(node: LexborNode) -> bool:
    """Tell whether line ends inside are line ends."""
    return node.tag == "pre" or _KEPT.search(node.attributes.get("style") or "") is not None


def _unseen(node: LexborNode) -> bool:
    if node.tag in _UNSEEN:
        return True
    style = node.attributes.get("style") or ""
    if _TINY.search(style):  # around a whole page it only takes out gaps: what is inside has a size of its own
        return not any(not child.is_text_node for child in node.iter(include_text=True))
    return _HIDDEN.search(style) is not None


def _opening(node: LexborNode) -> Iterator[str]:
    tag = node.tag
    if tag == "br":
        yield _BREAK
    elif tag in _BLOCKS:
        yield _QUOTE if tag == "blockquote" else _BLOCK
        begins, _ = _marks(node)
        if begins:
            yield begins
            yield _BLOCK
    elif tag in ("td", "th"):
        yield " "


def _closing(node: LexborNode) -> Iterator[str]:
    tag = node.tag
    if tag in _BLOCKS:
        yield _UNQUOTE if tag == "blockquote" else _BLOCK
        _, ends = _marks(node)
        if ends:
            yield ends
            yield _BLOCK
    if tag in _PARAGRAPHS:
        yield _BREAK


def _marks(node: LexborNode) -> tuple[str, str]:
    """Return what to write before and after an element that a mailer has named: a quotation, a signature, or nothing."""
    attributes = node.attributes
    named = f"{attributes.get('class') or ''} {attributes.get('id') or ''}"
    if named == " ":
        return "", ""
    if _OLDER_INSIDE.search(named):
        return QUOTE_BEGINS, QUOTE_ENDS
    if _OLDER_FOLLOWS.search(named):
        return QUOTE_BEGINS, ""
    return (SIGNATURE_BEGINS, SIGNATURE_ENDS) if _SIGNED.search(named) else ("", "")
