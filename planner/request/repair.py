"""Named rules that mend a history: what is wrong with its rows, and what to make of it."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from planner.request.fields import Document, Hours


class GapRepair(Document):
    """Fill hours without a value: short gaps between their ends, longer ones by their weeks."""

    longest_hours: Hours = 168
    """Longer gaps stay faults."""


class OutlierRepair(Document):
    """Clip values that stand far from those of the same hour in neighbouring weeks."""

    band: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 10.0
    """Half its width, in robust standard deviations of the differences to those hours."""


class RepairRules(Document):
    """The rules that apply, each by its name; a rule not named finds faults instead."""

    clock_change: Literal["average", "split"] | None = None
    """Local hours that come twice or never. One row for the hour that comes twice is the average
    of both hours, or their sum that is split."""
    duplicates: Literal["mean", "sum", "last"] | None = None
    """Rows of one series at one moment."""
    negatives: Literal["zero", "gap"] | None = None
    """Values below zero."""
    counter_resets: Literal["restart"] | None = None
    """Falls of a counter: it began again at zero."""
    irregular: Literal["mean", "max", "sum"] | None = None
    """Rows off the hour; several of one hour become one."""
    partial_last_hour: Literal["leave_out"] | None = None
    """A last hour that has not all its rows."""
    edges: Literal["zero", "trim"] | None = None
    """Series that begin later or end earlier than others."""
    gaps: GapRepair | None = None
    outliers: OutlierRepair | None = None


_DEFAULTS: Mapping[str, object] = {
    "clock_change": "average",
    "duplicates": "mean",
    "negatives": "zero",
    "counter_resets": "restart",
    "irregular": "mean",
    "partial_last_hour": "leave_out",
    "edges": "zero",
    "gaps": {},
    "outliers": {},
}

RuleName = Literal[
    "clock_change", "duplicates", "negatives", "counter_resets", "irregular", "partial_last_hour",
    "edges", "gaps", "outliers",
]  # fmt: skip


def _spelled_out(value: object) -> object:
    """Rules by name with their options, from `all`, `none`, a list of names, or names: true."""
    if value == "all":
        return dict(_DEFAULTS)
    if value == "none":
        return {}
    if isinstance(value, RepairRules):
        return value
    if not isinstance(value, list | tuple | Mapping):
        named = value if isinstance(value, str) and value in _DEFAULTS else "gaps"
        raise ValueError(f"write all, none, or a list of rules: [{named}]")  # noqa: TRY004
    unknown = [one for one in value if not isinstance(one, str) or one not in _DEFAULTS]
    if unknown:
        fix = f"no such rule: {', '.join(map(str, unknown))}; there are {', '.join(_DEFAULTS)}"
        raise ValueError(fix)
    if isinstance(value, Mapping):
        return {name: _option(name, said) for name, said in value.items() if said is not False}
    return {name: _DEFAULTS[name] for name in value}


def _option(name: str, said: object) -> object:
    """What a rule is given; its defaults for `true`."""
    options = _OPTIONS.get(name)
    if options is not None and said is not True and not isinstance(said, Mapping | options):
        (key,) = options.model_fields
        raise ValueError(f"write {name}: true, or {name}: {{{key}: …}}")
    return _DEFAULTS[name] if said is True else said


_OPTIONS: Mapping[str, type[Document]] = {"gaps": GapRepair, "outliers": OutlierRepair}
"""Rules whose options are mappings."""

_Options = bool | str | GapRepair | OutlierRepair
_Form = Literal["all", "none"] | list[RuleName] | dict[RuleName, _Options]

Repair = Annotated[RepairRules, BeforeValidator(_spelled_out, json_schema_input_type=_Form)]
"""As users write it: `all`, `none`, a list of rules, or rules with their options."""
