"""HTML as the text that a person sees. Parsed by Lexbor (HTML5: nothing is a syntax error), rendered in one pass."""

import re
from collections.abc import Iterator

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
_SPACES = re.compile(r"[ \t\r\f\v\u200b\ufeff]+")
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d])|mso-hide\s*:\s*all", re.IGNORECASE
)
_QUOTING = re.compile(
    r"gmail_quote|yahoo_quoted|moz-cite-prefix|OutlookMessageHeader|divRplyFwdMsg|appendonsend", re.IGNORECASE
)
QUOTE_MARK = "> "
"""How a line of a quotation begins, in HTML as in plain text."""
QUOTE_BEGINS = "\ue0ff"
"""Stands, on a line of its own, where the mailer's own mark says that a quotation begins."""


def text_of_html(html: str) -> str:
    """Return the text of a page: a block is a line, a quotation's lines begin with ``> ``; hidden text is left out."""
    html = html[:LENGTH_LIMIT]
    if html.count("<") > _TAGS_LIMIT:
        return _TAG.sub("\n", html)
    lines, line, depth = list[str](), list[str](), 0
    for piece in _pieces(LexborHTMLParser(html).root):
        if piece not in (_BREAK, _BLOCK, _QUOTE, _UNQUOTE):
            line.append(piece)
            continue
        said = _SPACES.sub(" ", "".join(line).replace("\xa0", " ")).strip()
        line.clear()
        if said or (piece == _BREAK and lines and lines[-1].strip("> ")):  # of empty lines one is enough
            lines.append(QUOTE_MARK * min(depth, 5) + said)
        depth += (piece == _QUOTE) - (piece == _UNQUOTE)
    return "\n".join(lines).strip("\n")


def _pieces(root: LexborNode | None) -> Iterator[str]:
    """Yield text and marks in order; walks by links, never by recursion: pages nest as deep as their writers like."""
    node = root
    while node is not None:
        if node.is_text_node:
            yield (node.text_content or "").replace("\n", " ")
        else:
            yield from _opening(node)
            if node.first_child is not None and not _unseen(node):
                node = node.first_child
                continue
            yield from _closing(node)
        while node is not None and node.next is None:
            node = None if node is root else node.parent
            if node is not None:
                yield from _closing(node)
        node = None if node is None or node is root else node.next
    yield _BLOCK


def _unseen(node: LexborNode) -> bool:
    return node.tag in _UNSEEN or _HIDDEN.search(node.attributes.get("style") or "") is not None


def _opening(node: LexborNode) -> Iterator[str]:
    tag = node.tag
    if tag == "br":
        yield _BREAK
    elif tag in _BLOCKS:
        yield _QUOTE if tag == "blockquote" else _BLOCK
        attributes = node.attributes
        if _QUOTING.search(f"{attributes.get('class') or ''} {attributes.get('id') or ''}"):
            yield QUOTE_BEGINS
            yield _BLOCK
    elif tag in ("td", "th"):
        yield " "


def _closing(node: LexborNode) -> Iterator[str]:
    tag = node.tag
    if tag in _BLOCKS:
        yield _UNQUOTE if tag == "blockquote" else _BLOCK
    if tag in _PARAGRAPHS:
        yield _BREAK
