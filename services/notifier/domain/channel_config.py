"""A way to reach people, as ``channels`` of ``oncall.yaml`` says."""

from typing import Literal

from shared.config import Part

Kind = Literal["email", "webhook", "pagerduty", "slack", "teams", "sms", "voice", "apprise"]
_LOUD = frozenset({"sms", "voice", "pagerduty", "apprise"})


class ChannelConfig(Part):
    """One channel by its kind."""

    kind: Kind

    @property
    def loud(self) -> bool:
        """Tell whether it may wake somebody."""
        return self.kind in _LOUD
