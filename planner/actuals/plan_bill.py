"""The bill of what really ran: by month, workload and commitment, against what was planned."""

from datetime import datetime
from decimal import Decimal
from typing import Self

from planner.plan import Part, Usd
from planner.request import Accounting


class Difference(Part):
    """Why a bill differs from the plan's, in parts that add up exactly; above 0 is dearer.

    Served usage is worth what it would cost on demand, at the prices planned with.
    """

    usage_usd: Usd
    """More or less was needed than forecast: on demand, on the machines planned for it."""
    mix_usd: Usd
    """Other machines ran than planned: on demand, for what was needed."""
    commitments_usd: Usd
    """Commitments served usage worth less than planned (above 0) or more (below)."""
    sustained_use_usd: Usd
    """Prices fell less by the month than planned."""
    charged_by_use_usd: Usd
    """What commitments cost by their use: power of servers, reserved capacity left empty."""
    prices_usd: Usd
    """On-demand prices are other than planned with."""

    @property
    def total_usd(self) -> Decimal:
        """All parts together: the bill less the plan's."""
        return sum((getattr(self, name) for name in type(self).model_fields), Decimal(0))

    @classmethod
    def sum_of(cls, several: tuple[Self, ...]) -> Self:
        """Several differences, part by part."""
        fields = cls.model_fields
        return cls(
            **{name: sum((getattr(one, name) for one in several), Decimal(0)) for name in fields}
        )


class ActualMonth(Part):
    """A calendar month (UTC), as far as it was billed."""

    month: str
    on_demand_usd: Usd
    """What ran as it goes: usage left by commitments and software, less sustained use."""
    commitment_usd: Usd
    sustained_use_usd: Usd
    """Credit for prices that fall by the month; already off `on_demand_usd`."""
    total_usd: Usd
    planned_usd: Usd
    """The same month as planned."""
    difference: Difference


class WorkloadUse(Part):
    """A workload, at the on-demand prices planned with; what serves it is not taken off."""

    workload: str
    planned_usd: Usd
    usage_usd: Usd
    mix_usd: Usd
    actual_usd: Usd
    """Planned, usage and mix together."""


class CommitmentUse(Part):
    """A commitment, bought by the plan or owned, or capacity held, and how it fared."""

    id: str
    """Of owned ones that of the request."""
    owned: bool
    offer_id: str | None
    """None of capacity that is held: it is no commitment."""
    start: datetime
    cost_usd: Usd
    utilization: float | None
    unused_usd: Usd
    """Cost of what nothing used."""
    planned_utilization: float | None
    planned_unused_usd: Usd


class PlanBill(Part):
    """What really ran, billed under a plan's commitments, and why that is not what was planned."""

    name: str
    start: datetime
    end: datetime
    hours: int
    """Hours billed: those of the usage inside the plan's horizon."""
    scenario: str | None
    """The plan's future that is compared with; none where it has one only."""
    accounting: Accounting
    total_cost_usd: Usd
    on_demand_usd: Usd
    commitment_usd: Usd
    sustained_use_usd: Usd
    """Credit for prices that fall by the month; already off `on_demand_usd`."""
    on_demand_equivalent_usd: Usd
    """The same usage all on demand at the prices billed, without sustained use and software."""
    planned_cost_usd: Usd
    """The plan's bill of the same hours."""
    difference_usd: Usd
    """Total less planned: the sum of the parts of `difference`."""
    difference: Difference
    coverage: float | None
    planned_coverage: float | None
    utilization: float | None
    planned_utilization: float | None
    unused_usd: Usd
    """Cost of commitments that nothing used."""
    months: tuple[ActualMonth, ...]
    workloads: tuple[WorkloadUse, ...]
    commitments: tuple[CommitmentUse, ...]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
