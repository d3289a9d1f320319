"""The command as a process: how fast it answers, how it is stopped, what reaches which stream."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from api.command.watching import ProgressLine, run_stoppable
from solvers import Progress

EXAMPLE = Path(__file__).parent.parent / "examples" / "quarterly" / "request.yaml"
COMMAND = [sys.executable, "-c", "from api.cli import main; main()"]
HEAVY = ("pandas", "numpy", "scipy", "ortools", "pulp", "matplotlib", "flask", "yaml")
"""Not pydantic: typer loads it to parse options, if it is there."""


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["plan", "--help"]])
def test_help_loads_no_heavy_library(words):
    """Importing them costs a second, which everyone who asks for help would wait."""
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        f"sys.argv = ['fleetplan', *{words!r}]\n"
        "from api.cli import main\n"
        "main()"
    )
    ended = subprocess.run(  # noqa: S603 - our own interpreter and our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert ended.stdout
    assert not set(HEAVY) & set(ended.stderr.split())


def test_what_native_libraries_print_stands_not_in_the_answer():
    code = (
        "import importlib, os; cli = importlib.import_module('api.cli.app');"
        "cli.app = lambda: (os.write(1, b'a line'), os.write(2, b'a line'), print('an answer'));"
        "cli.main()"
    )
    command = [sys.executable, "-c", code]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - ours

    assert (ended.stdout, ended.stderr) == ("an answer\n", "")


def test_the_module_of_the_command_runs_it():
    command = [sys.executable, "-m", "api.cli", "--version"]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - ours

    assert ended.stdout.startswith("fleetplan ")


@pytest.mark.skipif(sys.platform == "win32", reason="signals work differently there")
@pytest.mark.slow
def test_ctrl_c_before_the_first_plan_shows_the_one_that_buys_nothing():
    """Or the first one found, where that came sooner than the signal."""
    with subprocess.Popen(  # noqa: S603 - our own interpreter and our own code
        [*COMMAND, "plan", str(EXAMPLE), "--gap", "0", "--json", "--method", "extensive"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        progress = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        printed, told = process.communicate(timeout=30)

    assert progress.startswith("solving ")
    assert process.returncode == 0
    plan = json.loads(printed)
    assert plan["status"] == "feasible"
    assert plan["solver"]["stopped"] == "interrupted"
    assert "Traceback" not in told


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="processes are listed where Linux does")
@pytest.mark.slow
def test_a_killed_command_leaves_no_solver_behind():
    with subprocess.Popen(  # noqa: S603 - our own interpreter and our own code
        [*COMMAND, "plan", str(EXAMPLE), "--gap", "0", "--method", "extensive"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        process.stderr.readline()
        solvers = wait_for(lambda: children_of(process.pid))
        process.kill()
        process.wait()

    assert solvers
    assert wait_for(lambda: not any(Path(f"/proc/{one}").exists() for one in solvers))


def children_of(parent):
    """Processes started by another."""
    stats = [one.read_text() for one in Path("/proc").glob("[0-9]*/stat")]
    parents = [one.rpartition(")")[2].split()[1] for one in stats]
    return [one.split()[0] for one, by in zip(stats, parents, strict=True) if by == str(parent)]


def wait_for(look, seconds=15.0):
    """What is looked for, once it is there; what there was at the end of the time otherwise."""
    end = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < end:
        time.sleep(0.1)
    return found


def test_the_first_ctrl_c_asks_the_work_to_stop_and_keeps_its_result(capfd):
    stop = threading.Event()

    def work():
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.wait(5)
        return "the best so far"

    assert run_stoppable(work, stop) == "the best so far"
    assert "press Ctrl-C again" in capfd.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="signals work differently there")
def test_a_second_ctrl_c_ends_the_process_at_once():
    code = (
        "import os, signal, threading, time\n"
        "from api.command.watching import run_stoppable\n"
        "stop = threading.Event()\n"
        "def work():\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    stop.wait()\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    time.sleep(60)\n"
        "run_stoppable(work, stop)"
    )
    ended = subprocess.run(  # noqa: S603 - our own interpreter and our own code
        [sys.executable, "-c", code], capture_output=True, timeout=20, check=False
    )

    assert ended.returncode == -signal.SIGINT


def test_the_handler_of_before_is_back_after_the_work():
    before = signal.getsignal(signal.SIGINT)

    with pytest.raises(ZeroDivisionError):
        run_stoppable(lambda: 1 // 0, threading.Event())

    assert signal.getsignal(signal.SIGINT) is before


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self):
        """It is one."""
        return True


def test_progress_updates_one_line_on_a_terminal_and_takes_it_away():
    terminal = Terminal()
    line = ProgressLine(terminal)

    line(Progress(1.0, None, None))
    line(Progress(2.0, 1500.0, 1200.0))
    line.clear()

    first, second = "best plan none yet, bound none yet", "best plan 1,500 USD, bound 1,200 USD"
    assert terminal.getvalue() == (
        f"\r\x1b[2Ksolving 1 s: {first}\r\x1b[2Ksolving 2 s: {second}, gap 20.00%\r\x1b[2K"
    )


def test_progress_elsewhere_is_a_line_now_and_then():
    stream = io.StringIO()
    line = ProgressLine(stream)

    for second in range(100):
        line(Progress(float(second), None, 1.0))
    line.clear()

    assert stream.getvalue() == "solving 0 s: best plan none yet, bound 1 USD\n"
