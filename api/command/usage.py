"""The command `usage import`: providers' bills in; demand, a request and a baseline out."""

import json
import sys
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import yaml
from rich.text import Text

from api.command.folder import check_folder
from api.command.history import show_history
from api.command.plans import stdout_console
from catalogs import Fault, InvalidInputError
from planner.past_bills import (
    BASELINE_FILE,
    BillHistory,
    PastRequest,
    read_bills,
    requests_of,
)


def run_import(
    paths: Sequence[Path], layout: str | None, out: Path, *, memory_mib: int, as_json: bool,
    quiet: bool,
) -> None:  # fmt: skip
    """Read bills, write what they say to a folder, print it.

    Raises:
        InvalidInputError: as `planner.past_bills.read_bills` does; nothing is written then.
    """
    check_folder(out)
    try:
        history, requests, written = _import(paths, layout, out, memory_mib, quiet=quiet)
    except OSError as error:
        fault = Fault(field="--out", value=str(out), fix=f"cannot be written to: {error.strerror}")
        raise InvalidInputError([fault]) from error
    if as_json:
        sys.stdout.write(json.dumps(_baseline(history, requests), indent=2) + "\n")
        return
    console = stdout_console()
    show_history(console, history, requests)
    console.print(Text(f"Written to {out}: {', '.join(written)}."))


def _import(
    paths: Sequence[Path], layout: str | None, out: Path, memory_mib: int, *, quiet: bool
) -> tuple[BillHistory, tuple[PastRequest, ...], list[str]]:
    """Make all files under another name first; only then give them theirs."""
    above = next(one for one in (out, *out.absolute().parents) if one.exists())
    with tempfile.TemporaryDirectory(dir=above, prefix=".writing-") as staging:
        folder = Path(staging)
        history = read_bills(
            paths, folder, layout=layout, memory_mib=memory_mib,
            progress=None if quiet else _say,
        )  # fmt: skip
        requests = requests_of(history)
        baseline = json.dumps(_baseline(history, requests), indent=2) + "\n"
        (folder / BASELINE_FILE).write_text(baseline, encoding="utf-8")
        for one in requests:
            name = "request.yaml" if len(requests) == 1 else f"request-{one.provider}.yaml"
            (folder / name).write_text(_request_text(one, history), encoding="utf-8")
        names = sorted(file.name for file in folder.iterdir())
        out.mkdir(parents=True, exist_ok=True)
        for name in names:
            (folder / name).replace(out / name)
    return history, requests, names


def _request_text(request: PastRequest, history: BillHistory) -> str:
    """The request as YAML; comments say what it is of and what it lacks."""
    months = sorted({one.month for one in history.months})
    about = f"What {request.provider} billed from {months[0]} to {months[-1]}, to be planned anew."
    lines = [f"# {line}" for line in (about, *request.remarks)]
    text = yaml.safe_dump(request.document, sort_keys=False, allow_unicode=True, width=100)
    return "\n".join([*lines, text])


def _baseline(history: BillHistory, requests: Sequence[PastRequest]) -> dict[str, object]:
    said = {one.provider: list(one.remarks) for one in requests if one.remarks}
    read_on = date.today().isoformat()  # noqa: DTZ011 - the user's day
    return {"read_on": read_on} | history.as_document() | {"request_remarks": said}


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
