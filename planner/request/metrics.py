"""Servers of metrics that hold the history of a demand: Prometheus, and Kubernetes' through it."""

import urllib.parse
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from planner.request.fields import Document, Hour


def _plain_url(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("write a URL such as https://prometheus.example:9090")
    if "@" in parts.netloc:
        raise ValueError("holds a login, which errors would show; write a token_file instead")
    if parts.query or parts.fragment or url.endswith(("?", "#")):
        raise ValueError("write the server's own URL, without a query")
    try:
        _ = parts.port
    except ValueError as error:
        raise ValueError("has no port that could be") from error
    return url.rstrip("/")


ServerUrl = Annotated[str, AfterValidator(_plain_url)]
Step = Literal["1s", "5s", "10s", "15s", "30s", "1m", "2m", "5m", "10m", "15m", "20m", "30m", "1h"]

_UNITS = {"s": 1, "m": 60, "h": 3600}


class MetricsServer(Document):
    """A Prometheus, or what speaks its HTTP API, and the hours to read of it."""

    url: ServerUrl
    """Without `/api/v1`; with the path it is served under, if any."""
    start: Hour
    """First hour."""
    end: Hour | None = None
    """First hour no longer read; the running hour when absent."""
    step: Step = "1h"
    """How often values are taken; those below an hour are combined by `resample`."""
    token_file: Path | None = None
    """File with the bearer token, relative to the request."""
    timeout_s: Annotated[float, Field(gt=0, le=3600)] = 60.0
    """For the server to answer, or to go on with its answer."""

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if self.end is not None and self.end <= self.start:
            raise ValueError("end must lie after start")
        return self

    @property
    def step_seconds(self) -> int:
        """The step [s]."""
        return int(self.step[:-1]) * _UNITS[self.step[-1]]


class PrometheusSource(MetricsServer):
    """Series by the PromQL that yields each of them."""

    queries: Annotated[
        dict[str, Annotated[str, Field(min_length=1, max_length=4000)]],
        Field(min_length=1, max_length=1000),
    ]


class KubernetesSource(MetricsServer):
    """What the pods of a cluster request, as kube-state-metrics shows it to a Prometheus.

    Series are named `cpu` [cores], `memory` [GiB] and `gpu` [devices]; with `by`, those of one of
    its values: `shop/cpu`.
    """

    namespace: str | None = None
    """Only pods of this namespace."""
    labels: dict[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")], str] = Field(
        default_factory=dict
    )
    """Only series with these labels, such as `cluster` or `node`."""
    by: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    """A label that tells workloads apart, such as `namespace` or `node`."""
    gpu: str = "nvidia_com_gpu"
    """How the cluster names the resource of a GPU."""
