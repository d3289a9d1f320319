"""Names in a column of a demand file: workloads, scenarios, or what `where` looks for."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray


class NameColumn:
    """A column's names, met piece by piece, and their positions among those looked for.

    Attributes:
        found: every name met so far, in the order in which they came.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._position = {name: position for position, name in enumerate(names)}
        self.found: dict[str, None] = {}

    def positions(self, column: pd.Series) -> NDArray[np.int32]:
        """Where each row's name stands among those looked for [row]; -1 where it does not."""
        # Few distinct values in many rows: each is looked up once.
        code, values = pd.factorize(column)
        names = [str(value) for value in values]
        self.found.update(dict.fromkeys(names))
        # The last position answers for blanks, whose code is -1.
        known = [*(self._position.get(name, -1) for name in names), -1]
        return np.array(known, dtype=np.int32)[code]
