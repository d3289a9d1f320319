"""One real server on a free port of the loopback interface."""

import json
import logging
import threading
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from api.http.server import Server
from api.http.settings import ServerSettings

WEB = {"name": "web", "regions": ["us-east-1"], "needs": {"unit": "machines", "of": "m5.large"}}
INLINE = {"start": "2026-01-01T00:00Z", "series": {"web": [1, 2]}}


@pytest.fixture
def address(caplog):
    server = Server(ServerSettings(max_body_bytes=10_000), "127.0.0.1", 0)
    with caplog.at_level(logging.INFO):
        thread = threading.Thread(target=server.run)
        thread.start()
        yield server.url
        server.stop()
        thread.join(10)
    assert not thread.is_alive()


def post(address, body):
    headers = {"Content-Type": "application/json"}
    request = Request(f"{address}/v1/plans", body, headers)  # noqa: S310 - our own server
    return urlopen(request, timeout=30)  # noqa: S310 - our own server


def test_a_real_server_plans_and_refuses(address, caplog, capsys):
    request = {"demand": {"inline": INLINE}, "workloads": [WEB]}
    with post(address, json.dumps(request).encode()) as answer:
        assert answer.status == 200
        assert json.load(answer)["status"] == "optimal"

    for body, status in ((b"{", 400), (b"{}", 422), (b" " * 20_000, 413)):
        with pytest.raises(HTTPError) as refused:
            post(address, body)
        with refused.value as problem:
            assert problem.code == status
            assert problem.headers["Content-Type"] == "application/problem+json"
            assert json.load(problem)["status"] == status

    # The server's thread may say so before or after the fixture has handed over.
    records = caplog.get_records("setup") + caplog.get_records("call")
    said = [record.getMessage() for record in records]
    assert f"listening on {address}" in said
    assert capsys.readouterr() == ("", "")
