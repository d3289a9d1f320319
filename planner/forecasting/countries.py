"""Whose holidays a demand may keep: countries whose clock is that of its time zone."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from planner.forecasting.holiday_effects import COUNTRIES, Calendars, is_country

WEEKS = 52


def calendars_by_clock(zone: str | None, year: int) -> Calendars:
    """Calendars of countries some of whose clocks show what the zone's does, all through a year.

    Those of `COUNTRIES`, and the zone's own; all of `COUNTRIES` where the zone is UTC, or none is
    named, for that says nothing of where demand lives.
    """
    if zone is None or not any(_offsets(zone, year)):
        return Calendars()
    wanted, zones = _offsets(zone, year), _zones()
    homes = [country for country, of_it in zones.items() if zone in of_it and is_country(country)]
    alike = tuple(
        country
        for country in dict.fromkeys((*COUNTRIES, *homes))
        if any(_offsets(one, year) == wanted for one in zones[country])
    )
    return Calendars(alike, home=homes[0] if homes else None)


@lru_cache(maxsize=4096)
def _offsets(zone: str, year: int) -> tuple[timedelta | None, ...]:
    """How far a zone's clock is from UTC in every week of a year."""
    first, clock = datetime(year, 1, 1, tzinfo=UTC), ZoneInfo(zone)
    return tuple(
        (first + timedelta(weeks=week)).astimezone(clock).utcoffset() for week in range(WEEKS)
    )


@lru_cache(maxsize=1)
def _zones() -> Mapping[str, tuple[str, ...]]:
    """Time zones of every country, by its two letters, as the zone database lists them."""
    found: dict[str, tuple[str, ...]] = {}
    text = (files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8")
    for line in text.splitlines():
        if not line.startswith("#"):
            country, _, zone = line.split("\t")[:3]
            found[country] = (*found.get(country, ()), zone)
    return found
