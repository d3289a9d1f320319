"""Futures shared among workers: the same plan to the digit, small messages, clean ends."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from typer.testing import CliRunner

from api.cli import app
from api.command.workers import open_workers
from catalogs import InvalidInputError
from planner import (
    Surroundings,
    WorkerLostError,
    dask_workers,
    local_workers,
    make_plan,
    parse_request,
)
from planner.decomposition import Master
from planner.decomposition.passes import open_passes
from planner.planning import resolve
from planner.recourse import Point
from planner.shards.shard import held_tokens
from planner.shards.sharded_pass import spread_scenarios

HOURS, SCENARIOS = 200, 5
ON_DEMAND_USD = {"a": 1.0, "b": 2.1, "c": 1.7}


class ThreadWorker:
    """A worker in this process; notes the size of what a process would be sent, and send."""

    losses = ()

    def __init__(self, name, threads=1):
        self.name, self.threads = name, threads
        self.messages = []
        self._executor = ThreadPoolExecutor(1)

    def submit(self, function, *args):
        """Call in the one thread."""

        def call():
            found = function(*args)
            size = len(pickle.dumps(args)) + len(pickle.dumps(found))
            self.messages.append((function.__name__, size))
            return found

        return self._executor.submit(call)

    def put(self, value):
        """Nothing has to travel."""
        return value

    def lease(self, token):
        """It ends with this process."""

    def is_alive(self):
        """As long as this process."""
        return True


def prices(price):
    rates = [price(name, "on_demand", usd) for name, usd in ON_DEMAND_USD.items()]
    rates += [
        price(name, "savings_plan_compute", round(usd * share, 6), term)
        for term, share in ((100, 0.8), (400, 0.62))
        for name, usd in ON_DEMAND_USD.items()
    ]
    return [*rates, price("a", "reserved_standard", 0.55, 400)]


def series(scenario, hours=HOURS):
    """Of the futures only the first has amounts that float32 cannot hold."""
    draw = np.random.default_rng(scenario)
    season = 5 + 2 * np.sin(np.arange(hours) * (2 * np.pi / 24))
    demand = {name: season * draw.uniform(0.5, 1.5, hours) for name in ON_DEMAND_USD}
    rounded = {name: np.round(values, 1 if scenario == 0 else 0) for name, values in demand.items()}
    return {name: values.tolist() for name, values in rounded.items()}


@pytest.fixture(scope="module")
def futures(document, price):
    """A request with several futures, plans and dates."""
    chances = {f"s{position}": 1 / SCENARIOS for position in range(SCENARIOS)}
    return document(
        prices(price),
        {name: series(position) for position, name in enumerate(chances)},
        scenarios=chances,
        risk={"level": 0.6, "weight": 0.3},
        information={"groups": [1, 2]},
        purchases={"hours": [0, 90]},
        commitment_step_usd=0.5,
        solve={"gap": 1e-3, "method": "decomposed"},
    )


@pytest.fixture(scope="module")
def layout(futures):
    return Master(resolve(parse_request(futures), Surroundings())).layout


@pytest.fixture(scope="module")
def processes():
    with local_workers(2) as workers:
        yield workers


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed", reason="the cluster extra is not installed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as started:
        yield started


def plan_of(request, workers=()):
    """The plan, what depends on the clock left out."""
    plan = make_plan(parse_request(request), Surroundings(workers=tuple(workers)))
    return plan.model_dump(exclude={"solver": {"seconds", "build_seconds"}})


@pytest.fixture(scope="module")
def plan(futures):
    return plan_of(futures)


def point_of(layout, seed):
    draw = np.random.default_rng(seed)
    stages, structure = layout.problem.stages.count, layout.structure
    return Point(
        factors=draw.uniform(0.5, 1.5, (stages, len(structure.pair_slice))),
        dedicated=draw.uniform(0, 4, (stages, structure.pools)),
        spend=draw.uniform(0, 6, (stages, structure.plans)),
    )


def answers_of(layout, dtype, workers):
    """Everything a solve asks of the passes, at points one after another."""
    found = []
    with open_passes(layout, dtype, workers) as passes:
        found.append(np.array(passes.rows))
        means = passes.means(4)
        for seed in range(3):
            point = point_of(layout, seed)
            for sums in (means(point), passes.fine(point), passes.fine(point, by="hours")):
                found += [sums.value_usd, sums.usage, sums.dedicated, sums.spend]
                found.append(np.array(sums.doubtful_rows))
            found.append(passes.fine.exact(point))
    return found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("count", [1, 2, 3, SCENARIOS, SCENARIOS + 2])
def test_shards_answer_what_one_pass_answers_to_the_digit(layout, dtype, count):
    """A shard that rounded nothing must still take demand as high as the others do."""
    workers = [ThreadWorker(str(position), position % 2 + 1) for position in range(count)]
    whole = answers_of(layout, dtype, ())
    shared = answers_of(layout, dtype, workers)
    assert len(whole) == len(shared)
    for one, other in zip(whole, shared, strict=True):
        np.testing.assert_array_equal(one, other)
    assert held_tokens() == []


def test_workers_get_scenarios_by_their_threads_and_none_is_left_out():
    small, large = ThreadWorker("small", 1), ThreadWorker("large", 3)
    assert spread_scenarios(8, [small, large]) == [(small, range(2)), (large, range(2, 8))]
    assert spread_scenarios(1, [small, large]) == [(large, range(1))]


def test_the_plan_is_the_same_whether_one_process_two_or_a_cluster_find_it(
    futures, plan, processes, cluster
):
    assert plan["purchases"]
    assert plan_of(futures, processes) == plan
    with dask_workers(cluster.scheduler_address) as workers:
        assert len(workers) == 2
        assert plan_of(futures, workers) == plan


def test_after_the_demand_only_small_messages_travel(layout):
    """They are counted in points and sums, however many hours there are."""
    workers = [ThreadWorker("1"), ThreadWorker("2")]
    answers_of(layout, "float64", workers)
    for worker in workers:
        (first, demand_bytes), *later = worker.messages
        assert first == "hold"
        assert demand_bytes > 2 * HOURS * len(ON_DEMAND_USD) * 8
        assert max(size for _, size in later) < demand_bytes / 4


def test_nothing_is_kept_by_workers_after_a_plan(futures, processes, cluster):
    with dask_workers(cluster.scheduler_address) as workers:
        for some in (processes, workers):
            plan_of(futures, some)
            assert [worker.submit(held_tokens).result(10) for worker in some] == [[], []]


def test_a_cluster_forgets_what_a_client_that_went_away_left(layout, cluster):
    with dask_workers(cluster.scheduler_address) as workers:
        abandoned = open_passes(layout, "float32", workers)
        abandoned.__enter__().fine(point_of(layout, 0))
        assert all(worker.submit(held_tokens).result(10) for worker in workers)
    with dask_workers(cluster.scheduler_address) as workers:
        latest = time.monotonic() + 5
        while time.monotonic() < latest and _tokens(workers):
            time.sleep(0.05)
        assert _tokens(workers) == []


def _tokens(workers):
    return [token for worker in workers for token in worker.submit(held_tokens).result(10)]


def test_a_process_that_dies_is_named_and_the_others_keep_nothing(futures, processes):
    with local_workers(1) as (lost,):
        pid = lost.submit(os.getpid).result(30)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(WorkerLostError, match="worker process 1 of 1 was lost"):
            plan_of(futures, (processes[0], lost))
        assert processes[0].submit(held_tokens).result(30) == []


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense"])
def test_a_cluster_that_is_not_there_is_an_input_fault_at_once(address, monkeypatch):
    pytest.importorskip("distributed", reason="the cluster extra is not installed")
    monkeypatch.setattr("planner.shards.cluster.CONNECT_S", 1.0)
    began = time.monotonic()
    with pytest.raises(InvalidInputError) as caught, dask_workers(address):
        pass
    (fault,) = caught.value.faults
    assert (fault.field, fault.value) == ("cluster", repr(address))
    assert fault.fix == "no Dask scheduler answers there; write its address as tcp://HOST:PORT"
    assert time.monotonic() - began < 5


def test_without_dask_the_fix_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InvalidInputError, match=r"pip install 'fleetplan\[cluster\]'"):
        dask_workers("tcp://127.0.0.1:8786").__enter__()


@pytest.mark.skipif(sys.platform == "win32", reason="signals work differently there")
def test_ctrl_c_is_left_to_the_parent(processes):
    """A terminal sends it to every process of a command."""
    pid = processes[0].submit(os.getpid).result(30)
    os.kill(pid, signal.SIGINT)
    assert processes[0].submit(os.getpid).result(30) == pid


@pytest.mark.skipif(sys.platform == "win32", reason="signals work differently there")
@pytest.mark.slow
def test_processes_end_with_their_parent_however_it_ends():
    code = (
        "import os, signal\n"
        "from planner import local_workers\n"
        "with local_workers(1) as (worker,):\n"
        "    print(worker.submit(os.getpid).result(), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run(  # noqa: S603 - our own interpreter and our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    pid, latest = int(ended.stdout), time.monotonic() + 10
    while time.monotonic() < latest and _is_running(pid):
        time.sleep(0.05)
    assert not _is_running(pid)


def _is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_command_plans_on_a_cluster(futures, plan, cluster, tmp_path):
    path = tmp_path / "request.json"
    path.write_text(json.dumps(futures), encoding="utf-8")
    words = ["plan", str(path), "--cluster", cluster.scheduler_address, "--json", "--quiet"]
    ran = CliRunner().invoke(app, words)
    assert ran.exit_code == 0
    assert json.loads(ran.stdout)["model_cost_usd"] == float(plan["model_cost_usd"])


def test_the_command_opens_as_many_processes_as_it_is_told():
    with open_workers(3, None) as workers:
        assert [worker.name for worker in workers] == [f"process {n} of 3" for n in (1, 2, 3)]
    with open_workers(None, None) as workers:
        assert workers == ()


def test_a_cluster_and_a_number_of_processes_exclude_each_other(futures, tmp_path):
    path = tmp_path / "request.json"
    path.write_text(json.dumps(futures), encoding="utf-8")
    ran = CliRunner().invoke(
        app, ["compare", str(path), "--workers", "2", "--cluster", "tcp://h:1"]
    )
    assert ran.exit_code == 2
    assert "workers = 2: --cluster takes all workers of its cluster" in ran.stderr


@pytest.mark.slow
def test_a_cluster_worker_that_dies_while_it_works_is_named(layout, cluster):
    """Dask would keep calls to it waiting for ever."""
    with dask_workers(cluster.scheduler_address) as workers:
        lost, other = workers
        pid = lost.submit(os.getpid).result(10)
        began = time.monotonic()
        with open_passes(layout, "float32", workers) as passes:
            passes.fine(point_of(layout, 0))
            os.kill(pid, signal.SIGKILL)
            with pytest.raises(WorkerLostError) as caught:
                passes.fine(point_of(layout, 1))
        assert caught.value.worker == lost.name
        assert time.monotonic() - began < 15
        assert other.submit(held_tokens).result(10) == []
