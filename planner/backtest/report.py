"""What a back-test found: every policy billed over every course of demand."""

from datetime import datetime
from decimal import Decimal

from catalogs import OfferKind
from planner.plan import CatalogReport, Part, Quantity, Usd
from planner.request import PolicyName


class Window(Part):
    """The billed hours."""

    start: datetime
    end: datetime
    hours: int
    seen_before_hours: int
    """Hours of history before it, which policies see and nobody bills."""


class PastPurchase(Part):
    """What a policy bought, when."""

    offer_id: str
    kind: OfferKind
    workload: str | None
    """The one workload it serves, where reservations are dedicated."""
    start: datetime
    end: datetime
    quantity: Quantity
    """Machines, dollars per hour of savings plans, or units of a resource."""
    cost_usd: Usd
    """Its hours inside the window, upfront amortized."""
    utilization: float | None


class MonthOfPolicy(Part):
    """A calendar month (UTC), as far as it lies in the window."""

    month: str
    bill_usd: Usd
    saving_usd: Usd
    """What the same month costs on demand, less its bill."""


class Quarter(Part):
    """Three months on end, counted from the window's start."""

    first_month: str
    last_month: str
    saving_usd: Usd
    saving_share: float | None
    """Of what the quarter costs on demand; below 0 where commitments cost more than they save."""


class PolicyResult(Part):
    """A policy over a course, billed on what really happened."""

    policy: PolicyName
    description: str
    guarantee: str | None
    """What is proven of its cost, whatever demand does."""
    bill_usd: Usd
    saving_usd: Usd
    """What the policy on_demand pays, less its bill."""
    saving_share: float | None
    captured: float | None
    """Its saving as a share of hindsight's; none where hindsight saves nothing."""
    regret_usd: Usd
    """Its bill less hindsight's."""
    coverage: float | None
    utilization: float | None
    worst_quarter: Quarter
    decisions: int
    purchases: tuple[PastPurchase, ...]
    monthly: tuple[MonthOfPolicy, ...]
    seconds: float
    """All its decisions."""


class CourseResult(Part):
    """All policies over one course of demand."""

    course: str
    on_demand_usd: Usd
    hindsight_usd: Usd
    policies: tuple[PolicyResult, ...]


class BacktestReport(Part):
    """Policies compared on history: each decided on the past alone, billed on what came."""

    name: str
    window: Window
    purchase_dates: tuple[datetime, ...]
    courses: tuple[CourseResult, ...]
    catalog: CatalogReport
    notes: tuple[str, ...]

    def __str__(self) -> str:
        """Read as a small table per course."""
        lines = [f"Back-test of {self.name}, {self.window.hours} hours"]
        for course in self.courses:
            lines.append(f" {course.course}")
            for one in course.policies:
                captured = "" if one.captured is None else f"  captured {one.captured:z.1%}"
                lines.append(f"  {one.policy:<18} {one.bill_usd:>18,.2f} USD{captured}")
        return "\n".join(lines)


def share_of(part_usd: Decimal, whole_usd: Decimal) -> float | None:
    """A part of an amount; None of nothing."""
    return float(part_usd / whole_usd) if whole_usd > 0 else None
