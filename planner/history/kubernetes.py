"""What pods request, as PromQL over the metrics of kube-state-metrics."""

import json
from collections.abc import Iterable

from catalogs import Faults
from planner.request import KubernetesSource

_UNITS = {"cpu": "", "memory": " / 2^30", "gpu": ""}
"""Series by their names, and what makes cores, GiB and devices of the metric's own units."""

_ACTIVE = 'max by (namespace, pod) (kube_pod_status_phase{phase=~"Pending|Running"} == 1)'
"""Pods that have ended still show what they requested; they need nothing any more."""


def kubernetes_queries(source: KubernetesSource, names: Iterable[str]) -> dict[str, str]:
    """PromQL by series: ``cpu``, ``memory`` or ``gpu``, behind a value of ``by`` if it is given.

    Raises:
        InvalidInputError: series of other names.
    """
    faults, queries = Faults(), {}
    for name in sorted(names):
        value, resource = _parts(name, source.by)
        if resource not in _UNITS or not value:
            prefix = "" if source.by is None else f"{source.by.upper()}/"
            known = ", ".join(f"{prefix}{one}" for one in _UNITS)
            faults.add("demand.kubernetes series", name, f"no such series; it has {known}")
            continue
        queries[name] = _query(source, resource, value)
    faults.raise_if_any()
    return queries


def _parts(name: str, by: str | None) -> tuple[str, str]:
    """The value of ``by`` (the resource itself, if there is no ``by``) and the resource."""
    if by is None:
        return name, name
    value, _, resource = name.rpartition("/")
    return value, resource


def _query(source: KubernetesSource, resource: str, value: str) -> str:
    labels = dict(source.labels)
    if source.namespace is not None:
        labels["namespace"] = source.namespace
    if source.by is not None:
        labels[source.by] = value
    labels["resource"] = source.gpu if resource == "gpu" else resource
    # JSON and PromQL quote alike.
    chosen = ",".join(f"{name}={json.dumps(one)}" for name, one in sorted(labels.items()))
    # Two kube-state-metrics beside each other show every container twice.
    requests = (
        f"max by (namespace, pod, container) (kube_pod_container_resource_requests{{{chosen}}})"
    )
    return f"sum({requests} * on (namespace, pod) group_left () {_ACTIVE}){_UNITS[resource]}"
