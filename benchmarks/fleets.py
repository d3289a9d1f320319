"""Problems of any size to measure with: a real trace under real prices, or made-up fleets.

The trace is Stokely et al., "Shaved Ice", ICPE 2025, doi 10.1145/3676151.3719353, CC BY 4.0: two
regions and twelve machine types over 26,280 hours, which lies beside the project and not in it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

TRACE = Path(__file__).parents[2] / "shared" / "data" / "demand" / "shavedice_hourly.parquet"

MACHINE_OF_TYPE = {
    "A": "m5.2xlarge", "B": "m6i.2xlarge", "C": "r5.2xlarge", "D": "c5.4xlarge",
    "E": "m5d.4xlarge", "F": "c5d.xlarge", "G": "r5d.4xlarge", "H": "m5a.xlarge",
    "I": "c5a.2xlarge", "J": "m6a.4xlarge", "K": "r6i.2xlarge", "L": "c6i.4xlarge",
}  # fmt: skip

REGIONS = {1: "us-east-1", 2: "us-west-2"}

FAMILIES = (
    "m5", "m6i", "r5", "c5", "m5d", "c5d", "r5d", "m5a", "c5a", "m6a", "r6i", "c6i", "m7g", "c7g",
    "r7g", "m6g", "c6g", "r6g", "m7i", "c7i", "r7i", "m6id", "c6id", "r6id",
)  # fmt: skip
"""Sold, with commitments, in all regions of `EVERYWHERE`."""

EVERYWHERE = ("us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-southeast-1")

OFFERS = {
    "ri": ["reserved_standard"],
    "ec2": ["reserved_standard", "savings_plan_ec2"],
    "all": ["reserved_standard", "savings_plan_ec2", "savings_plan_compute"],
}

Floats = NDArray[np.float64]


def real_fleet(hours: int, pools: int) -> tuple[pd.DatetimeIndex, list[dict[str, Any]], Floats]:
    """Hours, workloads and demand [hour × workload] of the trace's first pools.

    Raises SystemExit where the trace is absent.
    """
    if not TRACE.exists():
        raise SystemExit("skipped: the Shaved Ice trace is not beside the project")
    table = pd.read_parquet(TRACE)
    table = table[table["region"].isin(list(REGIONS))]
    wide = table.pivot_table(index="timestamp", columns=["region", "vm_type"], values="count")
    wide = wide.fillna(0.0).iloc[:hours, :pools]
    workloads = [
        _workload(f"{name}-{region}", MACHINE_OF_TYPE[name], REGIONS[region])
        for region, name in wide.columns
    ]
    return pd.DatetimeIndex(wide.index), workloads, wide.to_numpy(dtype=np.float64)


def made_up_fleet(hours: int, pools: int) -> tuple[pd.DatetimeIndex, list[dict[str, Any]], Floats]:
    """Daily and weekly seasons, growth and noise, whole machines; seed 1."""
    draw = np.random.default_rng(1)
    index = pd.date_range("2026-01-01", periods=hours, freq="h", tz="UTC")
    places = [(family, region) for region in EVERYWHERE for family in FAMILIES][:pools]
    workloads = [_workload(f"{f}-{region}", f"{f}.2xlarge", region) for f, region in places]
    hour = np.arange(hours)[:, None]
    phase, level = draw.uniform(0, 3, pools), draw.uniform(20, 2000, pools)
    season = 1 + 0.3 * np.sin(hour * (2 * np.pi / 24) + phase)
    season += 0.1 * np.sin(hour * (2 * np.pi / 168) + phase)
    growth = 1 + draw.uniform(-0.2, 0.8, pools) * hour / hours
    demand = level * season * growth * draw.lognormal(0, 0.05, (hours, pools))
    return index, workloads, np.round(demand)


def futures_of(demand: Floats, scenarios: int) -> Iterator[Floats]:
    """Futures of a demand: each workload drifts off its path by its own growth, and wavers."""
    hours, pools = demand.shape
    time = np.linspace(0, 1, hours)[:, None]
    for scenario in range(scenarios):
        draw = np.random.default_rng(1000 + scenario)
        drift = draw.normal(0, 0.15) + draw.normal(0, 0.2, pools)
        steps = draw.normal(0, 0.01, (hours // 24 + 1, pools))
        wavers = np.repeat(np.cumsum(steps, axis=0) / np.sqrt(8), 24, axis=0)[:hours]
        yield np.round(demand * np.exp(drift * time + wavers))


@contextmanager
def request_document(
    *,
    hours: int,
    pools: int,
    scenarios: int = 1,
    offers: str = "all",
    real: bool = False,
    **solve: object,
) -> Iterator[tuple[dict[str, Any], Path]]:
    """A request with its demand in a file, and the folder that holds it while it is needed."""
    index, workloads, demand = (real_fleet if real else made_up_fleet)(hours, pools)
    document: dict[str, Any] = {
        "name": f"{'shaved-ice' if real else 'made-up'}-{hours}h-{pools}p-{scenarios}s",
        "horizon": {"hours": len(index)},
        "demand": {"file": "demand.parquet"},
        "purchases": {"every_months": 3},
        "offers": {"kinds": OFFERS[offers], "terms_months": [12, 36]},
        "workloads": workloads,
        "simplify": "off",
        "solve": solve,
    }
    names = [workload["name"] for workload in workloads]
    if scenarios > 1:
        futures = [f"future-{number:03d}" for number in range(scenarios)]
        document["scenarios"] = dict.fromkeys(futures, 1 / scenarios)
        tables = _tables_of(index, names, futures, futures_of(demand, scenarios))
    else:
        tables = iter([_table(index, names, demand)])
    with TemporaryDirectory() as folder:
        _write(tables, Path(folder) / "demand.parquet")
        yield document, Path(folder)


def _table(index: pd.DatetimeIndex, names: list[str], demand: Floats) -> pd.DataFrame:
    table = pd.DataFrame(demand, columns=names)
    table.insert(0, "timestamp", index)
    return table


def _tables_of(
    index: pd.DatetimeIndex, names: list[str], futures: list[str], demands: Iterator[Floats]
) -> Iterator[pd.DataFrame]:
    for position, demand in enumerate(demands):
        table = _table(index, names, demand)
        codes = np.full(len(index), position)
        table.insert(1, "scenario", pd.Categorical.from_codes(codes, futures))
        yield table


def _write(tables: Iterator[pd.DataFrame], path: Path) -> None:
    """One future after another, so that no more than one is held."""
    first = pa.Table.from_pandas(next(tables), preserve_index=False)
    with pq.ParquetWriter(path, first.schema) as writer:
        writer.write_table(first)
        for table in tables:
            writer.write_table(pa.Table.from_pandas(table, preserve_index=False))


def _workload(name: str, machine: str, region: str) -> dict[str, Any]:
    return {"name": name, "regions": [region], "needs": {"unit": "machines", "of": machine}}
