"""A limit of the request that is not kept."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Broken:
    """A limit that is not kept.

    Attributes:
        limit: as errors name it.
        excess: by how much it is passed, or missed, in the limit's own unit.
        text: the same as a sentence.
    """

    limit: str
    excess: float
    text: str

    def __str__(self) -> str:
        """Read as the sentence."""
        return self.text
