"""The scenarios of a demand beside those the request names: lacking, unknown or unasked for."""

import json
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from catalogs import Faults
from planner.demand_table import SHOWN, FaultList, positions
from planner.request import DemandSource


def scenario_of_row(
    table: pd.DataFrame, source: DemandSource, named: Mapping[str, float], faults: FaultList
) -> NDArray[np.intp]:
    """Which of the named scenarios each row of a demand file belongs to, by position [row].

    -1, and a fault, where it is none of them; 0 everywhere if no scenario is named.

    Raises:
        InvalidInputError: scenarios are named and the file has none, or the other way round, for
            then it is open which rows are meant.
    """
    column = source.columns.scenario
    has_column = column in table.columns
    if not has_column and (named or "scenario" in source.columns.model_fields_set):
        whole = "; without scenarios, take them out of the request" if named else ""
        fix = f"no such column; it has {_listed(table.columns)}{whole}"
        faults.stop(column, fix, field=f"{faults.field} column")
    if not named:
        if has_column and column not in source.where:
            found = positions(table[column], ())[1]
            fix = f"{unnamed_fix(found)}, or keep one by where: {{{column}: …}}"
            faults.stop(column, fix, field=f"{faults.field} column")
        return np.zeros(len(table), dtype=np.intp)
    position, found = positions(table[column], tuple(named))
    _refuse_rows(table[column], position < 0, faults)
    check_named(named, found, faults.faults)
    return position


def _refuse_rows(names: pd.Series, unknown: NDArray[np.bool_], faults: FaultList) -> None:
    """Report every row without a scenario, and every unknown scenario at its first row."""
    blank = names.isna()
    faults.refuse(blank, names, str(names.name), "write the row's scenario")
    first = names[unknown & ~blank.to_numpy(dtype=bool)].drop_duplicates()
    listed: list[tuple[str, object]] = [
        (f"{faults.field} row {row} {names.name}", name) for row, name in first[:SHOWN].items()
    ]
    faults.report(listed, UNKNOWN_FIX, total=len(first))


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


def _listed(names: Sequence[object] | pd.Index) -> str:
    return ", ".join(map(str, names[:SHOWN])) or "none"
