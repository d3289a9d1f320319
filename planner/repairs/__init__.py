"""Rules that mend a history, each small and pure; what they did is listed."""

from planner.repairs.report import HOUR_S, Repair, RepairLog, summed_up

__all__ = ["HOUR_S", "Repair", "RepairLog", "summed_up"]
