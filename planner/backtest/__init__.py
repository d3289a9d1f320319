"""Back-tests: purchase policies walked through history, each date with the past alone."""

from planner.backtest.journal import Journal
from planner.backtest.report import (
    BacktestReport,
    CourseResult,
    MonthOfPolicy,
    PastPurchase,
    PolicyResult,
    Window,
)
from planner.backtest.running import WalkStanding, backtest
from planner.backtest.setting import Futures

__all__ = [
    "BacktestReport",
    "CourseResult",
    "Futures",
    "Journal",
    "MonthOfPolicy",
    "PastPurchase",
    "PolicyResult",
    "WalkStanding",
    "Window",
    "backtest",
]
