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
        " baixe e execute o TeamViewer por este endereço (não é preciso instalar nada) e informe ao analista o ID que aparece:",
        "tax": "O suporte cobre a estrutura e o preenchimento dos documentos fiscais conforme os schemas da SEFAZ e as falhas"
        " do software. Não tiramos dúvidas fiscais, como impostos, cálculos de impostos ou tributação: essas informações são da"
        " profissão contábil. De qualquer forma, a sua mensagem será lida por uma pessoa.",
        "register": "Não encontramos o seu cadastro. Cadastre-se para receber os nossos comunicados:",
        "answer": "Para acrescentar algo, responda a este e-mail e mantenha [#{ticket}] no assunto.",
        "automatic": "Esta é uma resposta automática. A resposta da nossa equipe virá em outra mensagem.",
        "days": ("segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado", "domingo"),
        "moment": "%d/%m/%Y ({day}), às %H:%M",
    },
    "en": {
        "hello": "Hello,",
        "received": "We have received your message and opened a ticket. Its protocol number is:",
        "subject": "Subject",
        "service": "Service",
        "opened": "Received",
        "respond_by": "Response by",
        "zone": "Brasília time",
        "counts_from": "The response time starts to count on {at}, when the desk opens.",
        "no_due": "We will respond within the response time of this service.",
        "paused": "The response time is paused at the moment.",
        "emergency": "Outside business hours, emergencies are handled by phone only: {phone}.",
        "articles": "This may help right now:",
        "remote": "For this service we may need remote access. If you do not have Windows Terminal Service (TS), download and"
        " run TeamViewer from this address (nothing needs to be installed) and tell the analyst the ID that it shows:",
        "tax": "Support covers the structure and filling of fiscal documents according to the SEFAZ schemas, and faults of the"
        " software. We do not answer tax questions, such as taxes, tax calculations or taxation: that belongs to the accounting"
        " profession. In any case, a person will read your message.",
        "register": "We have not found your registration. Please register for our announcements:",
        "answer": "To add something, reply to this e-mail and keep [#{ticket}] in the subject.",
        "automatic": "This is an automatic reply. Our team will answer in another message.",
        "days": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
        "moment": "{day}, %Y-%m-%d, at %H:%M",
    },
}
