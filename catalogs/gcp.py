"""Google Cloud's pricing rules as data: sustained use, flexible commitments, commitment types.

State of the rules: Google's pricing pages of 2025 and its Commitment API; list prices change, so
no price stands here.
"""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

GIB_PER_VCPU: Mapping[str, int] = {"c2": 4, "h3": 4, "t2a": 4, "t2d": 4, "z3": 8}
"""Series all of whose machines have the same memory per vCPU."""


def vcpu_with_memory(series: str, gib: float) -> str:
    """The resource that is a vCPU with its memory: ``c2/vcpu+4gib``.

    Where memory goes with vCPUs at one ratio throughout, two prices come to the same as one.
    """
    return f"{series}/vcpu+{gib:g}gib"


GIB_PER_LOCAL_SSD = 375
"""Local SSD is sold in disks of this size; every machine's is a whole number of them."""

QuarterFactors = tuple[Decimal, Decimal, Decimal, Decimal]
"""Share of the on-demand rate paid in each quarter of the month that a unit runs."""


def _factors(*texts: str) -> QuarterFactors:
    first, second, third, fourth = map(Decimal, texts)
    return first, second, third, fourth


_THIRTY_PERCENT = _factors("1", "0.8", "0.6", "0.4")
_TWENTY_PERCENT = _factors("1", "0.8678", "0.733", "0.6")

SUSTAINED_USE: Mapping[str, QuarterFactors] = {
    **dict.fromkeys(("n1", "m1", "m2", "f1", "g1"), _THIRTY_PERCENT),
    **dict.fromkeys(("n2", "n2d", "c2"), _TWENTY_PERCENT),
}
"""Series with an automatic monthly discount, on their vCPUs and on their memory."""

_GPUS_WITHOUT_SUSTAINED_USE = ("a100", "h100", "l4", "rtx6000")


def sustained_use_factors(billed: str) -> QuarterFactors | None:
    """The factors of a series, or of a resource such as ``n2/vcpu``; None if it has no discount.

    GPUs attached to machines (``gpu/t4``) have it, but for the models since A100; local SSD has
    none.
    """
    series, _, unit = billed.partition("/")
    if series == "gpu":
        return None if unit.startswith(_GPUS_WITHOUT_SUSTAINED_USE) else _THIRTY_PERCENT
    return None if unit == LOCAL_SSD else SUSTAINED_USE.get(series)


LOCAL_SSD = "local-ssd"
"""What resource names call one local SSD of `GIB_PER_LOCAL_SSD`, as in ``c4/local-ssd``."""

_MOST_SERIES = (
    *("c2", "c2d", "c3", "c3d", "c4", "c4a", "c4d", "e2"),
    *("n1", "n2", "n2d", "n4", "n4a", "n4d", "z3"),
)
_COMPUTE_SERIES = ("h3", "h4d")
_MEMORY_SERIES = ("m1", "m2", "m3", "m4")

_FLEXIBLE_DISCOUNT: Mapping[int, Mapping[str, Decimal]] = {
    1: {
        **dict.fromkeys(_MOST_SERIES, Decimal("0.28")),
        **dict.fromkeys(_COMPUTE_SERIES, Decimal("0.17")),
    },
    3: {
        **dict.fromkeys(_MOST_SERIES, Decimal("0.46")),
        **dict.fromkeys(_COMPUTE_SERIES, Decimal("0.38")),
        **dict.fromkeys(_MEMORY_SERIES, Decimal("0.63")),
    },
}


def flexible_discount(billed: str, term_years: int) -> Decimal | None:
    """Share off the on-demand rate under a compute flexible commitment; None if not covered.

    ``billed`` is a series or a resource such as ``n2/vcpu``. GPUs and local SSD are not covered,
    M1 to M4 not for one year.
    """
    series, _, unit = billed.partition("/")
    if unit == LOCAL_SSD:
        return None
    return _FLEXIBLE_DISCOUNT.get(term_years, {}).get(series)


def discounted(on_demand_nanousd: int, share: Decimal) -> int:
    """What is paid of a rate with a share off, rounded half up to whole nano-dollars."""
    return int((on_demand_nanousd * (1 - share)).to_integral_value(ROUND_HALF_UP))


def flexible_rule(share: Decimal, term_years: int) -> str:
    """The rule of a rate under a flexible commitment, as it stands beside the rate."""
    return f"{share * 100:.0f} % off on demand, {term_years}y"


COMMITMENT_TYPE_SERIES: Mapping[str, tuple[str, ...]] = {
    "GENERAL_PURPOSE": ("n1",),
    "GENERAL_PURPOSE_E2": ("e2",),
    "GENERAL_PURPOSE_N2": ("n2",),
    "GENERAL_PURPOSE_N2D": ("n2d",),
    "GENERAL_PURPOSE_N4": ("n4",),
    "GENERAL_PURPOSE_C4": ("c4",),
    "GENERAL_PURPOSE_T2D": ("t2d",),
    "COMPUTE_OPTIMIZED": ("c2",),
    "COMPUTE_OPTIMIZED_C2D": ("c2d",),
    "COMPUTE_OPTIMIZED_C3": ("c3",),
    "COMPUTE_OPTIMIZED_C3D": ("c3d",),
    "COMPUTE_OPTIMIZED_H3": ("h3",),
    "MEMORY_OPTIMIZED": ("m1", "m2"),
    "MEMORY_OPTIMIZED_M3": ("m3",),
    "MEMORY_OPTIMIZED_X4": ("x4",),
    "STORAGE_OPTIMIZED_Z3": ("z3",),
    "ACCELERATOR_OPTIMIZED": ("a2",),
    "ACCELERATOR_OPTIMIZED_A3": ("a3",),
    "GRAPHICS_OPTIMIZED": ("g2",),
}
"""Series that a commitment of Google's ``Commitment.type`` serves."""
