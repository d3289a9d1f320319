"""Makes a catalogue of the rates an import found: repeated rates, machines, and what fits."""

from dataclasses import dataclass

import pandas as pd

from catalogs.catalog import Catalog
from catalogs.checks import check_rows, check_values
from catalogs.faults import Fault, Faults, InvalidInputError
from catalogs.imports.gathering import Gathering
from catalogs.imports.report import ImportReport
from catalogs.kinds import OfferKind
from catalogs.offers import InstanceType
from catalogs.tables import (
    PLATFORM,
    RATE_COLUMNS,
    RATE_KEY,
    CatalogTables,
    Provenance,
    instance_types_frame,
    parse_resources,
    sorted_rates,
    with_column_types,
)

_PRICE = ("hourly_nanousd", "upfront_nanousd")


@dataclass(frozen=True)
class Ground:
    """What a catalogue is made on.

    Attributes:
        provider: of the new catalogue.
        descriptions: a table of instance types, for machines the files only name.
        onto: catalogue whose rates stay where the import found none; None for none.
    """

    provider: str
    descriptions: pd.DataFrame
    onto: Catalog | None = None


def assemble(found: Gathering, ground: Ground) -> tuple[Catalog, ImportReport]:
    """A catalogue of what was found, and what became of every row.

    Raises:
        InvalidInputError: no rate is left, or rates do not fit together.
    """
    rates = _without_repeated(found)
    rates = _with_prices_to_discount(rates, found, ground)
    rates = _of_known_machines(rates, found, ground)
    if rates.empty:
        raise InvalidInputError([_nothing_left(found)])
    types = _instance_types(rates, found, ground)
    kept = with_column_types(_checked(rates, types)[list(RATE_COLUMNS)])
    if ground.onto is not None:
        kept, types = _laid_onto(kept, types, ground.onto)
    tables = CatalogTables(types.sort_index(), sorted_rates(kept), _provenance(kept, ground))
    return Catalog(tables), _report(rates, types, found, ground)


def _without_repeated(found: Gathering) -> pd.DataFrame:
    """Of rates with the same key the latest; of one day, the first that was read."""
    rates = found.rates.frame()
    again = rates[rates.duplicated(list(RATE_KEY), keep=False)]
    latest_first = again.sort_values("as_of", ascending=False, kind="stable")
    prices = latest_first.groupby(list(RATE_KEY), dropna=False, sort=False)[list(_PRICE)]
    same = (latest_first[list(_PRICE)] == prices.transform("first")).all(axis=1)
    repeated = latest_first.duplicated(list(RATE_KEY))
    _leave_out(latest_first[repeated & same], "stands in another row too", found)
    _leave_out(
        latest_first[repeated & ~same], "another row has another price, later or first", found
    )
    return rates.drop(index=latest_first.index[repeated])


def _with_prices_to_discount(rates: pd.DataFrame, found: Gathering, ground: Ground) -> pd.DataFrame:
    """The rates without plans' rates of machines that have no on-demand rate."""
    on_demand = rates["kind"] == OfferKind.ON_DEMAND
    sold = set(rates.loc[on_demand, list(PLATFORM)].itertuples(index=False, name=None))
    if ground.onto is not None:
        beneath = ground.onto.rates
        rows = beneath.loc[beneath["kind"] == OfferKind.ON_DEMAND, list(PLATFORM)]
        sold |= set(rows.itertuples(index=False, name=None))
    spend = rates["kind"].isin([str(kind) for kind in OfferKind if kind.is_spend])
    plans = rates.loc[spend, list(PLATFORM)]
    unsold = [machine not in sold for machine in plans.itertuples(index=False, name=None)]
    lost = plans.index[unsold]
    _leave_out(rates.loc[lost], "a plan's rate of a machine without an on-demand price", found)
    return rates.drop(index=lost)


def _of_known_machines(rates: pd.DataFrame, found: Gathering, ground: Ground) -> pd.DataFrame:
    """The rates without those of resources (``n2/vcpu``) that no known machine is made of."""
    parts = {part for one in _resources(ground.descriptions).values() for part in one}
    parts |= {part for one in found.described.values() for part in one.resources}
    names = rates["instance_type"]
    unknown = names.str.contains("/") & ~names.isin(parts)
    _leave_out(rates[unknown], "a resource that no known machine is made of", found)
    return rates[~unknown]


def _leave_out(rates: pd.DataFrame, reason: str, found: Gathering) -> None:
    columns = ["file", "row", *RATE_KEY, "hourly_nanousd"]
    for file, row, *key, hourly in rates[columns].itertuples(index=False, name=None):
        words = " ".join(str(part) for part in key if part not in (None, 0))
        found.tally.leave_out(reason, f"{file} row {row}", f"{words}, {hourly / 1e9:g} USD/h")


def _nothing_left(found: Gathering) -> Fault:
    counts = found.tally.rows_refused + found.tally.rates_left_out
    reasons = "; ".join(f"{count} {reason}" for reason, count in counts.most_common(5))
    files = ", ".join(one.file for one in found.tally.files)
    return Fault(
        field="files",
        value=files,
        fix=f"no rate is left to import ({reasons or 'no rows'}); name files with prices",
    )


def _resources(types: pd.DataFrame) -> dict[str, set[str]]:
    """Resources of each machine that is billed by them."""
    texts = types["resources"]
    return {str(name): set(parse_resources(text)) for name, text in texts[texts != ""].items()}


def _instance_types(rates: pd.DataFrame, found: Gathering, ground: Ground) -> pd.DataFrame:
    """The machines of the rates, and those made of resources that have some."""
    names = set(rates["instance_type"])
    named = {name for name in names if "/" not in name}
    known, described = ground.descriptions, found.described
    resources = {name: set(one.resources) for name, one in described.items() if one.resources}
    resources |= _resources(known)
    wanted = named | {name for name, parts in resources.items() if names & parts}
    rows = (
        described.get(name, InstanceType(name=name)).model_copy(
            update={"provider": ground.provider}
        )
        for name in sorted(wanted.difference(known.index))
    )
    return pd.concat([known[known.index.isin(wanted)], instance_types_frame(rows)])


def _checked(rates: pd.DataFrame, types: pd.DataFrame) -> pd.DataFrame:
    """The rates, once every check of a catalogue passed.

    Raises:
        InvalidInputError: with every fault found.
    """
    faults = Faults()

    def rate_at(row: int, column: str) -> str:
        file, number = map(str, rates.loc[row, ["file", "row"]])
        return f"{file} row {number}, {column}".removesuffix(", ")

    def type_at(row: int, column: str) -> str:
        return ", ".join((str(types.index[row]), column))

    check_values(rates, faults, rate_at)
    resources = {part for one in _resources(types).values() for part in one}
    priced = rates[~rates["kind"].isin([str(kind) for kind in OfferKind if kind.is_spend])]
    check_rows(types.index, resources, priced, faults, type_at, rate_at)
    faults.raise_if_any()
    return rates


def _laid_onto(
    rates: pd.DataFrame, types: pd.DataFrame, onto: Catalog
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rates and those beneath them that have another key; the machines of both."""
    together = pd.concat([onto.rates.astype(object), rates.astype(object)], ignore_index=True)
    kept = together[~together.duplicated(list(RATE_KEY), keep="last")]
    beneath = onto.instance_types
    machines = pd.concat([beneath, types[~types.index.isin(beneath.index)]])
    return with_column_types(kept), machines


def _provenance(rates: pd.DataFrame, ground: Ground) -> Provenance:
    on_demand = rates.loc[rates["kind"] == OfferKind.ON_DEMAND, "as_of"]
    dates = (rates["as_of"] if on_demand.empty else on_demand).astype(object)
    sources = rates["source"].astype(object).drop_duplicates()
    return Provenance(
        name=ground.provider,
        provider=ground.provider,
        source="; ".join(sorted(sources)),
        as_of=min(dates),
    )


def _report(
    rates: pd.DataFrame, types: pd.DataFrame, found: Gathering, ground: Ground
) -> ImportReport:
    counts = rates["kind"].value_counts()
    tally = found.tally
    return ImportReport(
        provider=ground.provider,
        files=tuple(tally.files),
        rows_refused=dict(tally.rows_refused.most_common()),
        rates_left_out=dict(tally.rates_left_out.most_common()),
        rates_kept={str(kind): int(counts[kind]) for kind in OfferKind if counts.get(kind)},
        instance_types=len(types),
        examples={reason: tuple(shown) for reason, shown in tally.examples.items()},
        tables={title: tuple(rows) for title, rows in tally.tables.items()},
    )
