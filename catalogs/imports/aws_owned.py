"""Commitments owned, from AWS's own answers: DescribeReservedInstances, DescribeSavingsPlans."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from catalogs.faults import Faults, InvalidInputError, shown
from catalogs.imports.aws_machines import Cells, plain_cells
from catalogs.imports.aws_prices import PAYMENTS, RESERVED_KINDS
from catalogs.imports.aws_spot import region_of_zone, system_of_description
from catalogs.imports.gathering import nanousd
from catalogs.imports.owned import OwnedReport
from catalogs.imports.report import RefusedRow, Rows, Tally
from catalogs.imports.sources import Source
from catalogs.kinds import OfferKind
from catalogs.tables import from_nanousd

_TENANCIES = {"default": "shared", "dedicated": "dedicated", "host": "host"}
_MOMENT_PARTS = ("year", "month", "day", "hour")
_PLAN_KINDS = {
    "Compute": OfferKind.SAVINGS_PLAN_COMPUTE,
    "EC2Instance": OfferKind.SAVINGS_PLAN_EC2,
}


def read_owned(paths: Sequence[Path], region: str | None = None) -> OwnedReport:
    """The active commitments in the answers, as a request's ``owned`` writes them.

    Args:
        paths: answers as the API or the command line gives them.
        region: of regional reservations, whose answers do not tell it.

    Raises:
        InvalidInputError: with every fault found: a file that is unreadable, damaged or no such
            answer.
    """
    faults, tally = Faults(), Tally()
    owned: list[Mapping[str, Any]] = []
    for source in map(Source, paths):
        try:
            _read(source, region, tally, owned)
        except InvalidInputError as error:
            faults.extend(error)
    faults.raise_if_any()
    return OwnedReport.of(owned, tally)


def _read(source: Source, region: str | None, tally: Tally, owned: list[Mapping[str, Any]]) -> None:
    answer = _answer(source.document())
    rows = Rows(tally, source.name, "item")
    if "reservedinstances" in answer:
        title, items = "AWS DescribeReservedInstances answer", answer["reservedinstances"]
    elif "savingsplans" in answer:
        title, items = "AWS DescribeSavingsPlans answer", answer["savingsplans"]
    else:
        raise source.fault("is no answer of DescribeReservedInstances or DescribeSavingsPlans")
    if not isinstance(items, list):
        raise source.fault("its commitments are no list; fetch it again")
    for number, item in enumerate(items, 1):
        with rows.at(number):
            is_plan = "savingsplans" in answer
            owned.append(_plan(item) if is_plan else _reservation(item, region))
    rows.close(title)


def _answer(document: object) -> Mapping[str, object]:
    """The answer by lower-case key, without the envelope recorders put around it."""
    outer = document if isinstance(document, dict) else {}
    inner = outer["data"] if isinstance(outer.get("data"), dict) else outer
    return _by_key(inner)


def _reservation(item: object, region: str | None) -> Mapping[str, Any]:
    cells = plain_cells(item)
    _check_active(cells)
    zonal = cells.get("scope") == "Availability Zone"
    zone = cells.get("availabilityzone", "")
    offering, option = cells.get("offeringclass", "standard"), cells.get("offeringtype", "")
    if offering not in RESERVED_KINDS or option not in PAYMENTS:
        raise RefusedRow("class or payment of a reservation is unknown", f"{offering}, {option}")
    if zonal and offering == "convertible":
        raise RefusedRow("a convertible reservation bound to a zone", cells.get("instancetype", ""))
    where = region_of_zone(zone) if zonal else region
    if where is None:
        words = "name it: the answer does not tell where regional reservations are"
        raise RefusedRow("region of a reservation is missing", words)
    return {
        "id": _text(cells, "reservedinstancesid"),
        "kind": str(OfferKind.RESERVED_ZONAL if zonal else RESERVED_KINDS[offering]),
        **_span(item),
        "payment": str(PAYMENTS[option]),
        "instance_type": _text(cells, "instancetype"),
        "region": where,
        **({"zone": zone} if zonal else {}),
        "quantity": _machines(cells),
        "upfront_usd": _usd(nanousd(_text(cells, "fixedprice"))),
        "hourly_usd": _usd(_hourly_nanousd(item, cells)),
        "os": system_of_description(cells.get("productdescription", "")),
        "tenancy": _tenancy(cells),
    }


def _plan(item: object) -> Mapping[str, Any]:
    cells = plain_cells(item)
    _check_active(cells)
    kind, option = cells.get("savingsplantype", ""), cells.get("paymentoption", "")
    if kind not in _PLAN_KINDS:
        raise RefusedRow("a plan that covers no machines planned here", shown(kind))
    if option not in PAYMENTS:
        raise RefusedRow("payment of a plan is unknown", shown(option))
    scope = {}
    if _PLAN_KINDS[kind].is_of_family:
        family, region = _text(cells, "ec2instancefamily"), _text(cells, "region")
        scope = {"region": region, "family": family}
    return {
        "id": _text(cells, "savingsplanid"),
        "kind": str(_PLAN_KINDS[kind]),
        **_span(item),
        "payment": str(PAYMENTS[option]),
        **scope,
        "commitment_usd": _usd(nanousd(_text(cells, "commitment"))),
    }


def _check_active(cells: Cells) -> None:
    state = cells.get("state", "")
    if state != "active":
        raise RefusedRow("is not active", shown(state))
    if cells.get("currencycode", cells.get("currency", "USD")) not in ("USD", ""):
        raise RefusedRow("currency is not USD", shown(cells.get("currencycode")))


def _text(cells: Cells, column: str) -> str:
    if not cells.get(column):
        raise RefusedRow(f"{column} is missing", shown(dict(cells)))
    return cells[column]


def _tenancy(cells: Cells) -> str:
    written = cells.get("instancetenancy", "default")
    if written not in _TENANCIES:
        raise RefusedRow("tenancy is none of default, dedicated, host", shown(written))
    return _TENANCIES[written]


def _machines(cells: Cells) -> int:
    count = _text(cells, "instancecount")
    if not count.isdecimal() or int(count) == 0:
        raise RefusedRow("count of machines is no whole number above 0", shown(count))
    return int(count)


def _hourly_nanousd(item: object, cells: Cells) -> int:
    """Recurring charges per hour; old reservations state a usage price instead."""
    charges = item.get("RecurringCharges", []) if isinstance(item, dict) else []
    listed = [plain_cells(charge) for charge in charges] if isinstance(charges, list) else []
    other = [charge for charge in listed if charge.get("frequency") != "Hourly"]
    if other:
        raise RefusedRow("a recurring charge is not hourly", shown(other[0]))
    recurring = sum(nanousd(charge.get("amount", "")) for charge in listed)
    return recurring + nanousd(cells.get("usageprice") or "0")


def _usd(amount_nanousd: int) -> float:
    return float(from_nanousd(amount_nanousd))


def _span(item: object) -> Mapping[str, str]:
    """First hour and the one after the last, the hours its first and last seconds fall in.

    A reservation of 8 760 hours begins at some second of an hour; billed are clock-hours.
    """
    by_key = _by_key(item)
    begin, end = (_hour(by_key.get(key)) for key in ("start", "end"))
    return {"start": f"{begin:%Y-%m-%dT%H:%MZ}", "end": f"{end:%Y-%m-%dT%H:%MZ}"}


def _by_key(whole: object) -> Mapping[str, object]:
    """The parts of an object by lower-case key: answers are written in two ways."""
    parts = whole if isinstance(whole, dict) else {}
    return {str(key).lower(): value for key, value in parts.items()}


def _hour(written: object) -> datetime:
    try:
        moment = _moment(written).astimezone(UTC)
    except (ValueError, TypeError, KeyError, OverflowError):
        raise RefusedRow("start or end is no moment", shown(written)) from None
    return moment.replace(minute=0, second=0, microsecond=0)


def _moment(written: object) -> datetime:
    if isinstance(written, dict):  # recorded answers hold moments as their parts
        year, month, day, hour = (int(written[part]) for part in _MOMENT_PARTS)
        return datetime(year, month, day, hour, tzinfo=UTC)
    return datetime.fromisoformat(str(written).replace("Z", "+00:00"))
