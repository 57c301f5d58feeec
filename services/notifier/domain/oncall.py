"""Who is on call and in which order they are told, of a file without errors. All errors are reported at once."""

from collections.abc import Mapping

from pydantic import PrivateAttr, model_validator

from services.notifier.domain.oncall_check import problems
from services.notifier.domain.oncall_file import OnCallFile
from services.notifier.domain.rotations import Imported
from services.notifier.domain.shifts import Shifts


class OnCall(OnCallFile):
    """The file ``oncall.yaml``, checked. Rotations of iCalendar files need ``with_shifts``: ``configuration.read_oncall``
    does all of it."""

    _shifts: Mapping[str, Shifts] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _names_exist(self) -> "OnCall":
        wrong = list(problems(self))
        if wrong:
            raise ValueError("\n  ".join(wrong))
        return self

    @property
    def imported(self) -> Mapping[str, Imported]:
        """Return the rotations of iCalendar files."""
        return {name: rotation for name, rotation in self.rotations.items() if isinstance(rotation, Imported)}

    @property
    def names(self) -> Mapping[str, str]:
        """Return by what an iCalendar event may name people (ids, names, e-mail addresses; case folded) → their ids."""
        said: dict[str, str] = {}
        for id_, person in reversed(self.people.items()):
            said |= {method.to.casefold(): id_ for method in person.methods if "@" in method.to}
            said[person.name.casefold()] = id_
        return said | {id_.casefold(): id_ for id_ in self.people}

    def with_shifts(self, shifts: Mapping[str, Shifts]) -> "OnCall":
        """Return the same with the shifts of its iCalendar files, by rotation."""
        made = self.model_copy()
        made._shifts = dict(shifts)
        return made

    def shifts(self, rotation: str) -> Shifts:
        """Return the shifts of an imported rotation; a ``LookupError`` where they were not read is a defect of ours."""
        return self._shifts[rotation]
