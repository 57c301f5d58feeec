"""The words of the automatic answer, pt-BR first."""

from typing import Any

TEXTS: dict[str, dict[str, Any]] = {
    "pt-BR": {
        "hello": "Olá,",
        "received": "Recebemos a sua mensagem e abrimos um chamado. O número de protocolo é:",
        "subject": "Assunto",
        "service": "Serviço",
        "opened": "Recebida em",
        "respond_by": "Resposta até",
        "zone": "horário de Brasília",
        "counts_from": "O prazo de resposta começa a contar em {at}, quando o atendimento abre.",
        "no_due": "Responderemos dentro do prazo do serviço.",
        "paused": "O prazo de resposta está suspenso no momento.",
        "emergency": "Fora do horário de atendimento, emergências são atendidas somente por telefone: {phone}.",
        "articles": "Isto pode ajudar desde já:",
        "remote": "Para este serviço podemos precisar de acesso remoto. Se você não tem o Terminal Service (TS) do Windows,"
        " baixe e execute o TeamViewer deste endereço (nada precisa ser instalado) e informe o ID ao analista:",
        "tax": "O suporte cobre a estrutura e o preenchimento dos documentos fiscais conforme os schemas da SEFAZ e as falhas"
        " do software. Não tiramos dúvidas fiscais, como impostos, cálculos de impostos ou tributação: essas informações são da"
        " profissão contábil. Uma pessoa vai ler a sua mensagem de qualquer forma.",
        "register": "Ainda não encontramos o seu cadastro. Cadastre-se para receber os nossos comunicados:",
        "answer": "Para acrescentar algo, responda a este e-mail e mantenha [#{ticket}] no assunto.",
        "automatic": "Esta é uma resposta automática. Uma pessoa responderá em seguida.",
        "days": ("seg", "ter", "qua", "qui", "sex", "sáb", "dom"),
        "moment": "%d/%m/%Y %H:%M",
    },
    "en": {
        "hello": "Hello,",
        "received": "We have received your message and opened a ticket. Its protocol number is:",
        "subject": "Subject",
        "service": "Service",
        "opened": "Received",
        "respond_by": "Response by",
        "zone": "Brasília time",
        "counts_from": "The response time begins to count at {at}, when the desk opens.",
        "no_due": "We will respond within the time of the service.",
        "paused": "The response time is paused at the moment.",
        "emergency": "Outside business hours emergencies are taken by phone only: {phone}.",
        "articles": "This may help right now:",
        "remote": "For this service we may need remote access. If you do not have Windows Terminal Service (TS), download and"
        " run TeamViewer from this address (nothing needs to be installed) and tell the analyst its ID:",
        "tax": "Support covers the structure and filling of fiscal documents according to the SEFAZ schemas, and faults of the"
        " software. We give no tax advice: for rates, CST, CFOP and the like please ask your accountant. A person will read"
        " your message in any case.",
        "register": "We have not found your registration yet. Please register for our announcements:",
        "answer": "To add something, answer this mail and keep [#{ticket}] in the subject.",
        "automatic": "This is an automatic answer. A person will respond next.",
        "days": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
        "moment": "%Y-%m-%d %H:%M",
    },
}
