"""How long a demand file takes to read, and how much memory beside the demand itself.

Run it from the repository: ``python -m benchmarks.demand_reading [SCENARIOS …]`` (1, 10 and 100 by
default; 100 are 1e8 cells). It prints one JSON object per case: a year of 115 workloads in so many
scenarios, wide and long as Parquet, and as CSV up to 1e7 cells. Each file is read in a process of
its own; ``import_rss_mb`` is what stood before, ``peak_per_demand`` what was added to it at the
most, in multiples of the demand as float64.
"""

import json
import multiprocessing
import sys
import time
from collections.abc import Iterator, Mapping
from itertools import chain, repeat
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from benchmarks.fleets import request_document
from planner.demand import read_demand
from planner.request import DemandSource

HOURS = 8_760
POOLS = 115
MOST_CSV_CELLS = 2e7


def rewrite(wide: Path, form: str) -> Path:
    """The same demand in another form, beside the wide Parquet file; in little memory."""
    file = wide.with_name(f"{form}.{'csv' if form.startswith('csv') else 'parquet'}")
    batches = pq.ParquetFile(wide).iter_batches(HOURS)
    tables = map(pa.Table.from_batches, zip(batches))
    if form.endswith("long"):
        tables = map(melted, tables)
    first = next(tables)
    kind = pyarrow.csv.CSVWriter if file.suffix == ".csv" else pq.ParquetWriter
    with kind(file, first.schema) as writer:
        for table in chain([first], tables):
            writer.write_table(table)
    return file


def melted(table: pa.Table) -> pa.Table:
    """A row per hour and workload, the hours of a workload together."""
    shared = [name for name in ("timestamp", "scenario") if name in table.column_names]
    names = [name for name in table.column_names if name not in shared]
    codes = pa.array(np.repeat(np.arange(len(names), dtype=np.int32), len(table)))
    columns = {
        name: pa.concat_arrays(chain.from_iterable(repeat(table[name].chunks, len(names))))
        for name in shared
    }
    columns["workload"] = pa.DictionaryArray.from_arrays(codes, names).cast(pa.string())
    columns["value"] = pa.concat_arrays(chain.from_iterable(table[name].chunks for name in names))
    return pa.table(columns)


def measure(file: Path, names: set[str], scenarios: Mapping[str, float] | None) -> dict[str, float]:
    """Reads the file; meant for a process of its own."""
    before = peak_rss_mb()
    started, worked = time.perf_counter(), time.process_time()
    demand = read_demand(DemandSource(file=file), names, folder=Path(), scenarios=scenarios)
    seconds, seconds_cpu = time.perf_counter() - started, time.process_time() - worked
    demand_mb = sum(values.nbytes for values in demand.series.values()) / 2**20
    return {
        "seconds": round(seconds, 2),
        "seconds_cpu": round(seconds_cpu, 2),
        "demand_mb": round(demand_mb),
        "import_rss_mb": round(before),
        "peak_rss_mb": round(peak_rss_mb()),
        "peak_per_demand": round((peak_rss_mb() - before) / demand_mb, 2),
    }


def peak_rss_mb() -> float:
    """Of this process alone: resource.getrusage would count its parent's."""
    status = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    (peak,) = (line.split()[1] for line in status if line.startswith("VmHWM:"))
    return int(peak) / 1024


def cases(scenarios: int) -> Iterator[dict[str, object]]:
    """One line per form."""
    with request_document(hours=HOURS, pools=POOLS, scenarios=scenarios) as (document, folder):
        names = {workload["name"] for workload in document["workloads"]}
        cells = HOURS * POOLS * scenarios
        for form in ("wide", "long", "csv-wide", "csv-long"):
            if form.startswith("csv") and cells > MOST_CSV_CELLS:
                continue
            wide = folder / "demand.parquet"
            file = wide if form == "wide" else rewrite(wide, form)
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                line = pool.apply(measure, (file, names, document.get("scenarios")))
            yield {"case": f"{form}-{HOURS}h-{POOLS}p-{scenarios}s", "cells": cells} | line


def main() -> None:
    for scenarios in map(int, sys.argv[1:] or (1, 10, 100)):
        for line in cases(scenarios):
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
