"""The command `bill`: a plan and what really ran in; the bill and why it is another out."""

import sys
from dataclasses import dataclass
from pathlib import Path

from api.command.bill_tables import show_bill
from api.command.documents import folder_of, read_document
from api.command.importing import named
from api.command.plans import stdout_console
from api.command.request_file import Overrides, read_request
from catalogs import Faults, InvalidInputError
from catalogs.faults import collected
from planner import Surroundings
from planner.actuals import Actuals, bill_plan, parse_plan, usage_source


@dataclass(frozen=True)
class Happened:
    """What the command line says of what really happened."""

    usage: Path
    absent_zero: bool
    scenario: str | None
    prices: str | None


def run_bill(
    plan_path: Path, request_path: Path, overrides: Overrides, happened: Happened, *, as_json: bool
) -> None:
    """Bill what ran under a plan's commitments and print it to stdout.

    Raises:
        InvalidInputError: as `planner.actuals.bill_plan` does.
    """
    faults = Faults()
    plan = collected(faults, lambda: parse_plan(read_document(plan_path)))
    request = collected(faults, lambda: read_request(request_path, overrides))
    catalog = collected(faults, lambda: None if happened.prices is None else named(happened.prices))
    if plan is None or request is None:
        raise InvalidInputError(faults.found)
    usage = usage_source(request.demand, happened.usage, absent_zero=happened.absent_zero)
    actuals = Actuals(usage, happened.scenario, catalog)
    around = Surroundings(folder_of(request_path))
    bill = collected(faults, lambda: bill_plan(plan, request, actuals, around))
    if bill is None or faults.found:
        raise InvalidInputError(faults.found)
    if as_json:
        sys.stdout.write(bill.model_dump_json(indent=2) + "\n")
    else:
        show_bill(stdout_console(), bill)
