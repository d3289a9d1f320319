"""What a plan must keep to, beside serving the demand."""

from typing import Annotated, Self

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from planner.request.fields import Document, Hour, Share, Usd, refuse_repeated


class UpfrontBudget(Document):
    """The most that may be paid upfront at one purchase date."""

    date: Hour
    usd: Usd


def _budgets_form(value: object) -> str:
    return "by_date" if isinstance(value, list | tuple) else "every_date"


UpfrontBudgets = Annotated[
    Annotated[Usd, Tag("every_date")] | Annotated[tuple[UpfrontBudget, ...], Tag("by_date")],
    Discriminator(_budgets_form),
]


class ShareLimits(Document):
    """A floor and a ceiling on a share."""

    at_least: Share | None = None
    at_most: Share | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError("at_least must not exceed at_most")
        return self


class ShareFloor(Document):
    """A floor on a share."""

    at_least: Share | None = None


class Quota(Document):
    """The most machines of some providers, regions, families or types that may be had at once.

    A machine counts where it meets every criterion given, spot or not, however it is billed. With
    `whole_machines` reserved ones, bought or owned, count in every hour of their term, used or
    not, and others in the hours they run; without it machines count, in parts, while they run.
    """

    name: Annotated[str, Field(min_length=1)]
    at_most: Annotated[int, Field(ge=0, le=10**9)] | None = None
    """Machines; no limit when absent."""
    at_most_vcpus: Annotated[float, Field(ge=0, le=10**9, allow_inf_nan=False)] | None = None
    """vCPUs of all machines together; no limit when absent."""
    providers: tuple[str, ...] | None = None
    regions: tuple[str, ...] | None = None
    families: tuple[str, ...] | None = None
    instance_types: tuple[str, ...] | None = None

    def counts(self, provider: str, region: str, family: str, instance_type: str) -> bool:
        """Whether machines of a type in a region count against this quota."""
        criteria = (
            (self.providers, provider),
            (self.regions, region),
            (self.families, family),
            (self.instance_types, instance_type),
        )
        return all(chosen is None or name in chosen for chosen, name in criteria)


class EgressLimit(Document):
    """The most that workloads may move over their homes' borders in any hour.

    What they move is said by `workloads[].egress`. It counts where it leads to one of the
    `providers` and `regions` given.
    """

    name: Annotated[str, Field(min_length=1)]
    at_most_gib_per_hour: Annotated[float, Field(ge=0, le=10**12, allow_inf_nan=False)]
    workloads: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Names of those counted; all that have egress when absent."""
    providers: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Where it leads to; anywhere when absent."""
    regions: Annotated[tuple[str, ...], Field(min_length=1)] | None = None

    def counts(self, workload: str, provider: str, region: str) -> bool:
        """Whether what a workload moves to a place counts against this limit."""
        criteria = (
            (self.workloads, workload),
            (self.providers, provider),
            (self.regions, region),
        )
        return all(chosen is None or name in chosen for chosen, name in criteria)


def _distinct_egress(limits: tuple[EgressLimit, ...]) -> tuple[EgressLimit, ...]:
    refuse_repeated([limit.name for limit in limits])
    return limits


def _distinct_quotas(quotas: tuple[Quota, ...]) -> tuple[Quota, ...]:
    refuse_repeated([quota.name for quota in quotas])
    return quotas


class Limits(Document):
    """What the plan must keep to, beside serving the demand."""

    upfront_budget_usd: UpfrontBudgets | None = None
    """One amount for every purchase date, or amounts by date (dates not named are unlimited)."""
    coverage: ShareLimits = ShareLimits()
    """Share of the on-demand equivalent of the whole horizon that commitments serve."""
    utilization: ShareFloor = ShareFloor()
    """Share of each pool's and each plan's commitment that is used over the horizon."""
    quotas: Annotated[tuple[Quota, ...], AfterValidator(_distinct_quotas)] = ()
    """Machines that may be had at once."""
    egress: Annotated[tuple[EgressLimit, ...], AfterValidator(_distinct_egress)] = ()
    """What may leave the workloads' homes; not with `whole_machines`."""
