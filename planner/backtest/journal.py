"""The journal of a back-test: a JSON line per decision, so that a stopped one can go on."""

import hashlib
import json
import os
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import ValidationError

from catalogs import Faults
from planner.backtest.book import Record
from planner.backtest.setting import Setting
from planner.request import Course, PolicyName

KEY_DIGITS = 16


class Journal:
    """Decisions that have been made, by what they were made on.

    Lines of other requests, histories or versions stand beside each other and stay. What follows
    the last whole line was being written when a run was ended; it is dropped.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._records: dict[tuple[str, PolicyName], list[Record]] = {}
        self._read()

    def records(self, key: str, policy: PolicyName) -> tuple[Record, ...]:
        """The decisions of a walk, in order."""
        return tuple(self._records.get((key, policy), ()))

    def add(self, key: str, records: Iterable[Record]) -> None:
        """Write decisions down; they are on the disk when this returns."""
        lines = [json.dumps({"key": key, "record": one.model_dump(mode="json")}) for one in records]
        with self._path.open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())

    def _read(self) -> None:
        if not self._path.exists():
            return
        content = self._path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            with self._path.open("r+b") as file:
                file.truncate(len(whole))
        faults = Faults()
        for number, line in enumerate(whole.splitlines(), start=1):
            try:
                written = json.loads(line)
                record = Record.model_validate(written["record"])
                key = str(written["key"])
            except (ValueError, KeyError, TypeError, ValidationError):
                fix = "is no decision; take the line out, or the file away to start anew"
                faults.add(
                    f"{self._path.name} line {number}", line[:60].decode("utf-8", "replace"), fix
                )
                continue
            self._records.setdefault((key, record.policy), []).append(record)
        faults.raise_if_any()


def key_of(setting: Setting, course: Course) -> str:
    """Names all that decisions of a course depend on: request, prices, history, version."""
    request = setting.request.model_dump(mode="json", exclude={"demand", "catalog", "backtest"})
    rules = setting.rules.model_dump(mode="json", exclude={"policies", "courses"})
    history, calendar = setting.history, setting.calendar
    document = {
        "version": version("fleetplan"),
        "request": request,
        "rules": rules,
        "course": course.model_dump(mode="json"),
        "history": [history.start.isoformat(), history.hours, sorted(history.series)],
        "window": [calendar.start.isoformat(), calendar.hours, calendar.purchase_hours],
        "prices": [setting.catalog.name, setting.catalog.as_of.isoformat()],
    }
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode())
    for name in sorted(history.series):
        digest.update(np.ascontiguousarray(history.series[name]).tobytes())
    rows = pd.util.hash_pandas_object(setting.catalog.rates, index=False)
    digest.update(rows.to_numpy().tobytes())
    return digest.hexdigest()[:KEY_DIGITS]
