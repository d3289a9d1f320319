"""What may be bought and when: offers × purchase dates, with their cost and what they serve."""

from planner.purchases.dominance import without_dominated
from planner.purchases.kinds import hardware_option, resource_rates, spend_option, type_option
from planner.purchases.lots import Lot, lot_cost_usd, make_lots
from planner.purchases.offered import find_options, find_sizes, find_targets
from planner.purchases.option import (
    Offer,
    Option,
    Rates,
    product_of,
    step_price,
)
from planner.purchases.terms import Terms, fitting_terms

__all__ = [
    "Lot",
    "Offer",
    "Option",
    "Rates",
    "Terms",
    "find_options",
    "find_sizes",
    "find_targets",
    "fitting_terms",
    "hardware_option",
    "lot_cost_usd",
    "make_lots",
    "product_of",
    "resource_rates",
    "spend_option",
    "step_price",
    "type_option",
    "without_dominated",
]
