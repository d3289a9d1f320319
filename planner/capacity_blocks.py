"""AWS's Capacity Blocks: machines of one type for some days, paid upfront, apart from all else.

A block serves its type in its region alone; reservations and savings plans do not discount it.
Its machines are stopped half an hour before its end, so half of its last hour is lost.
"""

from collections.abc import Iterator

import pandas as pd

from catalogs import Catalog, Faults, OfferKind, Payment
from planner.request import PlanRequest

DAY_HOURS = 24
BLOCK_TERMS_HOURS = (*range(24, 337, DAY_HOURS), *range(504, 4369, 7 * DAY_HOURS))
"""Lengths sold: by the day up to 14 days, then by the week up to 182."""

MOST_IN_BLOCK = 64
MOST_AT_ONCE = 256
"""Machines in all blocks together."""

CLEARED_SHARE = 0.5
"""Of a block's last hour, in which its machines are stopped."""

SELLERS = ("aws", "custom")


def block_types(request: PlanRequest, catalog: Catalog) -> set[tuple[str, str]]:
    """Regions and types of blocks that may be bought, or are owned."""
    owned = {
        (str(one.region), str(one.instance_type))
        for one in request.owned
        if one.kind is OfferKind.CAPACITY_BLOCK
    }
    if OfferKind.CAPACITY_BLOCK not in request.offers.kinds:
        return owned
    sold = _sold(catalog)[["region", "instance_type"]]
    return owned | set(sold.itertuples(index=False, name=None))


def clearing_hour(kind: OfferKind, end: int, hours: int) -> int | None:
    """The hour of the horizon in which a commitment that ends at ``end`` serves half the time."""
    is_cut = kind is not OfferKind.CAPACITY_BLOCK or not 0 < end <= hours
    return None if is_cut else end - 1


def check_blocks(request: PlanRequest, catalog: Catalog, faults: Faults) -> None:
    """Blocks are sold for some lengths, by AWS, and paid upfront."""
    if OfferKind.CAPACITY_BLOCK in request.offers.kinds:
        for name, region, term, payment, hourly in _sold(catalog)[
            ["instance_type", "region", "term_hours", "payment", "hourly_nanousd"]
        ].itertuples(index=False, name=None):
            shown, seller = f"{name} in {region} for {term} hours", catalog.billed_names[name]
            for fix in _misfits(int(term), str(payment), seller, is_hourly=bool(hourly)):
                faults.add("catalog", f"capacity_block of {shown}", fix)
    for position, owned in enumerate(request.owned):
        if owned.kind is OfferKind.CAPACITY_BLOCK:
            is_hourly = bool(owned.hourly_usd)
            for fix in _misfits(owned.term_hours, owned.payment, SELLERS[0], is_hourly=is_hourly):
                faults.add(f"owned.{position}", owned.id, fix)


def _misfits(term_hours: int, payment: str, provider: str, *, is_hourly: bool) -> Iterator[str]:
    if term_hours not in BLOCK_TERMS_HOURS:
        yield (f"lasts {term_hours} hours; blocks last 1 to 14 days, or whole weeks up to 182 days")
    if payment != Payment.ALL_UPFRONT or is_hourly:
        yield "is paid upfront: write payment all_upfront, its price as upfront_usd, hourly_usd 0"
    if provider not in SELLERS:
        yield f"is no product of {provider}; take it out"


def _sold(catalog: Catalog) -> pd.DataFrame:
    return catalog.rates[catalog.rates["kind"] == str(OfferKind.CAPACITY_BLOCK)]
