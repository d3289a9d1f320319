"""The master: the first stage, with the recourse of all hours known by its cuts alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from planner.decomposition.cuts import CutRows, Cuts, Own
from planner.decomposition.floors import Floors, UseProof
from planner.decomposition.layout import Layout
from planner.formulation import FirstStage, build_first_stage, entries, positions
from planner.formulation.coverage_ceiling import less_usage
from planner.formulation.risk import weigh_risk
from planner.problem import Problem
from planner.recourse import Sums
from planner.tails import quantile, tail_level
from solvers import Block, CompiledModel

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Recourse:
    """A recourse cost that the master knows by cuts: sums of segments, one per column.

    Attributes:
        block: its columns in the master.
        weights: what a segment counts for in each [column × segment].
        by_hours: whether hours count for themselves instead of their worth.
    """

    block: Block
    weights: sp.csr_array[np.float64]
    by_hours: bool = False


class Master:
    """The first stage of a problem with columns for the recourse, and cuts on these.

    ``recourse`` are the mean cost by stage, the cost by scenario where risk is weighed, and the
    undiscounted mean where coverage has a floor and hours are worth different amounts. ``floors``
    are those on utilization; None where there are none.
    """

    def __init__(self, problem: Problem) -> None:
        self.first: FirstStage = build_first_stage(problem)
        self.layout = Layout(self.first)
        self.recourse = self._add_recourse()
        least = problem.request.limits.utilization.at_least
        self.floors = None if least is None else Floors(self.first, self.layout.structure, least)
        self.start = self.first.model.compile()
        links, given = self.layout.links, self.layout.given
        self._rows = [
            CutRows(_own(one.block), one.weights, links, given, self.start.columns)
            for one in self.recourse
        ]
        if self.floors is not None:
            weights = self.recourse[0].weights
            self._use_rows = CutRows(self.floors.own, weights, links, given, self.start.columns)

    @property
    def problem(self) -> Problem:
        """What is planned."""
        return self.first.problem

    @property
    def needs_hours(self) -> bool:
        """Whether some recourse counts hours for themselves."""
        return any(one.by_hours for one in self.recourse)

    @property
    def rows_of_mean(self) -> CutRows:
        """The cuts of the mean recourse by stage."""
        return self._rows[0]

    @property
    def may_look_at_means(self) -> bool:
        """Whether means of hours prove nothing of the hours that is not so.

        Means weigh hours by worth, where coverage and utilization count them for themselves.
        """
        counts_hours = self.needs_hours or self.floors is not None
        return not (counts_hours and self.problem.calendar.is_discounted)

    def cuts(self, sums: Sums, by_hours: Sums) -> list[Cuts]:
        """The cuts of a pass, by worth and by hours."""
        return [
            rows.of(by_hours if recourse.by_hours else sums)
            for recourse, rows in zip(self.recourse, self._rows, strict=True)
        ]

    def use_cuts(self, floors: Floors, proofs: Sequence[UseProof]) -> list[Cuts]:
        """The cuts of what bounds the use of commitments."""
        return [floors.cuts(one, self._use_rows) for one in proofs]

    def completed(self, values: Floats, cost: Floats, hours_cost: Floats) -> Floats:
        """A point with all that its purchases and mix entail: commitments, recourse, risk.

        Args:
            values: a point of which purchases, mix and use count [column].
            cost: its recourse, by worth [segment].
            hours_cost: its recourse, hours counting for themselves [segment].
        """
        full = self.committed(values)
        for recourse in self.recourse:
            spent = hours_cost if recourse.by_hours else cost
            full[recourse.block.slice] = np.asarray(recourse.weights @ spent)
        if self.problem.weighs_risk:
            self._complete_risk(full)
        return full

    def with_use(self, floors: Floors, values: Floats, used: Floats | None) -> Floats:
        """A point with hours of use where floors are on it [segment × target]; None for no use."""
        full = values.copy()
        if used is None:
            full[floors.block.slice] = 0.0
        else:
            by_stage = np.asarray(self.recourse[0].weights @ used)
            full[floors.block.slice] = floors.columns(by_stage)
        return full

    def committed(self, values: Floats) -> Floats:
        """A point with the commitments that its purchases make."""
        full, model = values.copy(), self.first.model
        for name, rows in (
            ("commit dedicated", "add up dedicated"),
            ("commit spend", "add up spend"),
        ):
            block = model[name]
            full[block.slice] = 0.0
            activity = model.row_values(rows, self.start.activity(full))
            full[block.slice] = model.row_values(rows, self.start.row_lower) - activity
        return full

    def _complete_risk(self, full: Floats) -> None:
        """Set the level of the tail, and what lies beyond it, to the cheapest."""
        model, chance = self.first.model, self.problem.probability
        full[model["tail level"].slice] = 0.0
        full[model["beyond level"].slice] = 0.0
        activity = model.row_values("tail of scenario", self.start.activity(full))
        lost = model.row_values("tail of scenario", self.start.row_lower) - activity
        level = tail_level(self.problem.request.risk, chance)
        at = quantile(lost, chance, level)
        full[model["tail level"].slice] = at
        full[model["beyond level"].slice] = np.maximum(lost - at, 0.0)

    @cached_property
    def relaxed(self) -> CompiledModel:
        """The model without cuts and without whole numbers."""
        return self.start.relaxed()

    @cached_property
    def everything_on_demand(self) -> Floats:
        """The point that buys nothing and runs every workload on its first candidate [column]."""
        values, mix = np.zeros(self.start.columns), self.first.mix
        if mix.size:
            first = np.unique(mix.decision, return_index=True)[1]
            values[self.first.model["run"].start + first] = 1.0
        return values

    @cached_property
    def widest(self) -> tuple[Floats, Floats]:
        """Bounds that some optimum keeps: nothing is bought beyond the greatest usage."""
        model, terms = self.first.model, self.first.terms
        most = self.layout.most_usage
        pools = np.bincount(
            terms.pool_of_slice, most * terms.pool_units, minlength=len(self.problem.pools.keys)
        )
        lower, upper = self.start.lower.copy(), self.start.upper.copy()
        steps = [
            pools[option.pool] / float(option.pool_units)
            if option.pool is not None
            else most @ np.array([float(rate or 0) for rate in option.rates]) / float(option.step)
            for option in terms.options[: len(terms.lots)]
        ]
        everything = self.layout.most_cost_usd
        lower[~np.isfinite(lower)] = -everything
        upper[~np.isfinite(upper)] = everything
        bought = np.where(np.isfinite(self.start.upper), self.start.upper, 0.0)[model["buy"].slice]
        upper[model["buy"].slice] = np.fmax(np.ceil(steps) + 1, bought)
        committing = upper.copy()
        if len(terms.exchanges):
            committing[model["give"].slice] = 0.0
        full = self.committed(committing)
        for name in ("commit dedicated", "commit spend"):
            upper[model[name].slice] = full[model[name].slice]
        if self.floors is not None:
            upper[self.floors.block.slice] = self.floors.most(self.layout.point(upper))
        return lower, upper

    def _add_recourse(self) -> tuple[Recourse, ...]:
        problem, model = self.problem, self.first.model
        layout, stages = self.layout, self.problem.stages
        segments = len(layout.stage_of_segment)
        by_stage = entries(
            layout.chance_of_segment,
            layout.stage_of_segment,
            positions(segments),
            (stages.count, segments),
        ).tocsr()
        mean = model.add("recourse", stages.count, cost=problem.mean_weight)
        found = [Recourse(mean, by_stage)]
        if problem.weighs_risk:
            count = len(problem.probability)
            block = model.add("recourse of scenario", count)
            by_scenario = entries(
                1.0, layout.scenario_of_segment, positions(segments), (count, segments)
            ).tocsr()
            found.append(Recourse(block, by_scenario))
            weigh_risk(self.first, [(block, sp.csr_array(sp.eye_array(count).tocsr()))])
        least = problem.request.limits.coverage.at_least
        if least is not None:
            covered = found[0]
            if problem.calendar.is_discounted:
                block = model.add("undiscounted recourse", stages.count)
                covered = Recourse(block, by_stage, by_hours=True)
                found.append(covered)
            rows, usage_usd = less_usage(self.first.model, self.first.mix, 1 - least)
            all_stages = sp.coo_array(np.ones((1, stages.count)))
            model.require(
                "coverage at least", [(covered.block, all_stages), *rows], at_most=usage_usd
            )
        return tuple(found)


def _own(block: Block) -> Own:
    """A row for each column of a block."""
    rows = positions(block.size)
    return Own(rows, block.start + rows)
