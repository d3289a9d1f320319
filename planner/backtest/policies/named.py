"""Which policy stands behind a name."""

from planner.backtest.policies.break_even import BreakEven, remembered_options
from planner.backtest.policies.forecasting import Forecasting
from planner.backtest.policies.hindsight import Hindsight
from planner.backtest.policies.on_demand import OnDemand
from planner.backtest.policies.policy import Policy
from planner.backtest.policies.repeating import Repeating
from planner.backtest.setting import Setting
from planner.request import PolicyName, Risk

DAY_HOURS = 24
WEEK_HOURS = 168


def make_policy(name: PolicyName, setting: Setting) -> Policy:
    """The policy of a name, as a setting has it."""
    rules = setting.rules
    if name in (PolicyName.NEUTRAL, PolicyName.CAUTIOUS):
        return _forecaster(name, setting)
    if name is PolicyName.LOOK_BACK:
        days = rules.look_back_days
        return Repeating(days * DAY_HOURS, f"plans as if the last {days} days repeated for ever")
    if name is PolicyName.TRAILING_QUANTILE:
        weeks = rules.trailing_weeks
        told = f"plans as if the last {weeks} weeks repeated for ever: their newsvendor quantile"
        return Repeating(weeks * WEEK_HOURS, told)
    if name is PolicyName.BREAK_EVEN:
        return BreakEven(remembered_options(setting.request, setting.catalog))
    return Hindsight() if name is PolicyName.HINDSIGHT else OnDemand()


def _forecaster(name: PolicyName, setting: Setting) -> Forecasting:
    rules, asked = setting.rules, setting.request.risk
    steady_hours = rules.steady_days * DAY_HOURS
    if name is PolicyName.NEUTRAL:
        told = "plans on the forecast's futures, least mean cost"
        return Forecasting(setting.neutral, Risk(), told, steady_hours)
    risk = asked if asked.weight > 0 else asked.model_copy(update={"weight": rules.caution})
    told = "plans on the forecast's futures with the hazards that may befall demand"
    if risk.weight > 0:
        told += f", those that save little weighing {risk.weight:.0%}"
    return Forecasting(setting.cautious, risk, told, steady_hours)
