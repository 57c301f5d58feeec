"""Whose contact it is, and whether the contract covers it: by CNPJ, by the registered address, then by its domain."""

from collections.abc import Iterable
from datetime import date
from typing import Literal, NamedTuple

from shared.clients import Client, Clients, Contract

_SHARED_DOMAINS = frozenset(
    "gmail.com googlemail.com hotmail.com outlook.com outlook.com.br live.com msn.com yahoo.com yahoo.com.br icloud.com"
    " uol.com.br bol.com.br terra.com.br ig.com.br globo.com protonmail.com proton.me".split()
)
"""Everybody's: a client that lists one of them would get the mail of strangers."""


class Belonging(NamedTuple):
    """The client, by what it was recognised, and what the contract says at that date; ``by`` "" where it is unknown."""

    client: Client | None
    by: Literal["cnpj", "address", "domain", ""]
    coverage: Literal["covered", "unknown", "none"]
    reason: str | None


def belonging(
    clients: Clients,
    cnpjs: Iterable[str],
    sender: str,
    on: date,
    product: str | None = None,
    registered: str | None = None,
) -> Belonging:
    """Return whose contact it is; a CNPJ of a document is a better match than an address (which may be anybody's).

    ``product``: what the contact is about; ``registered``: the client that the sender's address is registered for.
    """
    client, by = _found(clients, tuple(cnpjs), sender, registered)
    if client is None:
        return Belonging(None, "", "unknown", None)
    contract = client.contract
    if contract is None:
        return Belonging(client, by, "unknown", None)
    against = _against(contract, on, product)
    return Belonging(client, by, "covered" if against is None else "none", against)


def _against(contract: Contract, on: date, product: str | None) -> str | None:
    if on < contract.from_:
        return f"the contract begins on {contract.from_.isoformat()}"
    if contract.to is not None and on > contract.to:
        return f"the contract ended on {contract.to.isoformat()}"
    if product is not None and contract.products and product not in contract.products:
        return f"the contract does not include the product {product}"
    return None


def _found(
    clients: Clients, cnpjs: tuple[str, ...], sender: str, registered: str | None
) -> tuple[Client | None, Literal["cnpj", "address", "domain", ""]]:
    for cnpj in cnpjs:
        for client in clients.clients:
            if cnpj in (_plain(one) for one in client.cnpj):
                return client, "cnpj"
    for client in clients.clients:
        if client.id == registered:
            return client, "address"
    domain = sender.rpartition("@")[2]
    if domain and domain not in _SHARED_DOMAINS:
        for client in clients.clients:
            if domain in (one.lower() for one in client.domains):
                return client, "domain"
    return None, ""


def _plain(cnpj: str) -> str:
    return "".join(c for c in cnpj.upper() if c.isalnum())
