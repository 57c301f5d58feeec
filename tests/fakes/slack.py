"""Slack's incoming webhook: Block Kit's limits, one secret path, answers in words."""

from tests.fakes.remote import Remote, Reply, Request

PATH = "/services/T0000/B0000/canarySlackSecret"


class SlackHook(Remote):
    """Takes messages at ``PATH``."""

    good = Reply(200, b"ok")

    def check(self, request: Request) -> None:
        """Demand a text and blocks within their limits."""
        assert (request.method, request.path) == ("POST", PATH)
        assert request.headers["content-type"] == "application/json"
        said = request.json
        assert set(said) == {"text", "blocks"}
        assert 0 < len(said["text"]) <= 4000
        for block in said["blocks"]:
            match block["type"]:
                case "section" if "fields" in block:
                    assert 1 <= len(block["fields"]) <= 10
                    assert all(f["type"] == "mrkdwn" and 0 < len(f["text"]) <= 2000 for f in block["fields"])
                case "section":
                    assert 0 < len(block["text"]["text"]) <= 3000
                case "actions":
                    button = block["elements"][0]
                    assert (button["type"], button["text"]["type"]) == ("button", "plain_text")
                    assert len(button["text"]["text"]) <= 75
                    assert len(button["url"]) <= 3000
                case other:
                    raise AssertionError(other)
