"""Scenarios shared among workers: processes of this machine, or of a Dask cluster."""

from planner.shards.cluster import dask_workers
from planner.shards.moments import Moments
from planner.shards.processes import local_workers
from planner.shards.shard import Recourse, Shard
from planner.shards.sharded_pass import ShardedPass, Shards, spread_scenarios
from planner.shards.worker import Worker

__all__ = [
    "Moments",
    "Recourse",
    "Shard",
    "ShardedPass",
    "Shards",
    "Worker",
    "dask_workers",
    "local_workers",
    "spread_scenarios",
]
