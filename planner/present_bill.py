"""Reads the bill of the present fleet: the file that `usage import` writes, or a request's sums."""

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from catalogs import Faults
from planner.request import BilledHours, BilledMonth, PastBill, PlanRequest, PresentBill

FIELD = "present_bill.file"
ANEW_FIX = "is no baseline.json of `fleetplan usage import`; import the bills anew"

_HOUR = timedelta(hours=1)
_NANO = Decimal("1e-9")

Money = Annotated[Decimal, Field(allow_inf_nan=False)]


class _Part(BaseModel):
    """What is read of a file that says much more."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Month(_Part):
    month: str
    provider: str
    is_compute: bool
    effective: Money
    listed: Money
    committed: Money
    unused: Money


class _Pool(_Part):
    provider: str
    first_hour: AwareDatetime
    last_hour: AwareDatetime


class _Baseline(_Part):
    currency: str
    months: list[_Month]
    pools: list[_Pool]


def read_present_bill(source: PresentBill, folder: Path) -> PastBill:
    """What a request's present bill says, of the providers that count.

    Raises:
        InvalidInputError: no such file, another file, another currency, no such provider.
    """
    faults = Faults()
    past = source.inline
    if source.file is not None:
        past = _summed(_parsed(folder / source.file, faults), faults)
    if past is None:
        raise ValueError("a present bill has a file or stands inline")
    return _of_providers(past, source.providers, faults)


def inline_present_bill(request: PlanRequest, *, folder: Path) -> PlanRequest:
    """The same request with its present bill written inside it; raises as `read_present_bill`."""
    source = request.present_bill
    if source is None:
        return request
    inline = PresentBill(inline=read_present_bill(source, folder))
    return request.model_copy(update={"present_bill": inline})


def _parsed(path: Path, faults: Faults) -> _Baseline:
    found = None
    try:
        found = _Baseline.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        faults.add(FIELD, str(path), f"cannot be read: {error.strerror}")
    except (ValueError, RecursionError) as error:
        first = f": {_place(error)}" if isinstance(error, ValidationError) else ""
        faults.add(FIELD, str(path), f"{ANEW_FIX}{first}")
    faults.raise_if_any()
    if found is None:
        raise ValueError("what cannot be parsed is a fault")
    return found


def _place(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'document'} ({first['msg']})"


def _summed(baseline: _Baseline, faults: Faults) -> PastBill:
    """Machine time and its commitments by month and provider, and the hours they span."""
    if baseline.currency != "USD":
        fix = "plans are in USD; take the present bill out, or import bills in USD"
        faults.add(FIELD, baseline.currency, fix)
    months: dict[tuple[str, str], list[_Month]] = defaultdict(list)
    for month in baseline.months:
        if month.is_compute:
            months[month.month, month.provider].append(month)
    pools: dict[str, list[_Pool]] = defaultdict(list)
    for pool in baseline.pools:
        pools[pool.provider].append(pool)
    if not months or not pools:
        faults.add(FIELD, "(no machine time)", "the bills have none; take the present bill out")
    faults.raise_if_any()
    return PastBill(
        months=tuple(_month(*key, services) for key, services in sorted(months.items())),
        hours=tuple(
            BilledHours(
                provider=provider,
                start=min(one.first_hour for one in used),
                end=max(one.last_hour for one in used) + _HOUR,
            )
            for provider, used in sorted(pools.items())
        ),
    )


def _month(month: str, provider: str, services: list[_Month]) -> BilledMonth:
    def total(name: str) -> Decimal:
        return sum((getattr(one, name) for one in services), Decimal(0)).quantize(_NANO)

    return BilledMonth(
        month=month,
        provider=provider,
        effective_usd=total("effective"),
        listed_usd=total("listed"),
        committed_usd=total("committed"),
        unused_usd=total("unused"),
    )


def _of_providers(past: PastBill, providers: tuple[str, ...] | None, faults: Faults) -> PastBill:
    months = {one.provider for one in past.months}
    known = sorted(months & {one.provider for one in past.hours})
    for name in providers or ():
        if name not in known:
            fix = f"the bill has no machine time of it; it has {', '.join(known) or 'none'}"
            faults.add("present_bill.providers", name, fix)
    faults.raise_if_any()
    chosen = known if providers is None else list(providers)
    if not chosen:
        fix = "name in both the same providers"
        faults.add("present_bill.inline", "months and hours", fix)
        faults.raise_if_any()
    return PastBill(
        months=tuple(one for one in past.months if one.provider in chosen),
        hours=tuple(one for one in past.hours if one.provider in chosen),
    )


def first_of(month: str) -> datetime:
    """The first hour of a month such as 2026-01."""
    return datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
