"""What somebody wrote now, told from quotations and signatures, by the marks that mailers really leave."""

import pytest

from services.intake.domain.markup import text_of_html
from services.intake.domain.quotes import split

SPLITS = [
    ("oi\n\n-------- Mensagem original --------De: Ana <a@b> Data: 02/03/26  10:12 Para: c@d\nantes", "oi", True, ""),
    ("oi\n\n----- Mensagem anterior -----\nantes", "oi", True, ""),
    ("oi\n\n\u200bDe: Ana\nEnviado: hoje\nPara: b\nAssunto: c\n\nantes", "oi", True, ""),
    ("oi\n\nAtenciosamente / Best regards,\nAna", "oi", False, "Atenciosamente / Best regards,\nAna"),
    ("oi\n\nDesde já agradeço a atenção.\nAna", "oi", False, "Desde já agradeço a atenção.\nAna"),
    ("oi\nCordiais saudações,\nAna", "oi", False, "Cordiais saudações,\nAna"),
    ("oi\n\nLivre de vírus. www.avast.com", "oi", False, "Livre de vírus. www.avast.com"),
    (
        "oi\n\nATENÇÃO: O conteúdo deste e-mail é confidencial",
        "oi",
        False,
        "ATENÇÃO: O conteúdo deste e-mail é confidencial",
    ),
    ("Obrigada pela ajuda com a nota 12", "Obrigada pela ajuda com a nota 12", False, ""),
    ("oi\n\nEm seg., 2 de mar. de 2026, Ana <a@b> escreveu:\n> antes", "oi", True, ""),
    ("oi\n\nEm seg., 2 de mar. de 2026, Ana da Silva Sauro\n<a@b> escreveu:\n> antes", "oi", True, ""),
    ("> pergunta\nresposta", "resposta", True, ""),
    ("oi\n-----Mensagem original-----\nDe: a\ntexto", "oi", True, ""),
    ("oi\nDe: Ana\nEnviada em: hoje\nPara: b\nAssunto: c\n\ntexto", "oi", True, ""),
    ("De: hoje em diante nada funciona\nsegue", "De: hoje em diante nada funciona\nsegue", False, ""),
    ("-----Mensagem encaminhada-----\nDe: a\ntexto", "-----Mensagem encaminhada-----\nDe: a\ntexto", False, ""),
    ("oi\n\nAtenciosamente,\nAna", "oi", False, "Atenciosamente,\nAna"),
    ("oi\n\nEnviado do meu iPhone", "oi", False, "Enviado do meu iPhone"),
    ("oi\n-- \nAna", "oi", False, "-- \nAna"),
    ("oi\nAVISO DE CONFIDENCIALIDADE: não leia", "oi", False, "AVISO DE CONFIDENCIALIDADE: não leia"),
    ("Obrigado pela ajuda de ontem, mas voltou", "Obrigado pela ajuda de ontem, mas voltou", False, ""),
    ("", "", False, ""),
    ("oi\n\nEm qua., 4 de mar. de 2026 às 10:12, Ana <a@b.example> escreveu:\n\nantes", "oi", True, ""),
    ("oi\n\n*De:* Ana\n*Enviada em:* hoje\n*Para:* b\n*Assunto:* c\n\nantes", "oi", True, ""),
    ("oi\n\nDe: Ana\nPara: b\nEnviadas: hoje\nAssunto: c\n\nantes", "oi", True, ""),
    ("oi\n---- Em qua, 04 mar 2026 10:12:00 -0300 Ana <a@b.example> escreveu ----\nantes", "oi", True, ""),
    ("oi\n\n2026-03-04 10:12 GMT-03:00 Ana <a@b.example>:\n\n> antes", "oi", True, ""),
    ("oi\n\nAna <a@b.example> schrieb am Mi., 4.\nMärz 2026 um 10:12 Uhr:\n\n> antes", "oi", True, ""),
    ("Em 04/03/2026 10:12, Ana escreveu:\n> a\nresposta a\n> b\nresposta b", "resposta a\nresposta b", True, ""),
    ("Em 04/03/2026 10:12, Ana escreveu:\n> antes\n\nembaixo", "embaixo", True, ""),
    ("oi\n\nAna escreveu:\n> antes", "oi", True, ""),
    (
        "bom dia\nobrigado\n\nmas agora aparece a rejeição 539 em todas as notas",
        "bom dia\nobrigado\n\nmas agora aparece a rejeição 539 em todas as notas",
        False,
        "",
    ),
    (
        "oi\nAtt.\nAna\n\nEsta mensagem é confidencial, e quem a recebe por engano a apaga já",
        "oi",
        False,
        "Att.\nAna\n\nEsta mensagem é confidencial, e quem a recebe por engano a apaga já",
    ),
    (
        "Mensagem do site\nDe: Ana\nData: hoje\nAssunto: nota\nnão emite",
        "Mensagem do site\nDe: Ana\nData: hoje\nAssunto: nota\nnão emite",
        False,
        "",
    ),
    ("Ana escreveu:\nque nada funciona", "Ana escreveu:\nque nada funciona", False, ""),
    ("Segue o erro do sistema:\n> Rejeição 539", "Segue o erro do sistema:", True, ""),
    (
        "Veja.\n\n---------- Forwarded message ---------\nDe: b\nerro 539",
        "Veja.\n\n---------- Forwarded message ---------\nDe: b\nerro 539",
        False,
        "",
    ),
    (
        "Enviado do meu iPhone\n\nDe: Ana\nEnviada em: x\nPara: b\n\nerro",
        "Enviado do meu iPhone\n\nDe: Ana\nEnviada em: x\nPara: b\n\nerro",
        False,
        "",
    ),
    ("Obrigado!\n\n-----Mensagem original-----\nDe: b\nantes", "Obrigado!", True, ""),
    ("-- \nOi, não emite", "-- \nOi, não emite", False, ""),
]


@pytest.mark.parametrize(("text", "fresh", "quoted", "signature"), SPLITS)
def test_what_is_new_is_told_from_quotations_and_signatures(
    text: str, fresh: str, quoted: bool, signature: str
) -> None:
    found = split(text)
    assert (found.fresh, bool(found.quoted), found.signature) == (fresh, quoted, signature)


PAGES = [
    (
        "<div>oi</div><br><div class=gmail_quote><div class=gmail_attr>Em qua., 4 de mar. de 2026 às 10:12, Ana"
        " &lt;<a>a@b.example</a>&gt; escreveu:<br></div><blockquote class=gmail_quote>antes</blockquote></div>",
        ("oi", ""),
    ),
    (
        "<div class=gmail_quote>Em 4/3/2026 10:12, Ana &lt;a@b.example&gt; escreveu:<blockquote>antes</blockquote></div><p>oi</p>",
        ("oi", ""),
    ),
    ("<p>oi</p><div class=yahoo_quoted>Em quarta, Ana escreveu:<div>antes</div></div>", ("oi", "")),
    (
        "<div class=moz-cite-prefix>Em 04/03/2026 10:12, Ana escreveu:</div><blockquote type=cite>antes</blockquote><p>oi",
        ("oi", ""),
    ),
    ("<p>oi</p><hr id=zwchr><b>De: </b>Ana<br>antes", ("oi", "")),
    ("<p>oi</p><hr id=stopSpelling>antes", ("oi", "")),
    (
        "<p>oi</p><div style='border-top:solid'><p><b>De:</b> Ana<br><b>Enviada em:</b> x<br><b>Para:</b> b</p></div>antes",
        ("oi", ""),
    ),
    ("<p>oi</p><div class=gmail_signature>Ana<br>Loja</div>", ("oi", "Ana\nLoja")),
    ("<p>oi</p><div class=moz-signature>-- <br>Ana</div>", ("oi", "--\nAna")),
    ("<div id=Signature>oi</div>", ("oi", "")),
]


@pytest.mark.parametrize(("page", "wanted"), PAGES)
def test_mailers_mark_quotations_and_signatures_in_html(page: str, wanted: tuple[str, str]) -> None:
    found = split(text_of_html(page))
    assert (found.fresh, found.signature) == wanted
    assert ("antes" in found.quoted) is ("antes" in page)
