"""How long a large bill takes to read back, and in how much memory.

Run it from the repository: ``python benchmarks/bills.py --gb 5``. It writes a FOCUS 1.2 Parquet
file of that size into a temporary folder, a piece at a time, and reads it in a process of its own;
one JSON object tells both. A bill is a month of machines, each with a row an hour of its own line
id, cost and tags, and a fifth as many rows of disks.
"""

import argparse
import json
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from measures import alone, peak_rss_mb, rss_mb, timed

from planner.past_bills import read_bills

MONTH_HOURS = 720
SPARE = 2.0
"""Free disk that is needed, in sizes of the bill: what is read may be moved there too."""

TYPES = [f"m{number}.{size}" for number in (5, 6, 7) for size in ("large", "xlarge", "2xlarge")]
REGIONS = ["us-east-1", "us-west-2", "eu-west-1", "eu-central-1"]
START = datetime(2025, 1, 1, tzinfo=UTC)
LINE_ID_BYTES = 20


def write_bill(file: Path, size_bytes: float, hour_rows: int) -> dict[str, float]:
    """Write hours of a month, over and over, until the file is large enough; what is in it."""
    rng = np.random.default_rng(7)
    rows, effective, pieces = 0, 0.0, 0
    with pq.ParquetWriter(file, _hour(rng, 0, 10).schema, compression="snappy") as writer:
        while file.stat().st_size < size_bytes:
            table = _hour(rng, pieces % MONTH_HOURS, hour_rows)
            writer.write_table(table)
            rows, pieces = rows + len(table), pieces + 1
            effective += float(np.sum(table["EffectiveCost"].to_numpy()))
    return {"rows": rows, "effective": effective, "hours": min(pieces, MONTH_HOURS)}


def _hour(rng: np.random.Generator, hour: int, count: int) -> pa.Table:
    """The rows of one hour; every fifth is a disk."""
    is_disk = np.arange(count) % 5 == 4
    kinds = rng.integers(len(TYPES), size=count)
    covered = (kinds < 4) & ~is_disk
    rate = np.where(is_disk, 0.01, 0.1 * 2.0 ** (kinds % 3))
    cost = rate * rng.uniform(0.5, 1.0, count).round(3)
    begun = START + timedelta(hours=hour)
    accounts = np.array([f"{100000000000 + one}" for one in range(50)])
    services = np.array(["Amazon Elastic Compute Cloud", "Amazon Elastic Block Store"])
    details = np.array([f'{{"InstanceType": "{one}", "CoreCount": 2}}' for one in TYPES] + [""])
    line_ids = rng.bytes(LINE_ID_BYTES * count).hex()
    width = 2 * LINE_ID_BYTES
    return pa.table(
        {
            "x_LineId": [line_ids[at * width : (at + 1) * width] for at in range(count)],
            "BilledCost": np.where(covered, 0.0, cost),
            "EffectiveCost": np.where(covered, 0.7 * cost, cost),
            "ListCost": cost,
            "BillingCurrency": _same("USD", count),
            "BillingAccountId": _same("900000000000", count),
            "SubAccountId": accounts[rng.integers(50, size=count)],
            "ChargeCategory": _same("Usage", count),
            "ChargeFrequency": _same("Usage-Based", count),
            "ChargePeriodStart": pa.array([begun] * count, pa.timestamp("us", "UTC")),
            "ChargePeriodEnd": pa.array(
                [begun + timedelta(hours=1)] * count, pa.timestamp("us", "UTC")
            ),
            "BillingPeriodStart": pa.array([START] * count, pa.timestamp("us", "UTC")),
            "ServiceProviderName": _same("AWS", count),
            "ServiceName": services[is_disk.astype(int)],
            "ServiceCategory": np.where(is_disk, "Storage", "Compute"),
            "RegionId": np.array(REGIONS)[rng.integers(len(REGIONS), size=count)],
            "PricingCategory": np.where(covered, "Committed", "Standard"),
            "PricingQuantity": rng.uniform(0.5, 1.0, count).round(3),
            "PricingUnit": np.where(is_disk, "GB-Months", "Hours"),
            "CommitmentDiscountId": pa.array(
                np.where(covered, "plan-1", None), pa.string(), from_pandas=True
            ),
            "CommitmentDiscountStatus": pa.array(
                np.where(covered, "Used", None), pa.string(), from_pandas=True
            ),
            "SkuPriceDetails": details[np.where(is_disk, len(TYPES), kinds)],
            "Tags": [f'{{"team": "{one}"}}' for one in rng.integers(10**6, size=count)],
        }
    )


def _same(text: str, count: int) -> pa.Array:
    return pa.array([text]).take(pa.array(np.zeros(count, dtype=np.int8)))


def measure(file: Path, folder: Path, memory_mib: int) -> dict[str, float]:
    """Reads the bill; meant for a process of its own."""
    before, worked = rss_mb(), time.process_time()
    history, seconds = timed(read_bills, [file], folder, memory_mib=memory_mib)
    return {
        "seconds": round(seconds, 1),
        "seconds_cpu": round(time.process_time() - worked, 1),
        "import_rss_mb": round(before),
        "peak_rss_mb": round(peak_rss_mb()),
        "rows_read": sum(one.rows for one in history.files),
        "effective_read": float(history.effective),
        "pools": len(history.pools),
        "machine_hours": float(sum(one.machine_hours for one in history.pools)),
    }


def case(gb: float, hour_rows: int, memory_mib: int) -> dict[str, object]:
    """One bill written and read.

    Raises:
        OSError: there is too little free disk.
        ArithmeticError: what was read is not what was written.
    """
    with TemporaryDirectory(prefix="bills-") as name:
        folder = Path(name)
        free_gb = shutil.disk_usage(folder).free / 1e9
        if free_gb < SPARE * gb + 1:
            raise OSError(f"{free_gb:.1f} GB of disk are free; {SPARE * gb + 1:.1f} are needed")
        file = folder / "bill.parquet"
        written, generating = timed(write_bill, file, gb * 1e9, hour_rows)
        read = alone(measure, file, folder, memory_mib)
        if read["rows_read"] != written["rows"] or not np.isclose(
            read["effective_read"], written["effective"], rtol=1e-9
        ):
            raise ArithmeticError(f"written {written}, read {read}")
        return {
            "case": f"focus-parquet-{gb:g}gb",
            "gb": round(file.stat().st_size / 1e9, 2),
            "memory_mib": memory_mib,
            "generating_seconds": round(generating, 1),
            "rows_per_second": round(written["rows"] / read["seconds"]),
        } | read


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gb", type=float, default=1.0, help="Size of the bill.")
    parser.add_argument("--hour-rows", type=int, default=100_000, help="Rows of an hour.")
    parser.add_argument("--memory", type=int, default=1024, help="MiB the reader may hold.")
    chosen = parser.parse_args()
    print(json.dumps(case(chosen.gb, chosen.hour_rows, chosen.memory)), flush=True)


if __name__ == "__main__":
    main()
