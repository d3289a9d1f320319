"""What the operator of a server decides: its examples and its limits."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

MIB = 1024 * 1024


class ServerSettings(BaseModel):
    """Settings of one server; requests cannot change them."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    examples: Path | None = None
    """Folder of named example demands, each `NAME/demand.csv`; None offers none."""
    prometheus: tuple[str, ...] = ()
    """URLs of the Prometheus servers that requests may read demand from; none, unless named."""
    max_body_bytes: Annotated[int, Field(gt=0)] = 32 * MIB
    """Larger request bodies are refused."""
    max_entries: Annotated[int, Field(gt=0)] = 250_000
    """Values and keys one request may hold beside its demand; what is wrong with each of them
    must fit in memory and in one answer."""
    max_demand_cells: Annotated[int, Field(gt=0)] = 5_000_000
    """Hours × series of demand that one request may hold."""
    max_future_cells: Annotated[int, Field(gt=0)] = 25_000_000
    """Hours × series × futures that one request may have drawn from a forecast."""
    max_forecast_series: Annotated[int, Field(gt=0)] = 100
    """Series that one request may have forecast: no solver's time limit holds for them."""
    max_time_limit_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 120.0
    """Caps the time limit of every solve, and stands in where a request has none."""
    max_concurrent_solves: Annotated[int, Field(gt=0)] = 2
    """Requests solved at the same time; further ones are told to come back."""
    solvers: tuple[str, ...] | None = None
    """Solvers that requests may choose, the first for those that choose none; None allows all."""
