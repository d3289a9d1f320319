"""History from a real Prometheus: what its scrapes hold is read back exactly, all or nothing."""

import contextlib
import json
import math
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from catalogs.imports.downloading import Limits
from planner.history import MetricsError, read_metrics_history
from planner.history.prometheus import RangeReader
from planner.request import DemandSource, PrometheusSource

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which("prometheus") and shutil.which("promtool")),
        reason="needs Debian's package prometheus",
    ),
]

HOUR = timedelta(hours=1)
BEGAN = datetime(2026, 1, 5, tzinfo=UTC)
DAYS = 8
"""Of one sample a minute: more than one answer may hold."""

QUICK = Limits(largest_mib=64, tries=2, pause_s=0.05)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


def value_of(minute):
    """A fleet that no other moment has; thirds are not exact in decimals."""
    return 40 + minute % 1440 / 3 + minute


@contextlib.contextmanager
def prometheus(folder, scrapes=""):
    """A server on what the folder holds; its URL, and its process."""
    port = free_port()
    config = folder / "prometheus.yml"
    config.write_text(f"global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}\n{scrapes}")
    command = [
        "prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=20y", f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    ]  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:  # noqa: S603
        try:
            wait_for(lambda: urllib.request.urlopen(f"{url}/-/ready", timeout=1).close())  # noqa: S310
            yield url, process
        finally:
            process.kill()


def wait_for(attempt):
    until = time.monotonic() + 30
    while True:
        try:
            return attempt()
        except (OSError, LookupError):
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


PODS = {"web-1": ("shop", 2.5, "Running"), "web-2": ("shop", 0.5, "Pending"),
        "load": ("data", 4.0, "Running"), "import": ("data", 64.0, "Succeeded")}  # fmt: skip
"""Namespace, cores and phase of each; half a GiB beside every core."""


def pods(first):
    """What two kube-state-metrics beside each other show of them for six hours."""
    metric, phases = "kube_pod_container_resource_requests", ("Pending", "Running", "Succeeded")
    shown = {}
    for instance in "ab":
        for pod, (namespace, cores, phase) in PODS.items():
            labels = f'instance="{instance}",namespace="{namespace}",pod="{pod}"'
            for resource, amount in (("cpu", cores), ("memory", cores * 2**29)):
                shown[f'{metric}{{{labels},container="c",resource="{resource}"}}'] = amount
            for one in phases:
                shown[f'kube_pod_status_phase{{{labels},phase="{one}"}}'] = int(one == phase)
    for name in ("kube_pod_container_resource_requests", "kube_pod_status_phase"):
        yield f"# TYPE {name} gauge"
        for labels, value in shown.items():
            if labels.startswith(name):
                yield from (f"{labels} {value} {first + 3600 * hour}" for hour in range(6))


@pytest.fixture(scope="module")
def past(tmp_path_factory):
    """A server with eight days of the past, and two of which it lost hours."""
    folder = tmp_path_factory.mktemp("past")
    first = int(BEGAN.timestamp())
    lines = [
        f'fleet_machines{{service="{service}"}} {value_of(minute)!r} {first + minute * 60}'
        for service in ("web", "batch")
        for minute in (range(DAYS * 1440) if service == "web" else range(0, 2880, 60))
        if service == "web" or not 1430 < minute < 1630
    ]
    text = "\n".join(["# TYPE fleet_machines gauge", *lines, *pods(first), "# EOF\n"])
    (folder / "past.om").write_text(text)
    create = ["promtool", "tsdb", "create-blocks-from", "openmetrics"]
    subprocess.run(  # noqa: S603
        [*create, str(folder / "past.om"), str(folder / "data")],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    with prometheus(folder) as (url, _):
        yield url


def source(url, query='fleet_machines{service="web"}', **settings):
    beside = {
        key: settings.pop(key)
        for key in ("repair", "resample", "stamp", "absent")
        if key in settings
    }
    server = {
        "url": url,
        "queries": {"web": query},
        "start": BEGAN,
        "end": BEGAN + DAYS * 24 * HOUR,
    }
    return DemandSource(prometheus=server | settings, **beside)


def read(demand, folder=None, now=None):
    now = now or BEGAN + 40 * 24 * HOUR
    return read_metrics_history(demand, {"web"}, folder=folder, now=now, limits=QUICK)


def test_hours_are_read_back_exactly(past):
    start, series, repairs = read(source(past))
    assert start == BEGAN
    assert series["web"].tolist() == [value_of(60 * hour) for hour in range(DAYS * 24)]
    assert repairs == ()


def test_minutes_come_in_several_answers_and_are_averaged_by_the_hour(past):
    _, series, repairs = read(source(past, step="1m"))
    hours = [[value_of(60 * hour + minute) for minute in range(60)] for hour in range(DAYS * 24)]
    assert series["web"].tolist() == pytest.approx([sum(one) / 60 for one in hours], rel=1e-12)
    assert [(one.rule, one.count, one.done) for one in repairs] == [
        ("resample", DAYS * 1440, "mean by hour")
    ]


def test_every_sample_of_every_answer_is_there(past):
    server = PrometheusSource.model_validate(
        {"url": past, "queries": {"web": "fleet_machines"}, "start": BEGAN, "step": "1m"}
    )
    first = int(BEGAN.timestamp())
    last = first + (DAYS * 1440 - 1) * 60
    reader = RangeReader(server, "demand.prometheus", None, QUICK)
    found = reader.read({"web": 'fleet_machines{service="web"}'}, first, last)
    seconds, values = found["web"]
    assert seconds.tolist() == [first + 60 * minute for minute in range(DAYS * 1440)]
    assert values.tolist() == [value_of(minute) for minute in range(DAYS * 1440)]


def test_a_mean_over_the_hour_before_belongs_to_that_hour(past):
    query = 'avg_over_time(fleet_machines{service="web"}[59m])'
    end = BEGAN + (DAYS - 1) * 24 * HOUR
    _, series, _ = read(source(past, query, stamp="end", end=end))
    # Prometheus 2 takes both ends of a range in: minutes 1 to 60.
    means = [sum(value_of(60 * h + m) for m in range(1, 61)) / 60 for h in range((DAYS - 1) * 24)]
    assert series["web"].tolist() == pytest.approx(means, rel=1e-12)


def test_lost_hours_are_reported_or_repaired(past):
    end = BEGAN + 48 * HOUR
    lost = source(past, 'fleet_machines{service="batch"}', end=end)
    with pytest.raises(Exception, match=r"2026-01-06T00:00:00Z.*repair: \[gaps\]"):
        read(lost)
    mended = source(past, 'fleet_machines{service="batch"}', end=end, repair=["gaps"])
    _, series, repairs = read(mended)
    assert [(one.rule, one.start, one.count) for one in repairs] == [("gaps", BEGAN + 24 * HOUR, 4)]
    fifth = (value_of(28 * 60) - value_of(23 * 60)) / 5
    filled = [value_of(23 * 60) + fifth * hour for hour in range(1, 5)]
    assert series["web"][24:28].tolist() == pytest.approx(filled)


def test_the_hour_that_runs_is_left_out_and_said(past):
    now = BEGAN + 30 * HOUR + timedelta(minutes=20)
    start, series, repairs = read(source(past), now=now)
    assert (start, len(series["web"])) == (BEGAN, 30)
    assert [(one.rule, one.start, one.end) for one in repairs] == [
        ("partial_last_hour", BEGAN + 30 * HOUR, BEGAN + DAYS * 24 * HOUR)
    ]


def test_pods_request_what_those_that_run_or_wait_do(past):
    server = {"url": past, "start": BEGAN, "end": BEGAN + 6 * HOUR}
    demand = DemandSource(kubernetes=server | {"by": "namespace"})
    names = {"shop/cpu", "shop/memory", "data/cpu"}
    _, series, _ = read_metrics_history(
        demand, names, folder=None, now=BEGAN + 7 * HOUR, limits=QUICK
    )
    assert {name: set(values) for name, values in series.items()} == {
        "shop/cpu": {3.0}, "shop/memory": {1.5}, "data/cpu": {4.0}
    }  # fmt: skip
    everything = DemandSource(kubernetes=server)
    _, series, _ = read_metrics_history(
        everything, {"cpu"}, folder=None, now=BEGAN + 7 * HOUR, limits=QUICK
    )
    assert series["cpu"].tolist() == [7.0] * 6


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("fleet_machines", "yields 2 series for web"),
        ("sum(", "answers HTTP 400: .*parse error"),
        ("no_such_metric", "has no value at all"),
    ],
)
def test_queries_without_one_series_are_faults(past, query, said):
    with pytest.raises(Exception, match=said):
        read(source(past, query))


def test_a_server_that_dies_between_two_answers_is_a_typed_error(tmp_path, monkeypatch):
    """Were it none, a plan would stand on half a history."""
    exporter, scrapes = start_exporter()
    with exporter, prometheus(tmp_path, scrapes) as (url, process):
        asked = []
        parse = RangeReader._parse

        def parse_then_die(self, *args):
            asked.append(args)
            process.kill()
            process.wait()
            return parse(self, *args)

        monkeypatch.setattr(RangeReader, "_parse", parse_then_die)
        with pytest.raises(MetricsError) as error:
            read(source(url, "vector(1)", step="1m"))
        exporter.shutdown()
    assert len(asked) == 1
    (fault,) = error.value.faults
    assert fault.field == "demand.prometheus.url"
    assert "does not answer" in fault.fix
    assert "nothing was read" in fault.fix


class Exporter(BaseHTTPRequestHandler):
    """Shows one machine count; each scrape finds another."""

    shown: list = []  # noqa: RUF012 - of the one test that scrapes

    def do_GET(self):  # noqa: D102
        value = 100 + len(self.shown) / 3
        self.shown.append(value)
        text = f"# TYPE fleet_machines gauge\nfleet_machines {value!r}\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):  # noqa: D102
        pass


def start_exporter():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Exporter)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    target = f"127.0.0.1:{server.server_address[1]}"
    jobs = f"[{{job_name: fleet, static_configs: [{{targets: ['{target}']}}]}}]"
    return server, f"scrape_configs: {jobs}\n"


def test_what_an_exporter_showed_is_what_is_read(tmp_path):
    """Every second holds what the last scrape before it found, to the digit."""
    Exporter.shown.clear()
    exporter, scrapes = start_exporter()
    with exporter, prometheus(tmp_path, scrapes) as (url, _):

        def raw():
            asked = f"{url}/api/v1/query?query=fleet_machines%5B1m%5D"
            with urllib.request.urlopen(asked, timeout=1) as answer:  # noqa: S310
                samples = json.load(answer)["data"]["result"][0]["values"]
            if samples[-1][0] - samples[0][0] < 3:
                raise LookupError
            return [(moment, float(value)) for moment, value in samples]

        scraped = wait_for(raw)
        exporter.shutdown()
        first, last = math.ceil(scraped[0][0]), math.floor(scraped[-1][0])
        server = PrometheusSource.model_validate(
            {"url": url, "queries": {"web": "fleet_machines"}, "start": BEGAN, "step": "1s"}
        )
        found = RangeReader(server, "demand.prometheus", None, QUICK).read(
            {"web": "fleet_machines"}, first, last
        )
    seconds, values = found["web"]
    assert seconds.tolist() == list(range(first, last + 1))
    before = [[value for moment, value in scraped if moment <= second] for second in seconds]
    assert values.tolist() == [one[-1] for one in before]
    assert len(set(values)) > 1
    assert set(values) <= set(Exporter.shown)
