"""Finds rows of a rate table by what they price, without scanning it."""

from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from catalogs.kinds import OfferKind
from catalogs.tables import LABEL_COLUMNS, PLATFORM, from_nanousd

Platform = tuple[str, str, str, str]
"""Instance type, region, OS, tenancy: where the rates of one machine stand together."""

Terms = tuple[str, int, str | None]
"""Kind, term in hours (0: none), payment: which of a machine's rates is meant."""


class RateIndex:
    """Rows of a sorted rate table by platform, then by terms; grouped once, when first asked."""

    def __init__(self, rates: pd.DataFrame) -> None:
        self._codes = {column: rates[column].cat.codes.to_numpy() for column in LABEL_COLUMNS}
        # -1 is the code of an empty label, so None stands last.
        self._labels = {
            column: [*rates[column].cat.categories.tolist(), None] for column in LABEL_COLUMNS
        }
        self._term_hours = rates["term_hours"].to_numpy()
        self._upfront_nanousd = rates["upfront_nanousd"].to_numpy()
        self._hourly_nanousd = rates["hourly_nanousd"].to_numpy()
        self._rows_at: dict[Platform, dict[Terms, int]] = {}

    def at(self, platform: Platform) -> dict[Terms, int]:
        """Row of each of the platform's rates, in the table's order; empty if it has none."""
        if platform not in self._rows_at:
            rows = range(*self._spans.get(platform, (0, 0)))
            self._rows_at[platform] = {self._terms(row): row for row in rows}
        return self._rows_at[platform]

    def plan_terms(self, instance_type: str, region: str) -> set[Terms]:
        """Terms of the savings plans that have a rate for the type, on any OS and tenancy."""
        return {
            terms
            for os, tenancy in self.systems
            for terms in self.at((instance_type, region, os, tenancy))
            if OfferKind(terms[0]).is_spend
        }

    @cached_property
    def on_demand_platforms(self) -> tuple[Platform, ...]:
        """Every platform with an on-demand rate."""
        on_demand = self._labels["kind"].index(str(OfferKind.ON_DEMAND))
        rows = np.flatnonzero(self._codes["kind"] == on_demand)
        return tuple(map(self._platform, rows.tolist()))

    def hourly_usd(self, row: int) -> Decimal:
        """The recurring rate of a row [USD / machine-hour]."""
        return from_nanousd(int(self._hourly_nanousd[row]))

    def upfront_usd(self, row: int) -> Decimal:
        """What a row costs on its first day [USD / machine]."""
        return from_nanousd(int(self._upfront_nanousd[row]))

    def labels(self, row: int) -> dict[str, Any]:
        """A row's fields as `Rate` names them, all but its money."""
        fields: dict[str, Any] = {column: self._label(column, row) for column in LABEL_COLUMNS}
        return fields | {"term_hours": int(self._term_hours[row]) or None}

    def _label(self, column: str, row: int) -> str | None:
        label: str | None = self._labels[column][self._codes[column][row]]
        return label

    def _terms(self, row: int) -> Terms:
        return (
            str(self._label("kind", row)),
            int(self._term_hours[row]),
            self._label("payment", row),
        )

    def _platform(self, row: int) -> Platform:
        name, region, os, tenancy = (str(self._label(column, row)) for column in PLATFORM)
        return name, region, os, tenancy

    @cached_property
    def _spans(self) -> dict[Platform, tuple[int, int]]:
        """First row, and the one after the last, of each platform's rates."""
        codes = np.stack([self._codes[c] for c in PLATFORM])
        changes = (codes[:, 1:] != codes[:, :-1]).any(axis=0)
        starts = [0, *(np.flatnonzero(changes) + 1).tolist()]
        stops = [*starts[1:], codes.shape[1]]
        return {
            self._platform(start): (start, stop) for start, stop in zip(starts, stops, strict=True)
        }

    @cached_property
    def systems(self) -> set[tuple[str, str]]:
        """Operating systems and tenancies that any rate is of."""
        return {platform[2:] for platform in self._spans}
