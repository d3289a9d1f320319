"""A catalogue: what can be bought, where, at what price. Answers questions, decides nothing."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from catalogs import billed
from catalogs.billed import Billed
from catalogs.checks import near_names, near_text
from catalogs.document import CatalogDocument, document_tables
from catalogs.faults import Faults
from catalogs.kinds import OfferKind, Payment
from catalogs.offers import DedicatedOffer, InstanceType, PoolKey, Rate, SpendOffer
from catalogs.rate_index import Platform, RateIndex, Terms
from catalogs.selection import Selector, explain_empty_selection
from catalogs.storage import read_tables, read_trusted
from catalogs.tables import CatalogTables, instance_types_of
from catalogs.unknown import UnknownInstanceTypeError, UnknownRateError

AZURE = "azure"

_BUNDLED = Path(__file__).parent / "data"


def bundled_names() -> tuple[str, ...]:
    """Names of the catalogues that ship with the package."""
    files = _BUNDLED.glob("*.parquet")
    return tuple(sorted(f.stem for f in files if not f.stem.endswith(".types")))


class Catalog:
    """Instance types and rates, of one provider or of several.

    Attributes:
        instance_types: DataFrame indexed by name, columns as the fields of `InstanceType`.
        rates: DataFrame, one row per rate, those of a machine together and sorted by key; money
            in whole nano-dollars.
        provenance: name, provider, source, date and currency.
        parts: the same of each catalogue it was joined of; of itself where it is one.
    """

    def __init__(self, tables: CatalogTables) -> None:
        self.instance_types = tables.instance_types
        self.rates = tables.rates
        self.provenance = tables.provenance
        self.parts = tables.parts or (tables.provenance,)
        self.name = tables.provenance.name
        self.provider = tables.provenance.provider
        self.source = tables.provenance.source
        self.as_of = tables.provenance.as_of
        self.currency = tables.provenance.currency

    @classmethod
    def bundled(cls, name: str) -> Self:
        """A catalogue that ships with the package, such as ``aws``.

        Raises:
            InvalidInputError: if there is none of this name.
        """
        faults = Faults()
        if name not in bundled_names():
            faults.add("catalog", name, f"name one of {', '.join(bundled_names())}, or a file")
        faults.raise_if_any()
        return cls(read_trusted(_BUNDLED / f"{name}.parquet"))

    @classmethod
    def read(cls, path: Path | str) -> Self:
        """A catalogue from a Parquet file of `write_catalog`, or a YAML or JSON document.

        Raises:
            InvalidInputError: with every fault of the file.
        """
        return cls(read_tables(Path(path)))

    @classmethod
    def from_document(cls, document: CatalogDocument) -> Self:
        """A catalogue from an inline document.

        Raises:
            InvalidInputError: with every fault that shows only across rows.
        """
        return cls(document_tables(document))

    def __repr__(self) -> str:
        """Read as name, size and date."""
        size = f"{len(self.instance_types)} types, {len(self.rates)} rates"
        return f"<Catalog {self.name}: {size}, as of {self.as_of}>"

    # Machines

    def has_type(self, name: str) -> bool:
        """Whether the catalogue knows the instance type."""
        return name in self._types

    def instance_type(self, name: str) -> InstanceType:
        """The instance type of this name.

        Raises:
            UnknownInstanceTypeError: if there is none.
        """
        try:
            return self._types[name]
        except KeyError:
            near = near_text(name, self._types)
            raise UnknownInstanceTypeError(f"no instance type {name!r}{near}") from None

    def near_types(self, name: str) -> list[str]:
        """Up to three names of instance types most like this one, best first."""
        return near_names(name, self._types)

    def regions(self) -> list[str]:
        """Every region that has rates, sorted."""
        return sorted(self.rates["region"].unique())

    def candidates(
        self, selector: Selector, region: str, os: str = "linux", tenancy: str = "shared"
    ) -> tuple[InstanceType, ...]:
        """The types that meet the selector and have an on-demand rate there, sorted by name."""
        sold = self.types_sold(region, os, tenancy)
        criteria = selector.criteria().values()
        return tuple(t for t in sold if all(predicate(t) for predicate in criteria))

    def explain_no_match(
        self, selector: Selector, region: str, os: str = "linux", tenancy: str = "shared"
    ) -> str:
        """Why `candidates` found nothing: which single criterion, dropped, would find what."""
        place = f"{region} ({os}, {tenancy})"
        sold = self.types_sold(region, os, tenancy)
        if not sold:
            near = near_text(region, self.regions())
            return f"nothing has an on-demand rate in {place}{near}"
        return explain_empty_selection(selector, sold, self._types, place)

    # Pools

    def billed_as(
        self, instance_type: str, region: str, os: str = "linux", tenancy: str = "shared"
    ) -> tuple[Billed, ...]:
        """What the provider bills of a machine: itself, or its resources.

        Azure discounts the machine and bills the software of its operating system beside it.
        """
        described = self.instance_type(instance_type)
        infrastructure = (instance_type, region, "linux", tenancy)
        if described.provider == AZURE and self._is_sold(infrastructure):
            os = "linux"
        return billed.billed_as(described, region, os, tenancy)

    def offer_pool(self, offer: DedicatedOffer) -> PoolKey:
        """The pool a reservation serves."""
        place = (offer.region, offer.os, offer.tenancy)
        if not self.has_type(offer.instance_type):
            return billed.resource_pool(offer.provider, offer.instance_type, *place)
        return billed.billed_as(self.instance_type(offer.instance_type), *place)[0].pool

    @cached_property
    def billed_names(self) -> Mapping[str, str]:
        """Provider of every instance type and resource, by its name."""
        types = {name: one.provider for name, one in self._types.items()}
        parts = {part: one.provider for one in self._types.values() for part in one.resources}
        return types | parts

    # Prices

    def on_demand_usd(
        self, instance_type: str, region: str, os: str = "linux", tenancy: str = "shared"
    ) -> Decimal:
        """The on-demand rate [USD / machine-hour].

        Raises:
            UnknownRateError: if the type is not sold there.
        """
        return self._hourly_usd(OfferKind.ON_DEMAND, (instance_type, region, os, tenancy))

    def spot_usd(
        self, instance_type: str, region: str, os: str = "linux", tenancy: str = "shared"
    ) -> Decimal:
        """The typical spot rate, an average and no quote [USD / machine-hour].

        Raises:
            UnknownRateError: if none is known there.
        """
        return self._hourly_usd(OfferKind.SPOT, (instance_type, region, os, tenancy))

    def rates_of(
        self, instance_type: str, region: str, os: str = "linux", tenancy: str = "shared"
    ) -> tuple[Rate, ...]:
        """Every rate of a machine at a place, in the order of kind, term and payment."""
        rows = self._index.at((instance_type, region, os, tenancy)).values()
        return tuple(
            Rate(
                provider=self.billed_names[instance_type],
                **self._index.labels(row),
                upfront_usd=self._index.upfront_usd(row),
                hourly_usd=self._index.hourly_usd(row),
            )
            for row in rows
        )

    def all_rates_of(self, instance_type: str, region: str) -> tuple[Rate, ...]:
        """Every rate of a machine in a region, of all operating systems and tenancies."""
        return tuple(
            rate
            for os, tenancy in sorted(self._index.systems)
            for rate in self.rates_of(instance_type, region, os, tenancy)
        )

    def spend_rate_usd(
        self,
        offer: SpendOffer,
        instance_type: str,
        region: str,
        os: str = "linux",
        tenancy: str = "shared",
    ) -> Decimal | None:
        """The plan's discounted rate of a machine [USD / machine-hour]; None if not covered."""
        if offer.provider != self.billed_names[instance_type]:
            return None
        if offer.region not in (None, region) or offer.os not in (None, os):
            return None
        if offer.family is not None and offer.family != self._family(instance_type):
            return None
        terms = (str(offer.kind), offer.term_hours, str(offer.payment))
        row = self._index.at((instance_type, region, os, tenancy)).get(terms)
        return None if row is None else self._index.hourly_usd(row)

    def spend_rate_basis(
        self, offer: SpendOffer, instance_type: str, region: str, os: str, tenancy: str
    ) -> tuple[str | None, date] | None:
        """The rule by which a plan's rate of a machine was derived, None of a published one.

        With the rate's date. None as a whole where the plan has no such rate.
        """
        terms = (str(offer.kind), offer.term_hours, str(offer.payment))
        row = self._index.at((instance_type, region, os, tenancy)).get(terms)
        if row is None:
            return None
        labels = self._index.labels(row)
        return labels["derived"], date.fromisoformat(str(labels["as_of"]))

    # Offers

    def dedicated_offers(
        self,
        region: str,
        families_or_types: Iterable[str],
        kinds: Collection[OfferKind] | None = None,
        term_hours: Collection[int] | None = None,
        payments: Collection[Payment] | None = None,
        os: str = "linux",
        tenancy: str = "shared",
    ) -> tuple[DedicatedOffer, ...]:
        """Reservations of the named families (every size) and types, sorted by offer id.

        ``kinds``, ``term_hours`` and ``payments`` narrow the choice; None is any.
        """
        offers = [
            self._dedicated_offer(row, name, os, tenancy)
            for name in self._named(families_or_types)
            for terms, row in self._index.at((name, region, os, tenancy)).items()
            if OfferKind(terms[0]).is_dedicated and _chosen(terms, kinds, term_hours, payments)
        ]
        return tuple(sorted(offers, key=lambda offer: offer.offer_id))

    def spend_offers(
        self,
        regions_and_families: Iterable[tuple[str, str]],
        kinds: Collection[OfferKind] | None = None,
        term_hours: Collection[int] | None = None,
        payments: Collection[Payment] | None = None,
    ) -> tuple[SpendOffer, ...]:
        """Savings plans with a rate for any of the (region, family) pairs, sorted by offer id.

        An instance type or resource may stand for its family, as the fields of a `PoolKey` do.
        One EC2 plan per region, family, term and payment; one compute plan per term and payment.
        """
        terms_of = {
            (self.billed_names[name], region, self._family(name), terms)
            for region, family in set(regions_and_families)
            for name in self._named([family])
            for terms in self._index.plan_terms(name, region)
            if _chosen(terms, kinds, term_hours, payments)
        }
        offers = {self._spend_offer(*scope) for scope in terms_of}
        return tuple(sorted(offers, key=lambda offer: offer.offer_id))

    def _spend_offer(self, provider: str, region: str, family: str, terms: Terms) -> SpendOffer:
        kind, hours, payment = terms
        bound = OfferKind(kind).is_of_family
        return SpendOffer(
            provider=provider,
            kind=OfferKind(kind),
            region=region if bound else None,
            family=family if bound else None,
            term_hours=hours,
            payment=Payment(str(payment)),
        )

    # The catalogue itself

    def age_days(self, today: date) -> int:
        """Days since the prices were read."""
        return (today - self.as_of).days

    def summary(self) -> dict[str, Any]:
        """What the catalogue holds, ready for JSON: sizes, rates by kind, share of derived."""
        kinds = self.rates["kind"].value_counts().sort_index()
        return {
            "name": self.name,
            "provider": self.provider,
            "source": self.source,
            "as_of": self.as_of.isoformat(),
            "currency": self.currency,
            "instance_types": len(self.instance_types),
            "regions": len(self.regions()),
            "rates": len(self.rates),
            "rates_by_kind": {str(kind): int(count) for kind, count in kinds.items() if count},
            "derived_share": float(self.rates["derived"].notna().mean()),
        }

    # Lookups, made once when first needed

    @cached_property
    def _types(self) -> dict[str, InstanceType]:
        return {t.name: t for t in instance_types_of(self.instance_types)}

    @cached_property
    def _types_by_family(self) -> dict[str, list[InstanceType]]:
        families: dict[str, list[InstanceType]] = {}
        for described in self._types.values():
            families.setdefault(described.family, []).append(described)
        return families

    @cached_property
    def _index(self) -> RateIndex:
        return RateIndex(self.rates)

    @cached_property
    def _sold_types(self) -> dict[tuple[str, str, str], list[InstanceType]]:
        names_at: dict[tuple[str, str, str], set[str]] = {}
        for name, region, os, tenancy in self._index.on_demand_platforms:
            names_at.setdefault((region, os, tenancy), set()).add(name)
        made_of_parts = [one for one in self._types.values() if one.resources]
        sold = {}
        for place, names in names_at.items():
            # Resources are on sale too, but are no machines.
            by_parts = {one.name for one in made_of_parts if names.issuperset(one.resources)}
            machines = by_parts.union(names & self._types.keys())
            sold[place] = [self._types[name] for name in sorted(machines)]
        return sold

    def types_sold(self, region: str, os: str, tenancy: str) -> list[InstanceType]:
        """Machines with an on-demand rate there, sorted by name."""
        return self._sold_types.get((region, os, tenancy), [])

    def _named(self, families_or_types: Iterable[str]) -> list[str]:
        """Types and resources of these names, and every type of such families, each once."""
        found: dict[str, None] = {}
        for name in families_or_types:
            own = [name] if name in self.billed_names else []
            family = (one.name for one in self._types_by_family.get(name, ()))
            found |= dict.fromkeys((*own, *family))
        return list(found)

    def _family(self, name: str) -> str:
        """Family of a type; a resource is its own."""
        return self._types[name].family if name in self._types else name

    def _is_sold(self, platform: Platform) -> bool:
        return (str(OfferKind.ON_DEMAND), 0, None) in self._index.at(platform)

    def _hourly_usd(self, kind: OfferKind, platform: Platform) -> Decimal:
        """The machine's own rate, else what its resources cost together."""
        terms = (str(kind), 0, None)
        row = self._index.at(platform).get(terms)
        if row is not None:
            return self._index.hourly_usd(row)
        name, *place = platform
        region, os, tenancy = place
        parts = self.instance_type(name).resources
        rows = [self._index.at((part, region, os, tenancy)).get(terms) for part in parts]
        priced = [self._index.hourly_usd(row) for row in rows if row is not None]
        if not parts or len(priced) < len(parts):
            near = near_text(region, self.regions()) if region not in self.regions() else ""
            raise UnknownRateError(f"no {kind} rate for {name} in {region} ({os}, {tenancy}){near}")
        return billed.price_of_parts(parts.values(), priced)

    def _dedicated_offer(self, row: int, name: str, os: str, tenancy: str) -> DedicatedOffer:
        rate, described = self._index.labels(row), self._types.get(name)
        return DedicatedOffer(
            provider=self.billed_names[name],
            kind=rate["kind"],
            region=rate["region"],
            os=os,
            tenancy=tenancy,
            instance_type=name,
            family=self._family(name),
            units=Decimal(1) if described is None else billed.pool_units(described, os, tenancy),
            size_flexible=described is not None and billed.is_size_flexible(described, os, tenancy),
            term_hours=rate["term_hours"],
            payment=rate["payment"],
            upfront_usd=self._index.upfront_usd(row),
            hourly_usd=self._index.hourly_usd(row),
            as_of=rate["as_of"],
            derived=rate["derived"],
        )


def _chosen(
    terms: Terms,
    kinds: Collection[OfferKind] | None,
    term_hours: Collection[int] | None,
    payments: Collection[Payment] | None,
) -> bool:
    kind, hours, payment = terms
    return (
        (kinds is None or kind in kinds)
        and (term_hours is None or hours in term_hours)
        and (payments is None or payment in payments)
    )
