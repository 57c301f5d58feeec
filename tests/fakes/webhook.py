"""A customer's receiver of our webhooks: it verifies every signature as intake does, and knows what it has had already."""

from services.intake.domain.signature import verify
from shared import clock
from tests.fakes.remote import Remote, Reply, Request


class Receiver(Remote):
    """Takes documents at ``/hook`` that are signed by ``key``."""

    good = Reply(204)
    key = b""

    def check(self, request: Request) -> None:
        """Demand the path, the type, a right signature of our clock's time, and the document's fields."""
        assert (request.method, request.path) == ("POST", "/hook")
        assert request.headers["content-type"] == "application/json"
        stamp, proofs = request.headers["prazo-timestamp"], request.headers["prazo-signature"]
        verify({"us": [self.key]}, stamp, proofs, request.body, clock.now())
        assert request.json["id"] == request.headers["prazo-webhook-id"]
        fields = {"id", "thread", "word", "repeated", "person", "language", "subject", "text", "link", "facts"}
        assert set(request.json) == fields
        assert all(isinstance(value, str) for value in request.json["facts"].values())

    @property
    def ids(self) -> list[str]:
        """The ids that came, in order."""
        return [request.headers["prazo-webhook-id"] for request in self.requests]
