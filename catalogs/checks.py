"""Whether rows fit together into one catalogue: faults across rows, found over whole columns."""

import difflib
from collections.abc import Callable, Collection, Iterable

import pandas as pd

from catalogs.faults import Faults
from catalogs.kinds import OfferKind, Payment
from catalogs.tables import LABEL_COLUMNS, OPTIONAL_LABELS, PLATFORM, RATE_KEY

Where = Callable[[int, str], str]
"""Names a row and column for a reader: ``rates[3].region`` or ``prices.parquet row 4, region``."""

SHOWN_PER_CHECK = 20
"""Rows listed one by one; a file that is wrong throughout gets the rest as a count."""


def near_names(name: str, names: Iterable[str]) -> list[str]:
    """Up to three names most like the given one, best first."""
    return difflib.get_close_matches(name, sorted(set(names)), n=3, cutoff=0.6)


def near_text(name: str, names: Iterable[str]) -> str:
    """A clause that offers the nearest names, empty where nothing is near."""
    near = near_names(name, names)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def check_rows(
    instance_types: pd.Index,
    resources: Collection[str],
    rates: pd.DataFrame,
    faults: Faults,
    type_at: Where,
    rate_at: Where,
) -> None:
    """Note every fault that shows only when rows are seen together.

    Args:
        instance_types: names, in the order of their rows.
        resources: names of what machines are made of, if it is billed apart.
        rates: columns of `RATE_KEY` at least; the index holds the row numbers.
        faults: where faults are noted.
        type_at: names an instance type's row.
        rate_at: names a rate's row.
    """
    _check_repeated_types(instance_types, faults, type_at)
    _check_repeated_rates(rates, faults, rate_at)
    _check_known_types({*instance_types, *resources}, rates, faults, rate_at)
    _check_on_demand(rates, faults, rate_at)


def check_values(rates: pd.DataFrame, faults: Faults, rate_at: Where) -> None:
    """Note every rate whose own values are wrong: labels, terms, payments, negative money."""
    for column in (name for name in LABEL_COLUMNS if name not in OPTIONAL_LABELS):
        empty = rates.loc[rates[column].isna(), column].astype(object)
        note_rows(faults, empty, rate_at, column, "is empty; write a value")
    for column, allowed in (("kind", [*map(str, OfferKind)]), ("payment", [*map(str, Payment)])):
        labels = rates[column].astype(object)
        unknown = labels[labels.notna() & ~labels.isin(allowed)]
        note_rows(faults, unknown, rate_at, column, f"write one of {', '.join(allowed)}")
    for column in ("upfront_nanousd", "hourly_nanousd", "term_hours"):
        negative = rates.loc[rates[column] < 0, column]
        note_rows(faults, negative, rate_at, column, "is negative; write 0 or more")
    _check_terms(rates, faults, rate_at)


def _check_terms(rates: pd.DataFrame, faults: Faults, rate_at: Where) -> None:
    kind = rates["kind"].astype(object)
    committed = kind.isin([k for k in OfferKind if k.is_commitment])
    dedicated = kind.isin([k for k in OfferKind if k.is_dedicated])
    has_term, has_payment = rates["term_hours"] != 0, rates["payment"].notna()
    wrong = (
        (committed & ~(has_term & has_payment), "is a commitment: give its term and its payment"),
        (~committed & (has_term | has_payment), "binds for no term: leave out term and payment"),
        (~dedicated & (rates["upfront_nanousd"] != 0), "carries no upfront; write 0"),
    )
    for rows, fix in wrong:
        note_rows(faults, kind[rows], rate_at, "kind", fix)


def note_rows(
    faults: Faults, rows: pd.Series, where: Where, column: str, fix: str | Callable[[str], str]
) -> None:
    """Note one fault per row of ``rows`` (index: row number, values: what stood there)."""
    for row, value in rows.iloc[:SHOWN_PER_CHECK].items():
        advice = fix if isinstance(fix, str) else fix(str(value))
        faults.add(where(int(str(row)), column), value, advice)
    if len(rows) > SHOWN_PER_CHECK:
        first = where(int(rows.index[SHOWN_PER_CHECK]), column)
        faults.add(
            first, rows.iloc[SHOWN_PER_CHECK], f"the same in {len(rows) - SHOWN_PER_CHECK} rows"
        )


def _check_repeated_types(instance_types: pd.Index, faults: Faults, type_at: Where) -> None:
    names = pd.Series(instance_types.to_numpy(), index=range(len(instance_types)), dtype=object)
    repeated = names[names.duplicated()]
    note_rows(faults, repeated, type_at, "name", "stands twice; keep one row per type")


def _check_repeated_rates(rates: pd.DataFrame, faults: Faults, rate_at: Where) -> None:
    repeated = rates.loc[rates.duplicated(list(RATE_KEY)), list(RATE_KEY)]
    note_rows(faults, _in_words(repeated), rate_at, "", "an earlier row has this key; keep one")


def _in_words(keys: pd.DataFrame) -> pd.Series:
    """Each row's labels in one text, without those that are empty or 0."""
    texts = (
        " ".join(str(part) for part in row if part != 0 and not pd.isna(part))
        for row in keys.astype(object).to_numpy().tolist()
    )
    return pd.Series(list(texts), index=keys.index, dtype=object)


def _check_known_types(
    known: set[str], rates: pd.DataFrame, faults: Faults, rate_at: Where
) -> None:
    names = rates["instance_type"].astype(object)
    unknown = names[~names.isin(known)]

    def fix(name: str) -> str:
        near = near_text(name, known)
        return f"no such instance type in this catalogue{near}"

    note_rows(faults, unknown, rate_at, "instance_type", fix)


def _check_on_demand(rates: pd.DataFrame, faults: Faults, rate_at: Where) -> None:
    place = rates.groupby(list(PLATFORM), sort=False, observed=True).ngroup()
    kind = rates["kind"].astype(object)
    # Machines may be sold by reservation alone; a plan's rate is a discount on something.
    spend = kind.isin([str(k) for k in OfferKind if k.is_spend])
    sold = place[kind == OfferKind.ON_DEMAND].unique()
    unsold = place[spend & ~place.isin(sold)].drop_duplicates()
    note_rows(
        faults,
        _in_words(rates.loc[unsold.index, list(PLATFORM)]),
        rate_at,
        "",
        "has a savings plan rate but no on_demand rate there; add one",
    )
