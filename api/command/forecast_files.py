"""The files of a forecast: its report, its hours as CSV, its futures as a demand file, pictures."""

import re
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from api.command.folder import Content
from api.command.forecast_pictures import draw_series
from planner import DemandForecast

_SCHEMA = pa.schema(
    [
        ("timestamp", pa.timestamp("us", "UTC")),
        ("scenario", pa.dictionary(pa.int32(), pa.string())),
        ("workload", pa.dictionary(pa.int32(), pa.string())),
        ("value", pa.float64()),
    ]
)


def forecast_files(made: DemandForecast) -> dict[str, Content]:
    """Name and content of every file of a forecast."""
    return {
        "forecast.json": (made.report.model_dump_json(indent=2) + "\n").encode(),
        "forecast.csv": hours_as_csv(made),
        "futures.parquet": partial(write_futures, made),
        **{
            f"{picture}.png": draw_series(made, name)
            for name, picture in picture_names(sorted(made.forecast.series)).items()
        },
    }


def picture_names(names: list[str]) -> dict[str, str]:
    """A file name for each series, of letters that every file system takes, no two alike."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._")[:80] or "series"
        word, number = plain, 2
        while word.lower() in taken:
            word, number = f"{plain}-{number}", number + 1
        taken.add(word.lower())
        found[name] = word
    return found


def hours_as_csv(made: DemandForecast) -> bytes:
    """Quantiles of every hour and series in rows, and what is planned for."""
    stamps = _moments(made.forecast.start, made.forecast.hours).strftime("%Y-%m-%dT%H:%M:%SZ")
    tables = [
        pd.DataFrame(
            {
                "timestamp": stamps,
                "workload": name,
                **dict(zip(("p10", "p50", "p90"), made.quantiles[name], strict=True)),
                "planned": made.futures.mean(name),
            }
        )
        for name in sorted(made.quantiles)
    ]
    text = pd.concat(tables).to_csv(index=False, lineterminator="\n", float_format="%.6g")
    return text.encode()


def write_futures(made: DemandForecast, path: Path) -> None:
    """Write the futures drawn as a long demand file, a series at a time."""
    demand = made.futures.demand
    names = [one.name for one in demand.scenarios]
    count, hours = len(names), demand.hours
    stamps = pa.array(np.tile(_moments(demand.start, hours).to_numpy(), count), _SCHEMA[0].type)
    codes = np.repeat(np.arange(count, dtype=np.int32), hours)
    scenarios = pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(names))
    with pq.ParquetWriter(
        path,
        _SCHEMA,
        compression="zstd",
        use_dictionary=["timestamp", "scenario", "workload"],
        use_byte_stream_split=["value"],
    ) as writer:
        for name in sorted(demand.series):
            workload = pa.DictionaryArray.from_arrays(
                pa.array(np.zeros(count * hours, np.int32)), pa.array([name])
            )
            values = pa.array(demand.series[name])
            writer.write_table(pa.table([stamps, scenarios, workload, values], schema=_SCHEMA))


def _moments(start: datetime, hours: int) -> pd.DatetimeIndex:
    return pd.date_range(start, periods=hours, freq="h")
