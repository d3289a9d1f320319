"""Where workloads run in a plan, what is held for them, and how near that comes to limits."""

from datetime import datetime
from typing import Literal

from planner.plan.part import Part, Usd


class CapacityHeld(Part):
    """Machines held ready for a workload, at the on-demand price, used or not."""

    workload: str
    instance_type: str
    region: str
    machines: float
    start: datetime
    end: datetime
    unused_hours: float
    """Machine-hours in which nothing of the workload runs on them; mean over its futures."""
    unused_usd: Usd | None
    """What the unused part costs, after commitments that take it over; none where it is billed
    like machines that run (GCP)."""
    scenarios: tuple[str, ...] | None = None
    """Futures in which it is held; none given where it is held in all."""


class MachineShare(Part):
    """A workload's share on one machine during one window."""

    workload: str
    start: datetime
    end: datetime
    instance_type: str
    region: str
    spot: bool
    """Whether at spot prices, which the provider may take back."""
    share: float
    scenarios: tuple[str, ...] | None = None
    """Futures in which it holds; none given where it holds in all."""


class PoolUse(Part):
    """One usage pool: what it would cost on demand and how much commitments serve of it."""

    pool: str
    machines: tuple[str, ...]
    on_demand_equivalent_usd: Usd
    coverage: float | None


class LimitPeak(Part):
    """How near a plan comes to a quota or to a limit on egress."""

    limit: str
    """The field that states it, by its name."""
    unit: Literal["machines", "vCPUs", "GiB per hour"]
    at_most: float
    peak: float
    """The most that counts against it in any hour of any future."""
    at: datetime
    """The first such hour."""
    scenario: str | None = None
    """The future it lies in; none given where there is only one."""
    binds: bool
    """Whether the peak reaches the limit."""
