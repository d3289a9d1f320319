"""The decomposed method: hours apart from the model, joined to it by cuts."""

from planner.decomposition.master import Master
from planner.decomposition.method import solve_master

__all__ = ["Master", "solve_master"]
