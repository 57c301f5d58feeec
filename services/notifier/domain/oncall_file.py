"""What ``oncall.yaml`` consists of; what needs more than one of its parts is checked in ``oncall_check.py``."""

from pydantic import Field

from services.notifier.domain.channel_config import ChannelConfig
from services.notifier.domain.people import Person
from services.notifier.domain.policies import Choice, Policy, Targets, Window
from services.notifier.domain.rotations import Override, Rotation
from services.notifier.domain.wall_time import Holidays
from shared.clients import Identifier
from shared.config import Part


class OnCallFile(Part):
    """The file ``oncall.yaml``. ``manager``: who is told when nobody is on call, or nobody could be reached."""

    channels: dict[Identifier, ChannelConfig] = Field(min_length=1, max_length=50)
    people: dict[Identifier, Person] = Field(min_length=1, max_length=1000)
    holidays: dict[Identifier, Holidays] = Field(default_factory=dict, max_length=50)
    rotations: dict[Identifier, Rotation] = Field(default_factory=dict, max_length=200)
    overrides: tuple[Override, ...] = Field((), max_length=1000)
    teams: dict[Identifier, Targets] = Field(default_factory=dict, max_length=200)
    policies: dict[Identifier, Policy] = Field(min_length=1, max_length=100)
    choose: tuple[Choice, ...] = Field(min_length=1, max_length=200)
    """Which policy an alert has: the first rule that fits; the last one has no condition."""
    manager: Targets
    maintenance: tuple[Window, ...] = Field((), max_length=500)
