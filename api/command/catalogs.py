"""The command `catalog`: which price catalogues there are, what is in one, building one."""

import json
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.text import Text

from api.command.figures import KIND_NAMES, make_table
from api.command.plans import stdout_console
from catalogs import (
    HOURS_PER_YEAR,
    Catalog,
    Fault,
    InvalidInputError,
    Rate,
    UnknownInstanceTypeError,
    build_catalog,
    bundled_names,
    write_catalog,
)

PLAIN = ("linux", "shared")
"""The operating system and tenancy that go without saying."""


def run_list(*, as_json: bool) -> None:
    """Print the bundled catalogues."""
    summaries = [Catalog.bundled(name).summary() for name in bundled_names()]
    if as_json:
        _print_json(summaries)
        return
    table = make_table("", ("name", "provider", "prices of"), ("types", "regions", "rates"))
    for one in summaries:
        counts = (f"{one[key]:,}" for key in ("instance_types", "regions", "rates"))
        table.add_row(one["name"], one["provider"], one["as_of"], *counts)
    stdout_console().print(table)


def run_show(name: str, *, instance_type: str | None, region: str | None, as_json: bool) -> None:
    """Print what a catalogue holds, or the rates of one instance type in one region.

    Raises:
        InvalidInputError: no such catalogue, type or region.
    """
    catalog = Catalog.read(Path(name)) if Path(name).suffix else Catalog.bundled(name)
    if instance_type is None:
        _show_summary(catalog, as_json=as_json)
        return
    rates = _rates(catalog, instance_type, region)
    if as_json:
        _print_json([rate.model_dump(mode="json") | _amounts(rate) for rate in rates])
    else:
        _show_rates(stdout_console(), instance_type, str(region), rates)
        _show_parts(stdout_console(), catalog, instance_type)


def run_build(
    folder: Path,
    out: Path,
    provider: str,
    as_of: date | None,
    spot_as_of: date | None,
    *,
    as_json: bool,
) -> None:
    """Build a catalogue from price tables, write it, print what went into it.

    Without dates the provider's coherent snapshot is built.

    Raises:
        InvalidInputError: with every fault of the folder; nothing is written then.
    """
    catalog, report = build_catalog(folder, as_of, spot_as_of, provider)
    try:
        write_catalog(catalog, out)
    except OSError as error:
        raise _invalid("--out", str(out), f"cannot be written: {error.strerror}") from error
    if as_json:
        _print_json(report.model_dump(mode="json"))
    else:
        stdout_console().print(Text(str(report)))


def _rates(catalog: Catalog, instance_type: str, region: str | None) -> tuple[Rate, ...]:
    if region is None:
        raise _invalid("--region", "(absent)", "write the region whose rates you want")
    try:
        if instance_type not in catalog.billed_names:
            catalog.instance_type(instance_type)
    except UnknownInstanceTypeError as error:
        raise _invalid("--type", instance_type, str(error)) from error
    rates = catalog.all_rates_of(instance_type, region)
    if not rates:
        sold = [one for one in catalog.regions() if catalog.all_rates_of(instance_type, one)]
        fix = f"no rate of {instance_type} there; it is sold in {', '.join(sold) or 'no region'}"
        raise _invalid("--region", region, fix)
    return rates


def _show_summary(catalog: Catalog, *, as_json: bool) -> None:
    summary = catalog.summary()
    if as_json:
        _print_json(summary)
        return
    lines = []
    for key, value in summary.items():
        if isinstance(value, dict):
            value = ", ".join(f"{kind} {count:,}" for kind, count in value.items())
        shown = f"{value:,}" if isinstance(value, int) else value
        lines.append(f"{key.replace('_', ' '):<16}{shown}")
    stdout_console().print(Text("\n".join(lines)))


def _show_rates(console: Console, instance_type: str, region: str, rates: Sequence[Rate]) -> None:
    rules = list(dict.fromkeys(rate.derived for rate in rates if rate.derived is not None))
    title = f"{instance_type} in {region}, USD per {'unit' if '/' in instance_type else 'machine'}"
    systems = {(rate.os, rate.tenancy) for rate in rates}
    told_apart = systems != {PLAIN}
    left = ("system", "kind", "term", "payment") if told_apart else ("kind", "term", "payment")
    table = make_table(title, left, ("upfront", "hourly", "effective", "rule"))
    for rate in rates:
        # What of a plan is paid upfront is a share of the commitment, not of a machine.
        upfront = "" if rate.kind.is_spend else f"{rate.upfront_usd:,.2f}"
        table.add_row(
            *([_system(rate)] if told_apart else []),
            KIND_NAMES.get(rate.kind, rate.kind.replace("_", " ")),
            _term(rate.term_hours),
            "" if rate.payment is None else rate.payment.replace("_", " "),
            upfront,
            f"{rate.hourly_usd:,.5f}",
            f"{rate.effective_hourly_usd:,.5f}",
            "" if rate.derived is None else str(rules.index(rate.derived) + 1),
        )
    console.print(table)
    for number, rule in enumerate(rules, 1):
        console.print(Text(f"rule {number}: {rule}"))


def _show_parts(console: Console, catalog: Catalog, name: str) -> None:
    """Say of what a machine is made, if its parts are what is committed to."""
    parts = catalog.instance_type(name).resources if catalog.has_type(name) else {}
    if parts:
        words = ", ".join(f"{quantity} {part}" for part, quantity in parts.items())
        console.print(Text(f"billed as {words}; commitments are to these"))


def _system(rate: Rate) -> str:
    return rate.os if rate.tenancy == PLAIN[1] else f"{rate.os}, {rate.tenancy}"


def _term(hours: int | None) -> str:
    if hours is None:
        return ""
    years, rest = divmod(hours, HOURS_PER_YEAR)
    return f"{hours:,} h" if rest else f"{years}y"


def _amounts(rate: Rate) -> dict[str, float]:
    """Money as JSON numbers."""
    return {"upfront_usd": float(rate.upfront_usd), "hourly_usd": float(rate.hourly_usd)}


def _print_json(document: object) -> None:
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


def _invalid(field: str, value: str, fix: str) -> InvalidInputError:
    return InvalidInputError([Fault(field=field, value=value, fix=fix)])
