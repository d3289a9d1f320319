"""How the command line ends when something is wrong: a message, an exit code, no traceback."""

import json
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.text import Text

from api.outcomes import EXPECTED_ERRORS, faults_of_error, outcome_of
from planner import NoPlanError, PlannerError

BUG = 1


@contextmanager
def reported(*, as_json: bool, debug: bool) -> Iterator[None]:
    """Turn an error inside into a message on stderr and the exit code of its class.

    Args:
        as_json: write one JSON object instead of text.
        debug: show the traceback too.
    """
    try:
        yield
    except EXPECTED_ERRORS as error:
        _show_traceback(debug=debug)
        _write(_as_json(error) if as_json else _as_text(error))
        raise typer.Exit(outcome_of(error).exit_code) from error
    except (typer.Exit, typer.Abort, KeyboardInterrupt, BrokenPipeError):
        raise
    except Exception as error:
        _show_traceback(debug=debug)
        _write(_bug_as_json(error) if as_json else _bug_as_text(error))
        raise typer.Exit(BUG) from error


def _as_text(error: Exception) -> str:
    lines = [f"{outcome_of(error).title}:"]
    if isinstance(error, NoPlanError):
        lines.append(str(error))
    else:
        lines += [str(fault) for fault in faults_of_error(error)] or [str(error)]
    return "\n  ".join(lines)


def _as_json(error: Exception) -> str:
    outcome = outcome_of(error)
    faults = [fault.model_dump() for fault in faults_of_error(error)]
    # The faults follow in full: the detail does not repeat them.
    detail = str(error).splitlines()[0] if isinstance(error, PlannerError) else outcome.title
    return _document(outcome.slug, outcome.title, outcome.exit_code, detail, faults)


def _bug_as_text(error: Exception) -> str:
    return (
        f"This is a bug in fleetplan: {type(error).__name__}: {error}\n"
        "  Run the command again with --debug and report what it shows."
    )


def _bug_as_json(error: Exception) -> str:
    return _document("bug", "A bug in fleetplan", BUG, f"{type(error).__name__}: {error}", [])


def _document(
    slug: str, title: str, exit_code: int, detail: str, faults: list[dict[str, str]]
) -> str:
    document = {
        "type": slug,
        "title": title,
        "exit_code": exit_code,
        "detail": detail,
        "faults": faults,
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _show_traceback(*, debug: bool) -> None:
    if debug:
        traceback.print_exc()


def _write(text: str) -> None:
    # As it is: a terminal wraps it, a log keeps each fault on its line.
    Console(file=sys.stderr, soft_wrap=True, highlight=False).print(Text(text))
