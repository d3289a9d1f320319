"""What holidays do to a demand: whose holidays it keeps, and how much less, or more, it then is.

A day is compared with the same weekday of the weeks around it. Of the calendars of all countries
that have regions of the large clouds, the one is taken whose holidays explain most of what is
unusual; none, where none explains enough, or where no year of it is known.
"""

import warnings
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import holidays
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

# fmt: off
COUNTRIES = (
    "US", "CA", "BR", "MX", "CL", "GB", "IE", "DE", "FR", "NL", "SE", "CH", "IT", "ES", "PL", "FI",
    "NO", "DK", "BE", "AT", "JP", "KR", "HK", "SG", "AU", "NZ", "IN", "ID", "MY", "TW", "TH", "ZA",
    "IL", "AE", "BH", "QA", "SA", "CN",
)
# fmt: on
"""Countries with cloud regions: whose holidays are looked for where none are named."""

SHORTEST_DAYS = 60
"""Histories shorter than this tell nothing about holidays."""
YEAR_DAYS = 364
"""Whose holidays they are is told by histories of a year: before, chance finds many calendars."""
FEWEST_HOLIDAYS = 3
LEAST_GAIN = 6.0
"""What a calendar must explain, in robust standard deviations summed over its days."""
NEAR_DAYS = 3
"""Days around a holiday that may be unusual as well."""
WEEKS_AROUND = 4
LARGEST_EFFECT = 0.7
"""Log ratio beyond which a day says no more about its holiday."""
PRIOR_DAYS = 1.0
"""A holiday's own effect is drawn to that of all by so many days; of days near one to none by …"""
PRIOR_DAYS_NEAR = 3.0


@dataclass(frozen=True)
class Calendars:
    """Whose holidays a demand may keep.

    Attributes:
        countries: whose calendars are tried, by two letters; none: no holidays.
        named: whether the user named them: then the best is taken however little it explains.
        home: the country demand is known to live in: its calendar is taken if it explains enough,
            though another should explain more.
    """

    countries: tuple[str, ...] = COUNTRIES
    named: bool = False
    home: str | None = None


@dataclass(frozen=True)
class HolidayEffects:
    """Log ratios by which days differ from ordinary ones.

    Attributes:
        country: whose holidays they are; None where no calendar explains enough.
        effect: log ratio [day], history and future.
    """

    country: str | None
    effect: Floats


def find_effects(daily: Floats, first: date, days: int, calendars: Calendars) -> HolidayEffects:
    """The effects of the best of some countries' holidays.

    Args:
        daily: mean demand of each day of the history [day].
        first: the first of them.
        days: how many days, from the first on, the effects are wanted for.
        calendars: those that are tried.
    """
    none = HolidayEffects(None, np.zeros(days))
    countries, named = calendars.countries, calendars.named
    if len(daily) < (SHORTEST_DAYS if named else YEAR_DAYS) or not countries:
        return none
    unusual = _log_ratios(daily)
    gains = {country: _gain(unusual, country, first) for country in countries}
    best, least = max(countries, key=gains.__getitem__), 0.0 if named else LEAST_GAIN
    if calendars.home in gains and gains[calendars.home] >= least:
        best = calendars.home
    if gains[best] < least:
        return none
    return HolidayEffects(best, _effects(unusual, best, first, days))


def _log_ratios(daily: Floats) -> Floats:
    """Each day against the median of the same weekday in the weeks around it [day]."""
    days = len(daily)
    around = np.full((2 * WEEKS_AROUND, days), np.nan)
    shifts = [7 * week for week in range(-WEEKS_AROUND, WEEKS_AROUND + 1) if week]
    for row, shift in zip(around, shifts, strict=True):
        if shift > 0:
            row[: days - shift] = daily[shift:]
        else:
            row[-shift:] = daily[: days + shift]
    with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a day without weeks around it
        ratios = np.log(daily / np.nanmedian(around, axis=0))
    return np.where(np.isfinite(ratios), np.clip(ratios, -2, 2), 0.0)


def _gain(unusual: Floats, country: str, first: date) -> float:
    """How much of what is unusual goes away if all holidays of a country have one effect."""
    off = unusual[_names_of_days(country, first, len(unusual)) > 0]
    if len(off) < FEWEST_HOLIDAYS:
        return -1.0
    scale = float(np.median(np.abs(unusual))) * 1.4826 + 1e-9
    deviations = np.clip(off / scale, -4, 4)
    effect = np.median(deviations)
    return float((np.abs(deviations) - np.abs(deviations - effect)).sum())


def _effects(unusual: Floats, country: str, first: date, days: int) -> Floats:
    """Each holiday's own effect, and that of days near it, where history has seen it."""
    name, offset = _nearest_holidays(country, first, days)
    weekday = (np.arange(days) + first.weekday()) % 7 < 5
    seen = np.arange(days) < len(unusual)
    bounded = np.clip(unusual, -LARGEST_EFFECT, LARGEST_EFFECT)
    on_holiday = (name > 0) & (offset == 0) & weekday
    known = bounded[(on_holiday & seen)[: len(unusual)]]
    of_all = float(np.median(known)) if len(known) else 0.0
    effect = np.zeros(days)
    kinds = np.column_stack([name, offset, weekday])[name > 0]
    for holiday, distance, working in np.unique(kinds, axis=0):
        here = (name == holiday) & (offset == distance) & (weekday == bool(working))
        values = bounded[(here & seen)[: len(unusual)]]
        prior = of_all if distance == 0 and working else 0.0
        weight = PRIOR_DAYS if distance == 0 else PRIOR_DAYS_NEAR
        effect[here] = (values.sum() + weight * prior) / (len(values) + weight)
    return effect


def _nearest_holidays(country: str, first: date, days: int) -> tuple[Ints, Ints]:
    """Number of the nearest holiday of each day, 0 where none is near, and days since it [day]."""
    names = _names_of_days(country, first, days)
    name, offset = np.zeros(days, np.intp), np.full(days, 2 * NEAR_DAYS, np.intp)
    for holiday in np.flatnonzero(names).tolist():
        for day in range(max(0, holiday - NEAR_DAYS), min(days, holiday + NEAR_DAYS + 1)):
            if abs(day - holiday) < abs(offset[day]):
                name[day], offset[day] = names[holiday], day - holiday
    return name, offset


def _names_of_days(country: str, first: date, days: int) -> Ints:
    """Number of the holiday that falls on each day; 0 where none does [day]."""
    last = first + timedelta(days=days)
    numbers: dict[str, int] = {}
    found = np.zeros(days, np.intp)
    for year in range(first.year, last.year + 1):
        for day, name in _holidays_of(country, year):
            if first <= day < last:
                found[(day - first).days] = numbers.setdefault(name, len(numbers) + 1)
    return found


@lru_cache(maxsize=4096)
def _holidays_of(country: str, year: int) -> tuple[tuple[date, str], ...]:
    """Days and names of a country's holidays in a year."""
    with warnings.catch_warnings():
        # Of far years some moveable feasts are not known; the others hold.
        warnings.simplefilter("ignore")
        return tuple(sorted(holidays.country_holidays(country, years=year).items()))


def is_country(code: str) -> bool:
    """Whether holidays of a country are known, by its two letters."""
    return code in holidays.list_supported_countries(include_aliases=False)
