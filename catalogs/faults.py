"""What is wrong with an input: every fault at once, each with its field, value and fix."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

T = TypeVar("T")


class Fault(BaseModel):
    """One wrong input value: where it stands, what it was, what to do about it."""

    model_config = ConfigDict(frozen=True)

    field: str
    value: str
    fix: str

    def __str__(self) -> str:
        """Read as one line of a report."""
        return f"{self.field} = {self.value}: {self.fix}"


class InvalidInputError(Exception):
    """Input values are wrong; carries all faults found, never only the first."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))

    def __reduce__(self) -> tuple[type, tuple[tuple[Fault, ...]]]:
        return type(self), (self.faults,)


def shown(value: object) -> str:
    """A value as faults show it: as Python writes it, cut at 80 characters."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


class Faults:
    """Collects faults while an input is read; raises them together.

    >>> faults = Faults()
    >>> faults.add("horizon.hours", -1, "write a number of hours above 0")
    >>> faults.raise_if_any()
    Traceback (most recent call last):
    catalogs.faults.InvalidInputError: horizon.hours = -1: write a number of hours above 0
    """

    def __init__(self) -> None:
        self.found: list[Fault] = []

    def add(self, field: str, value: object, fix: str) -> None:
        """Note one fault."""
        self.found.append(Fault(field=field, value=shown(value), fix=fix))

    def extend(self, error: InvalidInputError) -> None:
        """Take over the faults another reader found."""
        self.found.extend(error.faults)

    def raise_if_any(self) -> None:
        """Raise InvalidInputError with every fault noted so far, if there is one."""
        if self.found:
            raise InvalidInputError(self.found)


def collected(faults: Faults, step: Callable[[], T]) -> T | None:
    """What a step gives, or None with its faults noted: the next step may find more."""
    try:
        return step()
    except InvalidInputError as error:
        faults.extend(error)
        return None
