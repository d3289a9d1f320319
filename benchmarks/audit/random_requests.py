"""Random small requests whose prices by the unit are uneven inside families.

Every request comes of its provider and number alone. Terms are as short as the horizon, so that
every kind of commitment is worth buying in some requests.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from audit.enumeration import MOST_PURCHASES, combinations
from audit.reading import read

START = datetime(2027, 1, 1, tzinfo=UTC)
PROVIDERS = ("aws", "azure", "gcp")
REGION = "here"
GAP = 1e-6
SPANS = (24, 48, 96, 240)
"""Lengths of the horizons [hours]."""

SPREADS = (0.0, 0.002, 0.05, 0.5)
"""By how much the price of a size's unit may differ from that of its family, as a share."""

DISCOUNTED = (0.3, 0.45, 0.55, 0.62, 0.7, 0.8, 0.93)
"""Prices of commitments, of the price on demand."""

STEPS_USD = (0.01, 0.05, 0.2, 1.0)

PAYMENTS = {"no_upfront": 0.0, "partial_upfront": 0.5, "all_upfront": 1.0}
UNITS = {
    "aws": (("medium", "2"), ("large", "4"), ("xlarge", "8"), ("2xlarge", "16"), ("3xlarge", "24")),
    "azure": (("a", "1"), ("b", "1"), ("c", "1.0001"), ("d", "1.5"), ("e", "2"), ("f", "2.37")),
}
SHAPES = (("standard", 2, 8.0), ("highmem", 2, 16.0), ("highcpu", 4, 4.0), ("custom", 3, 6.5))
SERIES = ("e2", "c3", "n4")
"""Series of Google Cloud without sustained use discounts."""

RESERVED = {
    "aws": ("reserved_standard", "reserved_convertible"),
    "azure": ("azure_reservation",),
    "gcp": ("resource_commitment",),
}
SPEND = {
    "aws": ("savings_plan_ec2", "savings_plan_compute"),
    "azure": ("azure_savings_plan",),
    "gcp": ("flexible_commitment",),
}

Document = dict[str, Any]


@dataclass
class _Prices:
    """A price list in the making.

    Attributes:
        types: instance types, as catalogues describe them.
        billed: what prices stand for, with its family.
        usd: on-demand price of each.
        even_usd: the same as if its family's prices were proportional.
    """

    types: list[Document]
    billed: dict[str, str]
    usd: dict[str, float]
    even_usd: dict[str, float]


def random_request(provider: str, number: int) -> Document:
    """A provider's random request of that number, the same one every time."""
    dice = Random(f"price audit {provider} {number}")  # noqa: S311 - no secret
    hours, spread = dice.choice(SPANS), dice.choice(SPREADS)
    prices = by_parts(dice, spread) if provider == "gcp" else by_size(dice, provider, spread)
    is_choice = len(prices.types) > 1 and dice.random() < 0.25
    workloads, series = workloads_on(dice, prices.types, hours, is_choice=is_choice)
    dates = [0] if dice.random() < 0.6 else [0, dice.randrange(1, hours)]
    most = 4 if is_choice else 3 if len(dates) == 1 else 2
    offers = offered(dice, provider, prices, hours, dice.randint(1, most))
    document = {
        "name": f"{provider} {number}",
        "horizon": {"hours": hours},
        "catalog": {"inline": catalog(provider, prices, offers)},
        "purchases": {"hours": dates},
        "offers": {"terms_hours": terms_of(offers)},
        "workloads": workloads,
        "demand": {"inline": {"start": START.isoformat(), "series": series}},
        "owned": owned(dice, provider, prices, offers, hours),
        "simplify": "off",
        "solve": {"gap": GAP, "method": dice.choice(("extensive", "extensive", "decomposed"))},
    }
    return document | {"commitment_step_usd": step_usd(dice, document, is_tried=not is_choice)}


def terms_of(offers: Sequence[Sequence[Document]]) -> list[int]:
    """Every term sold: those longer than the planned hours are bought only where they are named."""
    return sorted({row["term_hours"] for rows in offers for row in rows})


def step_usd(dice: Random, document: Document, *, is_tried: bool) -> float:
    """The step of spend plans: coarse enough to try every purchase, if so asked."""
    chosen = dice.choice(STEPS_USD)
    for step in (chosen, *STEPS_USD):
        few = combinations(read(document | {"commitment_step_usd": step})) <= MOST_PURCHASES
        if step >= chosen and (few or not is_tried):
            return step
    return STEPS_USD[-1]


def by_size(dice: Random, provider: str, spread: float) -> _Prices:
    """One or two families of AWS or Azure, of one to three sizes each."""
    found = _Prices([], {}, {}, {})
    for family in dice.sample(("k5", "r6", "x7"), dice.randint(1, 2)):
        unit_usd, is_flexible = dice.uniform(0.02, 0.12), dice.random() < 0.85
        for name, units in dice.sample(UNITS[provider], dice.choice((1, 2, 2, 3))):
            described = {"name": f"{family}.{name}", "family": family, "normalized_units": units}
            found.types.append(described | {"size_flexible": is_flexible})
            _add(found, described["name"], family, unit_usd * float(units), spread, dice)
    return found


def by_parts(dice: Random, spread: float) -> _Prices:
    """One or two series of Google Cloud, whose machines are billed by vCPU and GiB."""
    found = _Prices([], {}, {}, {})
    for series in dice.sample(SERIES, dice.randint(1, 2)):
        vcpu_usd = dice.uniform(0.02, 0.06)
        _add(found, f"{series}/vcpu", series, vcpu_usd, spread, dice)
        _add(found, f"{series}/gib", series, vcpu_usd / 7.5, spread, dice)
        for shape, vcpus, gib in dice.sample(SHAPES, dice.randint(1, 3)):
            parts = {f"{series}/vcpu": vcpus, f"{series}/gib": gib}
            described = {"name": f"{series}-{shape}-{vcpus}", "family": series, "resources": parts}
            found.types.append(described | {"vcpus": vcpus, "memory_gib": gib})
    return found


def _add(
    prices: _Prices, name: str, family: str, even_usd: float, spread: float, dice: Random
) -> None:
    prices.billed[name] = family
    prices.even_usd[name] = even_usd
    prices.usd[name] = _money(even_usd * (1 + dice.uniform(-spread, spread)))


def offered(
    dice: Random, provider: str, prices: _Prices, hours: int, most: int
) -> list[list[Document]]:
    """Up to so many offers: the rows of the price list that each is made of."""
    found: dict[tuple[object, ...], list[Document]] = {}
    for _ in range(most):
        term = dice.choice((hours // 3, hours // 2, hours - 3, hours, 3 * hours))
        make = reservation if dice.random() < 0.5 else plan
        rows = make(dice, provider, prices, term)
        found[_product(rows[0], prices)] = rows
    return list(found.values())


def _product(row: Document, prices: _Prices) -> tuple[object, ...]:
    """What the rows of one offer have in common."""
    name, kind = row["instance_type"], row["kind"]
    is_reserved = any(kind in kinds for kinds in RESERVED.values())
    family = prices.billed[name] if kind == "savings_plan_ec2" else None
    return (kind, name if is_reserved else family, row["term_hours"], row["payment"])


def reservation(dice: Random, provider: str, prices: _Prices, term: int) -> list[Document]:
    """A reservation of a size or a resource, priced by its own or by its family's unit price."""
    name = dice.choice(sorted(prices.usd))
    usd = dice.choice((prices.usd, prices.even_usd))[name] * dice.choice(DISCOUNTED)
    payment = dice.choice(sorted(PAYMENTS)) if provider != "gcp" else "no_upfront"
    ahead = PAYMENTS[payment]
    more = {"term_hours": term, "payment": payment, "upfront_usd": _money(usd * ahead * term)}
    return [row(name, dice.choice(RESERVED[provider]), usd * (1 - ahead), **more)]


def plan(dice: Random, provider: str, prices: _Prices, term: int) -> list[Document]:
    """A plan, which may not cover all sizes."""
    kind = dice.choice(SPEND[provider])
    names = sorted(prices.usd)
    if kind == "savings_plan_ec2":
        family = dice.choice(sorted(set(prices.billed.values())))
        names = [name for name in names if prices.billed[name] == family]
    covered = [name for name in names if dice.random() < 0.92] or names[:1]
    rate = _rates(dice, prices)
    payment = dice.choice(sorted(PAYMENTS)) if provider != "gcp" else "no_upfront"
    more = {"term_hours": term, "payment": payment}
    return [row(name, kind, rate(name), **more) for name in covered]


def _rates(dice: Random, prices: _Prices) -> Callable[[str], float]:
    """Rates of a plan: one discount per family, one per size, or rates in proportion to units."""
    way = dice.choice(("family", "family", "size", "near", "even"))
    shares = {name: dice.choice(DISCOUNTED) for name in sorted(set(prices.billed.values()))}

    def rate(name: str) -> float:
        share, usd = shares[prices.billed[name]], prices.usd[name]
        if way == "size":
            return usd * dice.choice(DISCOUNTED)
        if way == "near":
            return usd * share * dice.uniform(0.98, 1.02)
        return (prices.even_usd[name] if way == "even" else usd) * share

    return rate


def workloads_on(
    dice: Random, types: Sequence[Document], hours: int, *, is_choice: bool
) -> tuple[list[Document], Document]:
    """A workload on each of some machines, perhaps one on a choice of machines; their demand."""
    names = [one["name"] for one in types]
    chosen = dice.sample(names, min(dice.randint(1, 4), len(names)))
    workloads = [_workload(name, {"unit": "machines", "of": name}) for name in sorted(chosen)]
    series = {name: levels(dice, hours) for name in chosen}
    if not is_choice:
        return workloads, series
    described = dice.sample(list(types), min(dice.randint(2, 3), len(types)))
    name, rivals = "any", sorted(one["name"] for one in described)
    if "vcpus" in described[0] and dice.random() < 0.5:
        needs = {"unit": "vcpus_and_memory", "vcpus": "any vcpus", "memory_gib": "any gib"}
        more = {"candidates": {"instance_types": rivals}}
        for one in ("any vcpus", "any gib"):
            series[one] = [4 * used for used in levels(dice, hours)]
        return [*workloads, _workload(name, needs) | more], series
    capacity = {one["name"]: round(_size(one) * dice.uniform(0.8, 1.25), 3) for one in described}
    most = max(capacity.values())
    series[name] = [round(most * used, 3) for used in levels(dice, hours)]
    return [*workloads, _workload(name, {"unit": "own", "capacity": capacity})], series


def _size(described: Document) -> float:
    return float(described.get("normalized_units") or described["vcpus"])


def _workload(name: str, needs: Document) -> Document:
    return {"name": name, "regions": [REGION], "needs": needs}


def levels(dice: Random, hours: int) -> list[float]:
    """Demand of up to four levels, each for some hours, repeated until the horizon ends."""
    tops = [dice.choice((0, 1, 2, 3, 4, 6, 9, 2.5)) for _ in range(dice.randint(1, 4))]
    tops[0] = tops[0] or 2
    blocks = [(top, dice.randint(2, max(3, hours // 3))) for top in tops]
    pattern = [top for top, length in blocks for _ in range(length)]
    return [pattern[hour % len(pattern)] for hour in range(hours)]


def owned(
    dice: Random, provider: str, prices: _Prices, offers: Sequence[Sequence[Document]], hours: int
) -> list[Document]:
    """In some requests an owned reservation, or an owned plan that is also sold."""
    found: list[Document] = []
    begun = dice.randint(-20, hours - 1)
    if dice.random() < 0.15:
        name = dice.choice(sorted(prices.usd))
        scope = {"instance_type": name, "region": REGION, "quantity": dice.randint(1, 3)}
        kind = {"kind": RESERVED[provider][0], "hourly_usd": _money(prices.usd[name] * 0.6)}
        found.append(
            {"id": "machines", **kind, **scope, **_span(begun, dice.randint(21, 2 * hours))}
        )
    sold = [rows[0] for rows in offers if rows[0]["kind"] in SPEND[provider]]
    if sold and dice.random() < 0.25:
        one = dice.choice(sold)
        what = {"kind": one["kind"], "payment": one["payment"]}
        if one["kind"] == "savings_plan_ec2":
            what |= {"family": prices.billed[one["instance_type"]], "region": REGION}
        begun = dice.randint(max(1 - one["term_hours"], -20), hours - 1)
        usd = dice.choice((0.05, 0.2, 0.7))
        found.append({"id": "dollars", **what, "commitment_usd": usd,
                      **_span(begun, one["term_hours"])})  # fmt: skip
    return found


def _span(begun: int, length: int) -> Document:
    start = START + timedelta(hours=begun)
    return {"start": start.isoformat(), "end": (start + timedelta(hours=length)).isoformat()}


def catalog(provider: str, prices: _Prices, offers: Sequence[Sequence[Document]]) -> Document:
    """The price list."""
    on_demand = [row(name, "on_demand", usd) for name, usd in prices.usd.items()]
    return {
        "name": provider,
        "provider": provider,
        "source": "made up",
        "as_of": START.date().isoformat(),
        "instance_types": prices.types,
        "rates": [*on_demand, *(one for rows in offers for one in rows)],
    }


def row(name: str, kind: str, usd: float, **more: object) -> Document:
    """A row of a price list."""
    what = {"instance_type": name, "region": REGION, "kind": kind}
    return {**what, "hourly_usd": _money(usd), **more}


def _money(usd: float) -> float:
    """A price in whole nano-dollars."""
    return round(usd, 9)
