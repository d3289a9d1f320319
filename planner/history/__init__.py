"""History from where users have it: files with faults to mend, and servers of metrics."""

from planner.history.file_history import read_file_history
from planner.history.metrics_history import read_metrics_history
from planner.history.prometheus import MetricsError

__all__ = ["MetricsError", "read_file_history", "read_metrics_history"]
