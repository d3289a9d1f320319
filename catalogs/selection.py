"""Which instance types a workload may run on, and why none matched."""

from collections.abc import Callable, Iterable, Sequence

from pydantic import BaseModel, ConfigDict

from catalogs.checks import near_names, near_text
from catalogs.offers import InstanceType

Predicate = Callable[[InstanceType], bool]

LISTED = 8
"""Names written out in an explanation; the rest are counted."""


class Selector(BaseModel):
    """Criteria an instance type must meet, all of them; None is no criterion.

    ``gpus`` and ``bare_metal`` select only such types when true and none when false; where
    ``instance_types`` names the types, false is no criterion. A type whose vCPUs, memory or
    generation are unknown meets no bound on them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    instance_types: tuple[str, ...] | None = None
    families: tuple[str, ...] | None = None
    sizes: tuple[str, ...] | None = None
    architectures: tuple[str, ...] | None = None
    min_generation: int | None = None
    max_generation: int | None = None
    min_vcpus: float | None = None
    max_vcpus: float | None = None
    min_memory_gib: float | None = None
    gpus: bool = False
    burstable: bool | None = None
    bare_metal: bool = False
    current_generation: bool | None = None

    def criteria(self) -> dict[str, Predicate]:
        """The criteria in force, each under the words an explanation uses for it."""
        chosen = [*self._name_criteria(), *self._bound_criteria(), *self._flag_criteria()]
        return {text: predicate for text, predicate in chosen if predicate is not None}

    def matches(self, instance_type: InstanceType) -> bool:
        """Whether the type meets every criterion."""
        return all(predicate(instance_type) for predicate in self.criteria().values())

    def _name_criteria(self) -> list[tuple[str, Predicate | None]]:
        return [
            _among("instance_types", self.instance_types, lambda t: t.name),
            _among("families", self.families, lambda t: t.family),
            _among("sizes", self.sizes, lambda t: t.size),
            _among("architectures", self.architectures, lambda t: t.architecture),
        ]

    def _bound_criteria(self) -> list[tuple[str, Predicate | None]]:
        return [
            _at_least("min_generation", self.min_generation, lambda t: t.generation),
            _at_most("max_generation", self.max_generation, lambda t: t.generation),
            _at_least("min_vcpus", self.min_vcpus, lambda t: t.vcpus),
            _at_most("max_vcpus", self.max_vcpus, lambda t: t.vcpus),
            _at_least("min_memory_gib", self.min_memory_gib, lambda t: t.memory_gib),
        ]

    def _flag_criteria(self) -> list[tuple[str, Predicate | None]]:
        named = self.instance_types is not None
        return [
            _flag("gpus", None if named and not self.gpus else self.gpus, lambda t: t.gpus > 0),
            _flag("burstable", self.burstable, lambda t: t.burstable),
            _flag(
                "bare_metal",
                None if named and not self.bare_metal else self.bare_metal,
                lambda t: t.bare_metal,
            ),
            _flag("current_generation", self.current_generation, lambda t: t.current_generation),
        ]


def _among(
    name: str, allowed: Sequence[str] | None, read: Callable[[InstanceType], str | None]
) -> tuple[str, Predicate | None]:
    if allowed is None:
        return name, None
    chosen = frozenset(allowed)
    return f"{name} {', '.join(allowed) or '(none)'}", lambda t: read(t) in chosen


def _at_least(
    name: str, bound: float | None, read: Callable[[InstanceType], float | None]
) -> tuple[str, Predicate | None]:
    if bound is None:
        return name, None
    return f"{name} {bound:g}", lambda t: (value := read(t)) is not None and value >= bound


def _at_most(
    name: str, bound: float | None, read: Callable[[InstanceType], float | None]
) -> tuple[str, Predicate | None]:
    if bound is None:
        return name, None
    return f"{name} {bound:g}", lambda t: (value := read(t)) is not None and value <= bound


def _flag(
    name: str, wanted: bool | None, read: Callable[[InstanceType], bool]
) -> tuple[str, Predicate | None]:
    if wanted is None:
        return name, None
    return f"{name} {str(wanted).lower()}", lambda t: read(t) == wanted


def explain_empty_selection(
    selector: Selector, sold: Sequence[InstanceType], known: Iterable[str], place: str
) -> str:
    """Why no type sold at a place meets the selector, and which one criterion to drop.

    Args:
        selector: the criteria that matched nothing.
        sold: types with an on-demand rate at the place.
        known: names of all types of the catalogue.
        place: region and platform, as a reader writes them.
    """
    criteria = selector.criteria()
    lines = [f"no instance type sold in {place} meets {'; '.join(criteria) or 'no criteria'}"]
    lines += _unsold_names(selector, sold, set(known), place)
    for dropped in criteria:
        others = [predicate for text, predicate in criteria.items() if text != dropped]
        found = [t for t in sold if all(predicate(t) for predicate in others)]
        if found:
            lines.append(f"without {dropped}: {_what_matches(selector, dropped, found)}")
    if len(lines) == 1:
        lines.append("no single criterion is to blame: drop two or more")
    return "\n".join(lines)


def _unsold_names(
    selector: Selector, sold: Sequence[InstanceType], known: set[str], place: str
) -> list[str]:
    sold_names = {t.name for t in sold}
    lines = []
    for name in selector.instance_types or ():
        if name not in known:
            near = near_text(name, known)
            lines.append(f"{name} is no instance type of this catalogue{near}")
        elif name not in sold_names:
            lines.append(f"{name} has no on-demand rate in {place}")
    return lines


def _what_matches(selector: Selector, dropped: str, found: Sequence[InstanceType]) -> str:
    if not dropped.startswith("families"):
        return _listed([t.name for t in found], "types")
    families = sorted({t.family for t in found})
    # A reader who asked for m5 wants to hear of m6g before c6g.
    near = [name for asked in selector.families or () for name in near_names(asked, families)]
    alike = [f for f in families if any(f[0] == asked[:1] for asked in selector.families or ())]
    return _listed(list(dict.fromkeys([*alike, *near, *families])), "families")


def _listed(names: Sequence[str], what: str) -> str:
    more = len(names) - LISTED
    return f"{what} {', '.join(names[:LISTED])}" + (f" and {more} more" if more > 0 else "")
