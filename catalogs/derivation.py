"""Rates a price list leaves out, derived by rules from those it publishes.

Tables here have the columns of a rate table; money is in whole nano-dollars.
"""

import pandas as pd

from catalogs import aws
from catalogs.kinds import Payment
from catalogs.tables import RATE_KEY


def with_derived(published: pd.DataFrame) -> pd.DataFrame:
    """The published rates, then the derived ones; where both exist the published one stays."""
    reservations = _beside(published, _payment_options(published))
    return _beside(reservations, _plans(reservations))


def _beside(rates: pd.DataFrame, derived: list[pd.DataFrame]) -> pd.DataFrame:
    """The rates, followed by those derived ones whose key is new."""
    together = pd.concat([rates, *derived], ignore_index=True)
    repeated = together.duplicated(list(RATE_KEY)) & (together.index >= len(rates))
    return together[~repeated].reset_index(drop=True)


def _payment_options(published: pd.DataFrame) -> list[pd.DataFrame]:
    """Partial and all upfront reservations, derived from the no-upfront ones."""
    no_upfront = published[published["payment"] == Payment.NO_UPFRONT]
    derived = []
    for rule in aws.payment_rules():
        base = no_upfront[
            (no_upfront["kind"] == rule.kind) & (no_upfront["term_hours"] == rule.term_hours)
        ]
        effective = _times(base["hourly_nanousd"], rule)
        hourly = effective // 2 if rule.payment is Payment.PARTIAL_UPFRONT else 0 * effective
        derived.append(
            base.assign(
                payment=str(rule.payment),
                hourly_nanousd=hourly,
                upfront_nanousd=(effective - hourly) * rule.term_hours,
                derived=rule.text,
            )
        )
    return derived


def _times(no_upfront_nanousd: pd.Series, rule: aws.PaymentRule) -> pd.Series:
    """The effective rate by the rule, rounded half up to whole micro-dollars, in nano-dollars.

    Rounded before it is split, so the reservation's effective rate and the plan's rate are equal.
    """
    over = rule.ratio.denominator * 1000
    micro = (2 * no_upfront_nanousd * rule.ratio.numerator + over) // (2 * over)
    return micro * 1000


def _plans(reservations: pd.DataFrame) -> list[pd.DataFrame]:
    """Savings plan rates, derived from the effective rates of reservations."""
    derived = []
    for plan, priced_as in aws.PLAN_PRICED_AS.items():
        base = reservations[reservations["kind"] == priced_as]
        rule = f"rate = effective rate of {priced_as}, same term and payment"
        base_rule = (" (" + base["derived"] + ")").fillna("")
        # Exact for derived reservations; a published upfront may not divide by the hours.
        hours = base["term_hours"]
        effective = base["hourly_nanousd"] + (2 * base["upfront_nanousd"] + hours) // (2 * hours)
        derived.append(
            base.assign(
                kind=str(plan),
                hourly_nanousd=effective,
                upfront_nanousd=0,
                derived=rule + base_rule,
            )
        )
    return derived
