"""The scenarios of a demand beside those the request names: lacking, unknown or unasked for."""

import json
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from catalogs import Faults
from planner.demand_tables.faults import SHOWN, FaultList, RowFaults
from planner.demand_tables.names import NameColumn
from planner.request import DemandSource


class ScenarioColumn:
    """The scenarios of a file's rows, read piece by piece; collects their faults on the way.

    Attributes:
        reads: the columns it needs: one, or none.
    """

    def __init__(
        self, source: DemandSource, columns: list[str], named: Mapping[str, float],
        faults: FaultList,
    ) -> None:  # fmt: skip
        self._source, self._columns, self._named, self._faults = source, columns, named, faults
        self._name = source.columns.scenario
        kept_by_where = not named and self._name in source.where
        self.reads = [self._name] if self._name in columns and not kept_by_where else []
        self._names = NameColumn(tuple(named))
        self._rows = RowFaults(faults)
        self._unknown: set[str] = set()

    def positions(self, piece: pd.DataFrame) -> NDArray[np.int32]:
        """Which of the named scenarios each row belongs to, by position [row].

        -1, and a fault, where it is none of them; 0 everywhere if no scenario is named.
        """
        if not self.reads:
            return np.zeros(len(piece), dtype=np.int32)
        names = piece[self._name]
        position = self._names.positions(names)
        if not self._named:
            return np.zeros(len(piece), dtype=np.int32)
        if (position < 0).any():
            self._refuse(names[position < 0])
        return position

    @property
    def found(self) -> Mapping[str, None]:
        """Names met so far, also unknown ones."""
        return self._names.found

    def settle(self) -> None:
        """Report what was found wrong.

        Raises:
            InvalidInputError: scenarios are named and the file has none, or the other way round,
                for then it is open which rows are meant.
        """
        field, name = f"{self._faults.field} column", self._name
        asked_for = self._named or "scenario" in self._source.columns.model_fields_set
        if name not in self._columns and asked_for:
            whole = "; without scenarios, take them out of the request" if self._named else ""
            fix = f"no such column; it has {_listed(self._columns)}{whole}"
            self._faults.stop(name, fix, field=field)
        if self._named:
            self._rows.settle()
            check_named(self._named, list(self.found), self._faults.faults)
        elif self.reads:
            fix = f"{unnamed_fix(list(self.found))}, or keep one by where: {{{name}: …}}"
            self._faults.stop(name, fix, field=field)

    def _refuse(self, names: pd.Series) -> None:
        """Note every row without a scenario, and every unknown scenario at its first row."""
        blank = names[names.isna()]
        fix = "write the row's scenario"
        self._rows.refuse(blank.index.to_numpy(), blank, self._name, fix)
        first = names.dropna().drop_duplicates()
        first = first[~first.astype(str).isin(self._unknown)]
        self._rows.refuse(first.index.to_numpy(), first, self._name, UNKNOWN_FIX)
        self._unknown.update(map(str, first))


UNKNOWN_FIX = "the request's scenarios have no such name; give it a probability, or take it out"


def check_named(named: Mapping[str, float], found: Sequence[str], faults: Faults) -> None:
    """Note the scenarios that the request names and the demand lacks."""
    known = set(found)
    for name in named:
        if name not in known:
            fix = f"the demand has no such scenario; it has {_listed(found)}"
            faults.add(f"scenarios.{name}", named[name], fix)


def unnamed_fix(found: Sequence[str]) -> str:
    """What to write where a demand has scenarios and the request names none."""
    # Ten digits, so that the probabilities can be copied and still sum to 1.
    share = float(f"{1 / max(1, len(found)):.10g}")
    written = json.dumps(dict.fromkeys(found[:SHOWN], share), ensure_ascii=False)
    rest = ", …}" if len(found) > SHOWN else "}"
    return f"holds scenarios; write how probable each is, such as scenarios: {written[:-1]}{rest}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) or "none"
