"""The webhook of a Teams workflow: a message with one Adaptive Card, at most 28 KB, 202 without a body."""

from tests.fakes.remote import Remote, Reply, Request

PATH = "/workflows/0123/triggers/manual/paths/invoke?api-version=2016-06-01&sig=canaryTeamsSecret"


class TeamsFlow(Remote):
    """Takes messages at ``PATH``."""

    good = Reply(202)

    def check(self, request: Request) -> None:
        """Demand the envelope and the card's schema."""
        assert (request.method, request.path) == ("POST", PATH)
        assert request.headers["content-type"] == "application/json"
        assert len(request.body) <= 28 * 1024
        said = request.json
        assert said["type"] == "message"
        (attachment,) = said["attachments"]
        assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
        card = attachment["content"]
        assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
        for element in card["body"]:
            assert element["type"] in ("TextBlock", "FactSet")
            assert all(set(fact) == {"title", "value"} for fact in element.get("facts", []))
        assert all(action["type"] == "Action.OpenUrl" and action["url"] for action in card.get("actions", []))
