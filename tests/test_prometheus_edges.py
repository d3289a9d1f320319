"""Servers that refuse, lie or send too much: typed errors, without secrets, after new tries."""

import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import ValidationError

from api.command.request_file import Overrides, read_request
from api.http.posted import parse_posted
from api.http.settings import ServerSettings
from catalogs import InvalidInputError
from catalogs.imports.downloading import Limits
from planner.history import MetricsError, read_metrics_history
from planner.history.kubernetes import kubernetes_queries
from planner.request import DemandSource, KubernetesSource

START = datetime(2026, 1, 1, tzinfo=UTC)
TOKEN = "a-secret-word"  # noqa: S105 - of this test


class Server(BaseHTTPRequestHandler):
    """Answers by the test's own function of the query's parameters."""

    def do_GET(self):  # noqa: D102
        parts = urlsplit(self.path)
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        asked = {name: one for name, (one,) in parse_qs(parts.query).items()}
        status, body, headers = self.server.answer(asked)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):  # noqa: D102
        pass


def samples(asked, value="1"):
    moments = range(int(asked["start"]), int(asked["end"]) + 1, int(asked["step"]))
    result = [{"metric": {}, "values": [[moment, value] for moment in moments]}]
    return {"status": "success", "data": {"resultType": "matrix", "result": result}}


def ok(document):
    return 200, json.dumps(document).encode(), {}


@pytest.fixture
def serve():
    """Starts a server that answers by a function; its URL and what it was asked."""
    started = []

    def start(answer):
        server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
        server.answer, server.asked = answer, []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        started.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}", server.asked

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


def read(url, *, folder=None, largest_mib=8, hours=3, **settings):
    server = {"url": url, "queries": {"web": "fleet"}, "start": START}
    source = DemandSource(prometheus=server | settings)
    limits = Limits(largest_mib=largest_mib, tries=3, pause_s=0.01)
    now = START + timedelta(hours=hours)
    return read_metrics_history(source, {"web"}, folder=folder, now=now, limits=limits)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_busy_servers_are_asked_again(serve, status):
    url, asked = serve(lambda one: ok(samples(one)) if len(asked) > 2 else (status, b"", {}))
    _, series, _ = read(url)
    assert series["web"].tolist() == [1, 1, 1]
    assert len(asked) == 3


def test_servers_that_stay_busy_are_a_typed_error(serve):
    url, _ = serve(lambda _: (503, b"", {}))
    with pytest.raises(MetricsError) as error:
        read(url)
    host = url.removeprefix("http://")
    assert str(error.value) == (
        f"demand.prometheus.url = {host}: answers HTTP 503, 3 times; nothing was read: try again "
        "later, or ask for fewer series (fleet)"
    )


@pytest.mark.parametrize(
    "document",
    [
        [], {}, {"status": "success"}, {"status": "success", "data": {"result": [{"values": [1]}]}},
        {"status": "success", "data": {"result": [{"values": [[0, "x"]]}]}},
        {"status": "success", "data": {"result": [{"values": [[7, "1"]]}]}},
        {"status": "error", "error": "out of memory"},
    ],
)  # fmt: skip
def test_other_answers_are_typed_errors(serve, document):
    url, _ = serve(lambda _: ok(document))
    with pytest.raises(MetricsError):
        read(url)


def test_answers_that_are_no_json_are_typed_errors(serve):
    url, _ = serve(lambda _: (200, b"<html>", {}))
    with pytest.raises(MetricsError, match="is it a Prometheus"):
        read(url)


def test_partial_answers_are_refused(serve):
    """Thanos says so when a store did not answer."""
    url, _ = serve(lambda one: ok(samples(one) | {"warnings": ["a store is gone"]}))
    with pytest.raises(MetricsError, match="a store is gone"):
        read(url)


def test_too_large_answers_are_refused(serve):
    url, _ = serve(lambda _: (200, b" " * 2**21, {}))
    with pytest.raises(MetricsError, match="is above 1 MiB"):
        read(url, largest_mib=1)


def test_the_token_goes_to_the_server_and_into_no_error(serve, tmp_path, caplog):
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    url, asked = serve(lambda _: (403, TOKEN.encode(), {}))
    with pytest.raises(MetricsError) as error:
        read(url, folder=tmp_path, token_file="token")  # noqa: S106 - a file's name
    assert asked[0][1] == f"Bearer {TOKEN}"
    assert TOKEN not in str(error.value) + caplog.text
    assert "token_file" in str(error.value)


def test_a_redirect_elsewhere_is_not_followed(serve, tmp_path):
    """The token would go with it."""
    (tmp_path / "token").write_text(TOKEN)
    other, asked = serve(lambda one: ok(samples(one)))
    url, _ = serve(lambda _: (302, b"", {"Location": f"{other}/api/v1/query_range"}))
    with pytest.raises(MetricsError):
        read(url, folder=tmp_path, token_file="token")  # noqa: S106 - a file's name
    assert asked == []


@pytest.mark.parametrize("held", [None, "", "two words", "line\nline"])
def test_files_without_a_token_are_faults_that_do_not_show_them(tmp_path, held):
    if held is not None:
        (tmp_path / "token").write_text(held)
    with pytest.raises(InvalidInputError) as error:
        read("http://127.0.0.1:9", folder=tmp_path, token_file="token")  # noqa: S106 - its name
    (fault,) = error.value.faults
    assert fault.field == "demand.prometheus.token_file"
    assert "two" not in str(fault)


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "http://me:word@host", "http://host/?a=1", "host", "http://h:x"]
)
def test_other_urls_are_refused(url):
    with pytest.raises(ValidationError):
        read(url)


def test_no_hour_that_is_over_is_a_fault(serve):
    url, asked = serve(lambda one: ok(samples(one)))
    with pytest.raises(InvalidInputError, match="no hour after it is over yet"):
        read(url, hours=0)
    assert asked == []


def kubernetes(**settings):
    return KubernetesSource(url="http://prometheus:9090", start=START, **settings)


ACTIVE = 'max by (namespace, pod) (kube_pod_status_phase{phase=~"Pending|Running"} == 1)'
EACH = "max by (namespace, pod, container) (kube_pod_container_resource_requests"


def test_what_pods_request_is_asked_by_promql():
    source = kubernetes(namespace="shop", labels={"cluster": 'a"b'})
    assert kubernetes_queries(source, ["cpu", "memory"]) == {
        "cpu": f'sum({EACH}{{cluster="a\\"b",namespace="shop",resource="cpu"}}) '
        f"* on (namespace, pod) group_left () {ACTIVE})",
        "memory": f'sum({EACH}{{cluster="a\\"b",namespace="shop",resource="memory"}}) '
        f"* on (namespace, pod) group_left () {ACTIVE}) / 2^30",
    }
    by = kubernetes_queries(kubernetes(by="namespace"), ["shop/gpu"])
    assert 'namespace="shop",resource="nvidia_com_gpu"' in by["shop/gpu"]


@pytest.mark.parametrize(("by", "name"), [(None, "web"), ("namespace", "cpu"), ("node", "a/web")])
def test_other_series_of_kubernetes_are_faults(by, name):
    with pytest.raises(InvalidInputError, match="no such series; it has"):
        kubernetes_queries(kubernetes(by=by), [name])


WORKLOAD = {
    "name": "web",
    "regions": ["us-east-1"],
    "needs": {"unit": "machines", "of": "m5.large"},
}


def posted(demand, **settings):
    return parse_posted({"demand": demand, "workloads": [WORKLOAD]}, ServerSettings(**settings))


ASKED = {
    "url": "http://metrics:9090", "queries": {"web": "up"},
    "start": "2026-01-01T00:00Z", "end": "2026-02-01T00:00Z",
}  # fmt: skip


def test_strangers_cannot_make_the_server_ask_addresses_it_is_not_allowed():
    """They might reach what only the server can."""
    with pytest.raises(InvalidInputError, match=r"demand.prometheus.url.*asks no such address"):
        posted({"prometheus": ASKED})
    with pytest.raises(InvalidInputError, match="asks no such address"):
        posted({"prometheus": ASKED}, prometheus=("http://metrics:9091",))
    allowed = posted({"prometheus": ASKED}, prometheus=("http://metrics:9090/",))
    assert allowed.demand.prometheus.url == "http://metrics:9090"
    pods = {key: one for key, one in ASKED.items() if key != "queries"}
    with pytest.raises(InvalidInputError, match=r"demand.kubernetes.url"):
        posted({"kubernetes": pods})


def test_strangers_cannot_send_the_server_s_files_as_tokens():
    with pytest.raises(InvalidInputError, match="the server reads no files"):
        posted(
            {"prometheus": ASKED | {"token_file": "/etc/passwd"}},
            prometheus=("http://metrics:9090",),
        )


def test_strangers_cannot_ask_for_more_values_than_they_may_send():
    long = ASKED | {"step": "1s"}
    with pytest.raises(InvalidInputError, match="ask for at most 1000 values"):
        posted({"prometheus": long}, prometheus=(ASKED["url"],), max_demand_cells=1000)


def test_a_demand_file_takes_the_place_of_a_server(tmp_path):
    document = {"demand": {"prometheus": ASKED, "repair": ["gaps"]}, "workloads": [WORKLOAD]}
    (tmp_path / "request.json").write_text(json.dumps(document))
    request = read_request(tmp_path / "request.json", Overrides(tmp_path / "demand.csv"))
    assert request.demand.file == tmp_path / "demand.csv"
    assert request.demand.prometheus is None
    assert request.demand.repair.gaps is not None
