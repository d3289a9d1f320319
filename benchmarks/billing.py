"""How fast a year is billed: 8,760 hours of 50 usage pools under 30 commitments, per provider.

Run it from the repository: ``python benchmarks/billing.py``. It prints one JSON object per
provider: ``seconds`` is the best of several bills, ``seconds_usage`` what making the usage takes.
"""

import argparse
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np

from planner.billing import (
    CapacityBlock,
    CapacityReservation,
    Commitment,
    OwnHardware,
    Reservation,
    SavingsPlan,
    Usage,
    UsageClass,
    bill,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
SUSTAINED_USE = (Decimal(1), Decimal("0.8"), Decimal("0.6"), Decimal("0.4"))
SIZES = {"large": 4, "xlarge": 8, "2xlarge": 16, "4xlarge": 32, "8xlarge": 64}


def price_usd(draw: np.random.Generator, units: int) -> Decimal:
    return Decimal(round(units * draw.uniform(0.02, 0.03), 4)).quantize(Decimal("1e-4"))


def aws_classes(pools: int, draw: np.random.Generator) -> list[UsageClass]:
    sizes = list(SIZES.items())
    return [
        UsageClass(
            account="owner" if number % 2 else "other",
            name=f"m{number // 5}.{sizes[number % 5][0]}",
            family=f"m{number // 5}",
            region="us-east-1",
            zone="a",
            units=Decimal(sizes[number % 5][1]),
            on_demand_usd=price_usd(draw, sizes[number % 5][1]),
        )
        for number in range(pools)
    ]


def gcp_classes(pools: int, draw: np.random.Generator) -> list[UsageClass]:
    return [
        UsageClass(
            account=f"project-{number % 2}",
            provider="gcp",
            name=f"n{number // 4}/{'vcpu' if number % 4 < 2 else 'gib'}",
            region="us-central1",
            on_demand_usd=price_usd(draw, 1),
            sustained_use=SUSTAINED_USE,
        )
        for number in range(pools)
    ]


def azure_classes(pools: int, draw: np.random.Generator) -> list[UsageClass]:
    return [
        UsageClass(
            account=f"subscription/group-{number % 2}",
            provider="azure",
            name=f"D{2 ** (number % 5)}_v{number // 5}",
            family=f"Dv{number // 5}",
            region="westeurope",
            units=Decimal(2 ** (number % 5)),
            on_demand_usd=price_usd(draw, 2 ** (number % 5)),
            software_usd=Decimal("0.01") if number % 3 == 0 else Decimal(0),
        )
        for number in range(pools)
    ]


def reservations(classes: list[UsageClass], count: int) -> list[Commitment]:
    """Reservations of every third pool, bought a week apart."""
    chosen = [classes[3 * number % len(classes)] for number in range(count)]
    return [
        Reservation(
            commitment_id=f"reservation {number}",
            account=one.account,
            provider=one.provider,
            region=one.region,
            instance_type=one.name,
            family=one.family,
            units=one.units,
            size_flexible=one.provider != "gcp",
            count=Decimal(40),
            upfront_usd=Decimal(0),
            hourly_usd=one.on_demand_usd * Decimal("0.6"),
            start=START + timedelta(hours=168 * number + 0.3),
            term_hours=8760,
        )
        for number, one in enumerate(chosen)
    ]


def plans(classes: list[UsageClass], count: int, draw: np.random.Generator) -> list[Commitment]:
    """Spend plans with rates of their own, on everything."""
    return [
        SavingsPlan(
            commitment_id=f"plan {number}",
            account=classes[0].account,
            provider=classes[0].provider,
            kind="compute",
            commitment_usd=Decimal("9.5"),
            start=START + timedelta(hours=300 * number),
            term_hours=8760 * (1 + 2 * (number % 2)),
            rates={
                one.rate_key: one.on_demand_usd * Decimal(round(draw.uniform(0.5, 0.8), 3))
                for one in classes
            },
        )
        for number in range(count)
    ]


def aws_commitments(classes: list[UsageClass], draw: np.random.Generator) -> list[Commitment]:
    block = CapacityBlock(
        commitment_id="block",
        account="owner",
        region="us-east-1",
        zone="a",
        instance_type=classes[1].name,
        count=Decimal(8),
        upfront_usd=Decimal(900),
        start=START + timedelta(hours=1000.5),
        term_hours=336,
    )
    kept = [capacity(one, number) for number, one in enumerate(classes[:3])]
    return [*reservations(classes, 18), *plans(classes, 8, draw), block, *kept]


def gcp_commitments(classes: list[UsageClass], draw: np.random.Generator) -> list[Commitment]:
    return [*reservations(classes, 20), *plans(classes, 10, draw)]


def azure_commitments(classes: list[UsageClass], draw: np.random.Generator) -> list[Commitment]:
    kept = [capacity(one, number) for number, one in enumerate(classes[:3])]
    return [*reservations(classes, 18), *plans(classes, 9, draw), *kept]


def own_commitments(classes: list[UsageClass], draw: np.random.Generator) -> list[Commitment]:
    """Thirty racks that serve ten pools each."""
    return [
        OwnHardware(
            commitment_id=f"rack {number}",
            account="owner",
            count=Decimal(20),
            serves={
                one.rate_key: Decimal("0.1") for one in draw.permutation(np.array(classes))[:10]
            },
            capex_usd=Decimal(6000),
            salvage_usd=Decimal(500),
            power_kw=Decimal("0.5"),
            idle_power_share=Decimal("0.4"),
            energy_usd_per_kwh=Decimal("0.11"),
            start=START,
            term_hours=8760 * 5,
        )
        for number in range(30)
    ]


def capacity(machine: UsageClass, number: int) -> CapacityReservation:
    return CapacityReservation(
        commitment_id=f"capacity {number}",
        account=machine.account,
        provider=machine.provider,
        machine=machine,
        count=Decimal(60),
        start=START,
        term_hours=8760,
    )


Classes = Callable[[int, np.random.Generator], list[UsageClass]]
Commitments = Callable[[list[UsageClass], np.random.Generator], list[Commitment]]

CASES: dict[str, tuple[Classes, Commitments]] = {
    "aws": (aws_classes, aws_commitments),
    "gcp": (gcp_classes, gcp_commitments),
    "azure": (azure_classes, azure_commitments),
    "own": (aws_classes, own_commitments),
}


def running(hours: int, pools: int, draw: np.random.Generator) -> np.ndarray:
    """Machines with a daily season and noise [hour × pool]."""
    hour = np.arange(hours)[:, None]
    season = 1 + 0.4 * np.sin(hour * (2 * np.pi / 24) + draw.uniform(0, 3, pools))
    return np.rint(draw.uniform(20, 90, pools) * season * draw.lognormal(0, 0.1, (hours, pools)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=int, default=8760)
    parser.add_argument("--pools", type=int, default=50)
    parser.add_argument("--repeat", type=int, default=5)
    asked = parser.parse_args()
    for provider, (classes_of, commitments_of) in CASES.items():
        draw = np.random.default_rng(1)
        classes = classes_of(asked.pools, draw)
        began = time.perf_counter()
        usage = Usage(START, tuple(classes), running(asked.hours, asked.pools, draw))
        seconds_usage = time.perf_counter() - began
        commitments = commitments_of(classes, draw)
        seconds = []
        for _ in range(asked.repeat):
            began = time.perf_counter()
            result = bill(usage, commitments)
            seconds.append(time.perf_counter() - began)
        case = {
            "provider": provider,
            "hours": asked.hours,
            "pools": asked.pools,
            "commitments": len(commitments),
            "seconds": round(min(seconds), 4),
            "seconds_usage": round(seconds_usage, 4),
            "total_usd": float(result.total_usd),
            "coverage": round(result.coverage or 0.0, 3),
        }
        print(json.dumps(case))


if __name__ == "__main__":
    main()
