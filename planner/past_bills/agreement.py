"""Whether bills may be added up: one currency, no row twice, each Azure export for its part."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from catalogs import Faults
from planner.past_bills.bill_files import BillFile

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# The same cells, to the last digit of their sums, are the same rows.
_TWINS = """
WITH whole AS (
    SELECT file, sum(lines) AS lines, sum(billed) AS billed, sum(effective) AS effective,
        bit_xor(hash(month, account, service, region, instance_type, purchase_option, begun,
            role, commitment_id, currency, billed, effective, lines)) AS print
    FROM cells GROUP BY file
)
SELECT a.file, b.file FROM whole a JOIN whole b USING (
    lines, billed, effective, print
) WHERE a.file < b.file AND (billed <> 0 OR effective <> 0) ORDER BY ALL
"""

_CURRENCIES = "SELECT currency, min(file) FROM cells GROUP BY currency ORDER BY currency"

_LAYOUTS = "SELECT provider, month, list(DISTINCT file) FROM cells GROUP BY ALL ORDER BY ALL"

# An actual export has purchases, and no cost where a commitment covers; an amortized one has costs
# there, and rows of what was left unused.
_EXPORTS = """
CREATE TABLE parts AS
WITH evidence AS (
    SELECT file, month, provider,
        bool_or(role IN ('upfront', 'recurring') OR (role = 'used' AND effective = 0)) AS is_actual,
        bool_or(role = 'unused' OR (role = 'used' AND effective <> 0)) AS is_amortized
    FROM cells GROUP BY ALL
), kinds AS (
    SELECT *, coalesce(is_actual, FALSE) AND list_contains($azure, file) AS actual,
        coalesce(is_amortized, FALSE) AND list_contains($azure, file) AS amortized FROM evidence
), months AS (
    SELECT month, bool_or(actual) AND bool_or(amortized) AS has_both FROM kinds GROUP BY month
)
SELECT file, month, provider, actual, amortized,
    NOT (has_both AND amortized) AS gives_billed, NOT (has_both AND actual) AS gives_effective
FROM kinds JOIN months USING (month)
"""

_COUNTED = """
CREATE VIEW counted AS SELECT cells.* REPLACE (
    coalesce(is_compute, bool_or(is_compute) OVER (PARTITION BY provider, commitment_id), FALSE)
        AS is_compute,
    CASE WHEN gives_billed THEN billed ELSE 0 END AS billed,
    CASE WHEN gives_effective THEN effective ELSE 0 END AS effective,
    CASE WHEN gives_effective THEN listed ELSE 0 END AS listed,
    CASE WHEN gives_effective THEN machine_hours END AS machine_hours
), gives_effective FROM cells JOIN parts USING (file, month, provider)
"""


def check_together(
    connection: "DuckDBPyConnection", files: Sequence[BillFile], faults: Faults
) -> str:
    """The currency of all bills, after checking that they may be added up.

    Makes the view ``counted``: cells, each with the sums it is asked for.
    """
    _refuse_twins(connection, files, faults)
    _refuse_two_layouts(connection, files, faults)
    currencies = connection.execute(_CURRENCIES).fetchall()
    if len(currencies) > 1:
        listed = ", ".join(f"{code} in {files[file].name}" for code, file in currencies)
        faults.add("currency", listed, "bills of several currencies cannot be added up; read each "
                   "currency's by themselves")  # fmt: skip
    azure = [number for number, file in enumerate(files) if file.layout.name == "azure"]
    connection.execute(_EXPORTS, {"azure": azure})
    connection.execute(_COUNTED)
    mixed = "SELECT DISTINCT file FROM parts WHERE actual AND amortized ORDER BY file"
    for (number,) in connection.execute(mixed).fetchall():
        fix = "has rows of an actual and of an amortized export; read each export's own file"
        faults.add(f"{files[number].name} column ChargeType", "Purchase, unused or covered", fix)
    return str(currencies[0][0]) if currencies else "USD"


def remarks_on_exports(connection: "DuckDBPyConnection") -> list[str]:
    """What it means that only one of Azure's exports was read of a month."""
    said = []
    lone = "SELECT list(DISTINCT month ORDER BY month) FROM parts WHERE {}"
    for condition, text in (
        (
            "actual AND gives_effective",
            "Azure {}: only the actual export was read; effective costs are what was paid, and "
            "what covered usage costs is unknown",
        ),
        (
            "amortized AND gives_billed",
            "Azure {}: only the amortized export was read; billed costs are the amortized ones",
        ),
    ):
        row = connection.execute(lone.format(condition)).fetchone()
        if row and row[0]:
            said.append(text.format(", ".join(row[0])))
    return said


def _refuse_twins(
    connection: "DuckDBPyConnection", files: Sequence[BillFile], faults: Faults
) -> None:
    for first, second in connection.execute(_TWINS).fetchall():
        fix = f"holds the same rows as {files[first].name}; leave one of them out"
        faults.add("PATH", files[second].name, fix)


def _refuse_two_layouts(
    connection: "DuckDBPyConnection", files: Sequence[BillFile], faults: Faults
) -> None:
    """A provider's month read from its own bill and from FOCUS would count twice."""
    for provider, month, numbers in connection.execute(_LAYOUTS).fetchall():
        layouts = sorted({files[number].layout.title for number in numbers})
        if len(layouts) > 1:
            fix = f"is in {' and in '.join(layouts)}; give one of them"
            faults.add("PATH", f"{provider} {month}", fix)
