"""Machine time hour by hour: written as a demand file and as a table of pools."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from planner.past_bills.columns import AMOUNT_TYPE, literal
from planner.past_bills.history import PoolUsage

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

BASELINE_FILE = "baseline.json"
DEMAND_FILE = "demand.parquet"
USAGE_FILE = "usage.parquet"

WORKLOAD = " || '/' || ".join(("provider", "region", "instance_type", "os", "tenancy"))
"""Name of the workload that a machine's time belongs to."""

_POOL = "provider, account, region, zone, instance_type, os, tenancy, purchase_option"

# The hours that a row touches; it is spread over them evenly. Sums of decimals are the same in any
# order, those of floats are not.
_HOURLY = f"""
CREATE TABLE hourly AS
SELECT hour, {_POOL}, sum(part)::{AMOUNT_TYPE} AS machine_hours FROM (
    SELECT {_POOL}, unnest(hours) AS hour,
        CASE len(hours) WHEN 1 THEN machine_hours
        ELSE CAST(machine_hours / len(hours) AS {AMOUNT_TYPE}) END AS part
    FROM (
        SELECT {_POOL}, sum(machine_hours) AS machine_hours,
            range(date_trunc('hour', begun), ended, INTERVAL 1 HOUR) AS hours
        FROM counted WHERE machine_hours > 0 AND left_out IS NULL
        GROUP BY {_POOL}, begun, ended
    )
) GROUP BY ALL
"""

_POOLS = f"""
SELECT {_POOL}, sum(machine_hours), max(machine_hours), min(hour), max(hour)
FROM hourly GROUP BY {_POOL} ORDER BY ALL
"""

_DEMAND = f"""
SELECT hour AT TIME ZONE 'UTC' AS "timestamp", {WORKLOAD} AS workload,
    CAST(sum(machine_hours) AS DOUBLE) AS "value"
FROM hourly GROUP BY ALL ORDER BY workload, "timestamp"
"""

_USAGE = f"""
SELECT hour AT TIME ZONE 'UTC' AS "timestamp", {_POOL},
    CAST(machine_hours AS DOUBLE) AS machine_hours
FROM hourly ORDER BY {_POOL}, hour
"""


def create_hourly(connection: "DuckDBPyConnection") -> None:
    """The table of machine-hours by hour and pool, from the cells that count."""
    connection.execute(_HOURLY)


def pools_used(connection: "DuckDBPyConnection") -> tuple[PoolUsage, ...]:
    """Every pool with its hours summed up."""
    return tuple(
        PoolUsage(*row[:-2], *(_utc(hour) for hour in row[-2:]))
        for row in connection.execute(_POOLS).fetchall()
    )


def write_demand(connection: "DuckDBPyConnection", folder: Path) -> None:
    """A demand file, long: timestamp, workload, value in machines; hours without use are absent."""
    _write(connection, _DEMAND, folder / DEMAND_FILE)


def write_usage(connection: "DuckDBPyConnection", folder: Path) -> None:
    """The same by pool: timestamp, account, zone and purchase option beside the rest."""
    _write(connection, _USAGE, folder / USAGE_FILE)


def _write(connection: "DuckDBPyConnection", query: str, file: Path) -> None:
    connection.execute(f"COPY ({query}) TO {literal(str(file))} (FORMAT parquet, COMPRESSION zstd)")


def _utc(hour: datetime) -> datetime:
    return hour.replace(tzinfo=UTC)
