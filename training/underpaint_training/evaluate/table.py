"""The table that decides whether an asset ships: a metric, its value, its bar."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One line. A bar holds if the value is on its side; a row without one only reports."""

    name: str
    value: float
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None

    @property
    def verdict(self) -> str:
        if self.at_least is not None:
            return "ok" if self.value >= self.at_least else f"below {self.at_least:g}"
        if self.at_most is not None:
            return "ok" if self.value <= self.at_most else f"above {self.at_most:g}"
        return ""

    def text(self) -> str:
        return f"{self.name:58} {self.value:9.3f} {self.unit:3} {self.verdict}"


def write_json(path: Path, rows: Sequence[Row]) -> None:
    values = [asdict(row) for row in rows]
    path.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
