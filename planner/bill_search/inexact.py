"""How much of a plan's usage the model does not price as the bill does."""

from planner.decision import Policy
from planner.held import paid_for
from planner.problem import Problem


def beyond_slices_usd(problem: Problem, policy: Policy) -> float:
    """Mean cost of machines beyond their slices' prices, on demand, software apart [USD].

    The model charges it on covered usage too: cost and bound may lie so far above the bill.
    """
    excess = {
        position: abs(_excess_usd(problem, position)) for position in range(len(problem.candidates))
    }
    if not any(excess.values()):
        return 0.0
    worth, total = problem.calendar.worth[:-1], 0.0
    for scenario, chance in enumerate(problem.probability.tolist()):
        decision = policy.decision(problem, scenario)
        paid = paid_for(decision.running, decision.held)
        dear = [(position, usd) for position, usd in excess.items() if usd]
        total += chance * sum(usd * float(paid[:, position] @ worth) for position, usd in dear)
    return total


def _excess_usd(problem: Problem, position: int) -> float:
    """What a machine-hour of a candidate costs beyond its slices' prices, software apart."""
    machine, pools = problem.candidates[position].machine, problem.pools
    parts = (
        float(part.quantity)
        * float(pools.slices[pools.slice_of(part.resource)].excess_usd(part.resource))
        for part in machine.parts
    )
    return sum(parts) - float(machine.software_usd)
