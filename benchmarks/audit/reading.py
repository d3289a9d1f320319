"""Reads a request for the audit.

Only a small part of the request format is understood. Everything else is refused, so that the audit
never answers another question than the planner does.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import numpy as np

from audit.fleet import SPEND, Commitment, Fleet, Floats, Machine, Resource

Document = Mapping[str, Any]

RESERVED = ("reserved_standard", "reserved_convertible", "azure_reservation", "resource_commitment")
FAMILY_PLAN = "savings_plan_ec2"
ON_DEMAND = "on_demand"
HOURS_PER_YEAR = 8760

KEYS = {
    "name", "horizon", "catalog", "demand", "purchases", "offers", "owned", "workloads",
    "commitment_step_usd", "simplify", "solve",
}  # fmt: skip
"""Parts of a request that the audit understands."""


def exact(number: object) -> Fraction:
    """A number as it is written."""
    return Fraction(str(number))


def read(document: Document) -> Fleet:
    """The fleet of a request.

    Raises:
        ValueError: the request says something that the audit does not understand.
    """
    unknown = set(document) - KEYS
    if unknown:
        raise ValueError(f"not understood: {', '.join(sorted(unknown))}")
    return _Reader(document).fleet()


class _Reader:
    """Reads a request whose prices and demand are inline."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.catalog = document["catalog"]["inline"]
        self.provider = str(self.catalog["provider"])
        self.hours = int(document["horizon"]["hours"])
        inline = document["demand"]["inline"]
        self.start = _moment(inline["start"])
        self.series = {name: np.array(one, dtype=float) for name, one in inline["series"].items()}
        self.types = {one["name"]: one for one in self.catalog["instance_types"]}
        self.step_usd = exact(document.get("commitment_step_usd", "0.001"))
        rates = self.catalog["rates"]
        self.on_demand = {
            one["instance_type"]: exact(one["hourly_usd"])
            for one in rates
            if one["kind"] == ON_DEMAND
        }
        allowed = document.get("offers", {}).get("kinds")
        self.sold = [one for one in rates if one["kind"] != ON_DEMAND]
        self.offered = [one for one in self.sold if allowed is None or one["kind"] in allowed]
        self.resources = self._resources()

    def fleet(self) -> Fleet:
        """The fleet."""
        workloads = self.document["workloads"]
        machines = [
            self._machine(position, *found)
            for position, one in enumerate(workloads)
            for found in self._candidates(one)
        ]
        return Fleet(
            provider=self.provider,
            hours=self.hours,
            workloads=tuple(one["name"] for one in workloads),
            resources=self.resources,
            machines=tuple(machines),
            lots=tuple(one for one in self._lots() if one.serves_any and one.begin < one.end),
            owned=tuple(one for one in map(self._owned, self.document.get("owned", ()))),
        )

    def _resources(self) -> tuple[Resource, ...]:
        """All that the machines of all workloads are billed as, by name."""
        names = {
            part
            for workload in self.document["workloads"]
            for name, _ in self._candidates(workload)
            for part in self._parts(name)
        }
        return tuple(self._resource(name) for name in sorted(names))

    def _resource(self, name: str) -> Resource:
        described = self.types.get(name, {"name": name, "family": name})
        is_flexible = bool(described.get("size_flexible"))
        units = exact(described["normalized_units"]) if is_flexible else Fraction(1)
        family = described.get("family") or name.partition(".")[0]
        return Resource(name, family, units, is_flexible, self.on_demand[name])

    def _parts(self, name: str) -> Mapping[str, float]:
        return self.types[name].get("resources") or {name: 1.0}

    def _candidates(self, workload: Document) -> list[tuple[str, Floats]]:
        """Machines of a workload, and how many of them are needed in each hour."""
        needs = workload["needs"]
        if needs["unit"] == "machines":
            return [(needs["of"], self._demand(workload["name"]))]
        if needs["unit"] == "own":
            demand = self._demand(workload["name"])
            return [(name, demand / float(one)) for name, one in sorted(needs["capacity"].items())]
        if needs["unit"] == "vcpus_and_memory":
            vcpus, gib = self._demand(needs["vcpus"]), self._demand(needs["memory_gib"])
            types = [self.types[name] for name in sorted(workload["candidates"]["instance_types"])]
            return [
                (one["name"], np.maximum(vcpus / one["vcpus"], gib / one["memory_gib"]))
                for one in types
            ]
        raise ValueError(f"not understood: needs in {needs['unit']}")

    def _demand(self, name: str) -> Floats:
        return self.series[name][: self.hours]

    def _machine(self, workload: int, name: str, needed: Floats) -> Machine:
        parts = self._parts(name)
        quantity = np.array([float(parts.get(one.name, 0.0)) for one in self.resources])
        return Machine(workload, name, quantity, needed)

    def _lots(self) -> list[Commitment]:
        """Every offer at every purchase date; a plan's rates are rows of one offer."""
        dates = self.document["purchases"]["hours"]
        reserved = [one for one in self.offered if one["kind"] in RESERVED]
        plans = {self._plan_id(one): one for one in self.offered if one["kind"] in SPEND}
        found = [self._reservation(one, date) for one in reserved for date in dates]
        return found + [self._plan(one, date) for one in plans.values() for date in dates]

    def _reservation(self, row: Document, begin: int) -> Commitment:
        term = int(row["term_hours"])
        end = min(begin + term, self.hours)
        hourly = exact(row.get("upfront_usd", 0)) / term + exact(row["hourly_usd"])
        offer = (self.provider, row["kind"], row["region"], row["instance_type"])
        return Commitment(
            name=self._named(offer, row, begin),
            kind=row["kind"],
            takes=self._reserved_takes(row["instance_type"]),
            size=self._reserved_size(row["instance_type"]),
            begin=begin,
            end=end,
            term_hours=term,
            cost_usd=hourly * (end - begin),
        )

    def _reserved_takes(self, name: str) -> tuple[Fraction | None, ...]:
        pool = self._resource(name).pool if name in self.on_demand else ("type", name)
        return tuple(one.units if one.pool == pool else None for one in self.resources)

    def _reserved_size(self, name: str) -> Fraction:
        return self._resource(name).units if name in self.on_demand else Fraction(1)

    def _plan_id(self, row: Document) -> tuple[object, ...]:
        family = self._family(row["instance_type"]) if row["kind"] == FAMILY_PLAN else None
        return (row["kind"], family, row["term_hours"], row["payment"])

    def _family(self, name: str) -> str:
        return str(self.types[name].get("family") or name.partition(".")[0])

    def _plan(self, row: Document, begin: int) -> Commitment:
        term = int(row["term_hours"])
        end = min(begin + term, self.hours)
        scope: tuple[str, ...] = ()
        if row["kind"] == FAMILY_PLAN:
            scope = (row["region"], self._family(row["instance_type"]))
        return Commitment(
            name=self._named((self.provider, row["kind"], *scope), row, begin),
            kind=row["kind"],
            takes=self._plan_takes(self._plan_id(row)),
            size=self.step_usd,
            begin=begin,
            end=end,
            term_hours=term,
            cost_usd=self.step_usd * (end - begin),
        )

    def _plan_takes(self, plan: tuple[object, ...]) -> tuple[Fraction | None, ...]:
        """Rates of the resources; Azure takes no more of a plan than the price on demand."""
        rates = {
            one["instance_type"]: exact(one["hourly_usd"])
            for one in self.sold
            if one["kind"] in SPEND and self._plan_id(one) == plan
        }
        found: list[Fraction | None] = []
        for one in self.resources:
            rate = rates.get(one.name)
            if rate is not None and self.provider == "azure":
                rate = min(rate, one.on_demand_usd)
            found.append(rate)
        return tuple(found)

    def _named(self, offer: Sequence[str], row: Document, begin: int) -> str:
        years, rest = divmod(int(row["term_hours"]), HOURS_PER_YEAR)
        term = f"{years}y" if rest == 0 else f"{row['term_hours']}h"
        return f"{':'.join((*offer, term, row['payment']))} @ {begin}"

    def _owned(self, one: Document) -> Commitment:
        begun, ends = self._hour(one["start"]), self._hour(one["end"])
        begin, end = max(begun, 0), max(min(ends, self.hours), 0)
        if one["kind"] in RESERVED:
            takes = self._reserved_takes(one["instance_type"])
            size = self._reserved_size(one["instance_type"])
            hourly, quantity = exact(one["hourly_usd"]), exact(one["quantity"])
        else:
            plan = (one["kind"], one.get("family"), ends - begun, one["payment"])
            takes, size = self._plan_takes(plan), Fraction(1)
            hourly, quantity = Fraction(1), exact(one["commitment_usd"])
        cost_usd = hourly * max(end - begin, 0)
        return Commitment(
            one["id"], one["kind"], takes, size, begin, end, ends - begun, cost_usd, quantity
        )

    def _hour(self, moment: str) -> int:
        return (_moment(moment) - self.start) // timedelta(hours=1)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
