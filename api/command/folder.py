"""The folder results are written to: documents, tables as CSV, pictures; all or none."""

import csv
import io
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import Enum
from pathlib import Path

from catalogs import Fault, InvalidInputError
from planner.backtest import BacktestReport, PastPurchase, PolicyResult
from planner.plan import (
    CapacityHeld,
    ConvertibleExchange,
    Given,
    MachineShare,
    MonthlyCost,
    NotBought,
    Part,
    Plan,
    Purchase,
)

Content = bytes | Callable[[Path], None]


def check_folder(folder: Path) -> None:
    """Raise InvalidInputError where files could not be written to a folder, new or old."""
    if folder.exists() and not folder.is_dir():
        raise _fault(folder, "is a file; name a folder")
    above = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise _fault(folder, f"{above} cannot be written to; name another folder")


def make_folder(folder: Path) -> None:
    """Make a folder that is written to from the start; raises InvalidInputError where it cannot."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _fault(folder, f"cannot be made: {error.strerror}") from error


def plan_files(plan: Plan, picture: bytes) -> dict[str, bytes]:
    """Name and content of every file of a plan."""
    exchanges = {"exchanges.csv": _table(ConvertibleExchange, plan.exchanges)}
    return {
        "plan.json": (plan.model_dump_json(indent=2) + "\n").encode(),
        "purchases.csv": _table(Purchase, plan.purchases),
        "monthly.csv": _table(MonthlyCost, plan.monthly),
        "not_bought.csv": _table(NotBought, plan.not_bought),
        "mix.csv": _table(MachineShare, plan.mix),
        "capacity.csv": _table(CapacityHeld, plan.capacity),
        "plan.png": picture,
    } | (exchanges if plan.exchanges else {})


def backtest_files(report: BacktestReport, picture: bytes) -> dict[str, bytes]:
    """Name and content of every file of a back-test."""
    nested = {"worst_quarter", "purchases", "monthly"}
    columns = ["course", *(name for name in PolicyResult.model_fields if name not in nested)]
    policies = (
        {"course": course.course} | {name: getattr(one, name) for name in columns[1:]}
        for course in report.courses
        for one in course.policies
    )
    purchases = (
        {"course": course.course, "policy": one.policy} | dict(purchase)
        for course in report.courses
        for one in course.policies
        for purchase in one.purchases
    )
    bought = ["course", "policy", *PastPurchase.model_fields]
    return {
        "backtest.json": (report.model_dump_json(indent=2) + "\n").encode(),
        "policies.csv": _csv(columns, policies),
        "purchases.csv": _csv(bought, purchases),
        "backtest.png": picture,
    }


def write_files(folder: Path, files: Mapping[str, Content]) -> None:
    """Write files so that each is there whole or not at all; the folder is made if need be.

    All contents are written under other names first; only then are they given their own. A content
    too large to hold is a function that writes it to the path given.

    Raises:
        InvalidInputError: the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".writing-") as staging:
            for name, content in files.items():
                path = Path(staging, name)
                if isinstance(content, bytes):
                    path.write_bytes(content)
                else:
                    content(path)
            for name in files:
                Path(staging, name).replace(folder / name)
    except OSError as error:
        raise _fault(folder, f"cannot be written to: {error.strerror}") from error


def _table(part: type[Part], rows: Iterable[Part]) -> bytes:
    """Rows of a plan as CSV; the columns are the fields, absent values are empty.

    Fields with parts of their own are a column for each: ``price_basis`` and so on.
    """
    return _csv(list(_columns(part)), map(_flat, rows))


def _columns(part: type[Part]) -> Iterator[str]:
    for name, field in part.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Part):
            yield from (f"{name}_{of_it}" for of_it in inner.model_fields)
        else:
            yield name


def _flat(row: Part) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in row:
        inner = value if isinstance(value, Part) else None
        found |= {name: value} if inner is None else {f"{name}_{of}": one for of, one in inner}
    return found


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row[column]) for column in columns] for row in rows)
    return text.getvalue().encode()


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case Decimal():
            return f"{value:f}"
        case date():  # or a moment
            return value.isoformat().replace("+00:00", "Z")
        case Enum():
            return str(value.value)
        case Given():
            return f"{value.quantity:f} of {value.id}"
        case tuple():
            return "; ".join(map(_cell, value))
        case _:
            return str(value)


def _fault(folder: Path, fix: str) -> InvalidInputError:
    return InvalidInputError([Fault(field="--out", value=str(folder), fix=fix)])
