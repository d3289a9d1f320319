"""Laws of plans over every provider's products and servers of one's own, on random requests."""

from collections import defaultdict
from decimal import Decimal

import pytest
from cloud_catalogs import CLOUDS
from cloud_requests import GAP, MONTH_HOURS, OWN, PROVIDERS, cloud_request
from clouds_agreement import ROUNDING, compare, numbered, plan_of
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

SLACK = GAP + ROUNDING
RENTED = tuple(CLOUDS)
EXAMPLES = dict.fromkeys(RENTED, 5) | {OWN: 3}
"""A handful; ``python benchmarks/clouds_agreement.py --examples 300`` compares as many as asked."""

relaxed = settings(
    deadline=None, max_examples=5, derandomize=True, suppress_health_check=list(HealthCheck)
)


@st.composite
def requests(draw, provider, proportional=False):
    """Requests of one or two days."""
    found = cloud_request(draw(st.randoms(use_true_random=False)), provider, spans=(24, 48))
    assume(found.is_bounded or not proportional)
    return found


def least_usd(request, **parts):
    """The optimum of a request with some parts changed; skips what has no plan."""
    plan = plan_of(request.solved_by() | parts)
    assume(plan is not None)
    return float(plan.objective_usd)


def workloads_with(request, **parts):
    """The request's workloads with some parts changed."""
    return [one | parts for one in request.document["workloads"]]


@pytest.mark.slow
@pytest.mark.parametrize("provider", PROVIDERS)
def test_methods_solvers_and_bill_agree(provider):
    """The bound is none above the bill where prices are proportional; no road differs by a gap."""
    for number in range(EXAMPLES[provider]):
        spans = (24, MONTH_HOURS) if provider == "gcp" else (24, 48)
        found = compare(numbered(provider, number, spans), "scip")
        if found is None:
            continue
        assert found.solvers_differ <= SLACK, number
        assert found.methods_differ <= SLACK, number
        assert found.bound_above_bill <= SLACK or not found.request.is_bounded, number
        for plan in (found.extensive, found.decomposed, found.other):
            parts = plan.model_cost_usd + plan.assignment_gap_usd + plan.linearization_usd
            assert parts == plan.total_cost_usd, number
            assert sum(one.on_demand_usd + one.commitment_usd for one in plan.monthly) == (
                pytest.approx(plan.total_cost_usd, abs=Decimal("1e-6"))
            ), number


@pytest.mark.parametrize("provider", ["aws", "azure"])
def test_cbc_finds_no_other_optimum(provider):
    @relaxed
    @given(request=requests(provider))
    def check(request):
        cost = least_usd(request)
        other = plan_of(request.solved_by(solver="cbc"))
        assert float(other.objective_usd) == pytest.approx(cost, rel=SLACK, abs=SLACK)

    check()


@pytest.mark.parametrize("provider", RENTED)
def test_private_prices_of_twice_the_list_cost_twice_as_much(provider):
    """With twice the budget and steps of twice the dollars."""

    @relaxed
    @given(request=requests(provider))
    def check(request):
        budget = request.document["limits"].get("upfront_budget_usd")
        limits, step = request.document["limits"], request.document["commitment_step_usd"]
        rented = {"owned": [], "hardware": []}
        once = least_usd(request, **rented)
        twice = least_usd(
            request,
            **rented,
            prices=[{"factor": 2}],
            limits=limits if budget is None else limits | {"upfront_budget_usd": 2 * budget},
            commitment_step_usd=2 * step,
        )
        assert twice == pytest.approx(2 * once, rel=SLACK, abs=SLACK)

    check()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_spot_share_never_makes_the_plan_dearer(provider):
    @relaxed
    @given(request=requests(provider), most=st.sampled_from([0.2, 1.0]))
    def check(request, most):
        none = [
            {key: value for key, value in one.items() if key not in ("spot", "capacity")}
            for one in request.document["workloads"]
        ]
        without = least_usd(request, workloads=none)
        spot = {"at_most": most, "overhead": 0.1}
        assert least_usd(request, workloads=[one | {"spot": spot} for one in none]) <= (
            without + SLACK * max(without, 1)
        )

    check()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_server_offered_never_makes_the_plan_dearer(provider):
    """On prices in proportion: elsewhere the model's prices are another's where servers serve."""

    @relaxed
    @given(request=requests(provider, proportional=True), capex_usd=st.sampled_from([2000, 15_000]))
    def check(request, capex_usd):
        rented = [one for one in request.document["owned"] if one["id"] != "servers"]
        replaces = {
            name: 6.0
            for cloud in CLOUDS.values()
            if provider in (cloud.provider, OWN)
            for name in cloud.prices_usd
        }
        server = {"name": "r2", "site": "attic", "replaces": replaces}
        without = least_usd(request, owned=rented, hardware=[])
        offered = least_usd(
            request, owned=rented, hardware=[server | {"capex_usd": capex_usd, "life_years": 2}]
        )
        assert offered <= without + SLACK * max(without, 1)

    check()


def test_hybrid_benefit_never_makes_the_plan_dearer():
    @relaxed
    @given(request=requests("azure"))
    def check(request):
        paid, brought = (
            least_usd(request, workloads=workloads_with(request, os="windows", hybrid_benefit=own))
            for own in (False, True)
        )
        assert brought <= paid + SLACK * max(paid, 1)

    check()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_workloads_run_where_they_may_hour_by_hour(provider):
    """Whoever reads the mix of a plan finds every bound kept, and every workload whole."""
    family, home = {}, {}
    for cloud in CLOUDS.values():
        for one in cloud.types:
            family[one["name"]], home[one["name"]] = one["family"], cloud.provider

    def counted(bound, share):
        return (
            home[share.instance_type] in bound.get("providers", home.values())
            and family[share.instance_type] in bound.get("families", family.values())
        )  # fmt: skip

    @relaxed
    @given(request=requests(provider))
    def check(request):
        plan = plan_of(request.solved_by())
        assume(plan is not None)
        workloads = {one["name"]: one for one in request.document["workloads"]}
        mixes = defaultdict(list)
        for share in plan.mix:
            for scenario in share.scenarios or ("calm", "busy"):
                mixes[share.workload, share.start, scenario].append(share)
        for (name, _, _), mix in mixes.items():
            assert sum(one.share for one in mix) == pytest.approx(1)
            on_spot = sum(one.share for one in mix if one.spot)
            assert on_spot <= workloads[name].get("spot", {}).get("at_most", 0) + 1e-6
            for bound in workloads[name].get("placement", ()):
                share = sum(one.share for one in mix if counted(bound, one))
                assert bound.get("at_least", 0) - 1e-6 <= share <= bound.get("at_most", 1) + 1e-6

    check()
