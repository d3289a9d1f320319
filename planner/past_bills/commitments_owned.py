"""Commitments of past bills as a request takes them, at the prices that were billed."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import groupby

from pydantic import ValidationError

from catalogs import OfferKind
from planner.past_bills.history import CommitmentUse, Term
from planner.request import COMMITMENTS, OwnedCommitment

_HOUR = timedelta(hours=1)
_NANO = Decimal("1e-9")
_NAMED = 2
"""Commitments named in one remark; the rest are counted."""

Owned = dict[str, object]


def owned_commitments(uses: Iterable[CommitmentUse]) -> tuple[list[Owned], list[str]]:
    """Entries of a request's `owned`, and remarks on commitments that lack what one needs."""
    owned: list[Owned] = []
    refused: list[tuple[str, str]] = []
    for use in uses:
        entry, lacking = _entry(use)
        if lacking:
            refused.append((lacking, use.commitment_id))
        else:
            owned.append(entry)
    return owned, [
        f"not in the request's owned, {lacking}: {_listed([name for _, name in names])}"
        for lacking, names in groupby(sorted(refused), key=lambda one: one[0])
    ]


def _entry(use: CommitmentUse) -> tuple[Owned, str]:
    """The entry, or why there can be none."""
    if use.kind not in COMMITMENTS:
        return {}, f"as plans know no {use.kind.replace('_', ' ')}"
    if use.term is None or use.term.starts is None or use.term.ends is None:
        return {}, "as the bill does not say when they begin and end"
    payment = use.term.payment or _payment(use)
    if payment is None:
        return {}, "as the bill does not say how they are paid"
    kind = OfferKind(use.kind)
    particulars = _reservation(use.term) if kind.is_dedicated else _plan(use.term)
    entry: Owned = {
        "id": use.commitment_id,
        "kind": kind.value,
        "start": _whole_hour(use.term.starts),
        "end": _whole_hour(use.term.ends),
        "payment": payment,
    } | particulars
    known = {key: value for key, value in entry.items() if value is not None}
    try:
        OwnedCommitment.model_validate(known)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"]))
        return {}, f"as the bill does not say enough of them ({field or first['msg']})"
    return known, ""


def _payment(use: CommitmentUse) -> str | None:
    """All upfront where that was billed and nothing else; other payments may lie outside."""
    return "all_upfront" if use.upfront_cost and not use.recurring_cost else None


def _reservation(term: Term) -> Owned:
    """A reservation's machines, at the prices billed where the bill has them."""
    machines = _positive(term.machines)
    no_upfront = term.payment == "no_upfront"
    return {
        "instance_type": term.instance_type,
        "region": term.region,
        "os": term.os,
        "tenancy": term.tenancy,
        "quantity": None if machines is None else float(machines),
        "upfront_usd": None if no_upfront or term.upfront is None else _money(term.upfront),
        "hourly_usd": None if term.hourly is None else _money(term.hourly),
    }


def _plan(term: Term) -> Owned:
    hourly = _positive(term.hourly)
    return {
        "family": term.family,
        "region": term.region if term.family else None,
        "commitment_usd": None if hourly is None else _money(hourly),
    }


def _positive(amount: Decimal | None) -> Decimal | None:
    return amount if amount else None


def _money(amount: Decimal) -> float:
    return float(amount.quantize(_NANO))


def _whole_hour(moment: datetime) -> str:
    """The nearest hour: providers end terms a second before it."""
    nearest = moment.astimezone(UTC) + _HOUR / 2
    return nearest.strftime("%Y-%m-%dT%H:00Z")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
