"""`underpaint-evaluate`: measures an asset on held-out pictures and prints the table."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..data.pictures import Pictures
from .contact import write_contact_sheets
from .metrics import METRICS
from .subject import Subject
from .table import write_json


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure an asset on held-out pictures.")
    parser.add_argument("asset", type=Path, help="loose model folder")
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--sources", nargs="*", default=[], help="keys; all if not given")
    parser.add_argument("--held-out", type=int, default=512)
    parser.add_argument("--share", type=float, default=1.0, help="of the usual number of pictures")
    parser.add_argument("--only", nargs="*", choices=METRICS, default=list(METRICS))
    parser.add_argument("--json", type=Path, help="file for the values")
    parser.add_argument("--sheets", type=Path, help="folder for contact sheets")
    arguments = parser.parse_args()
    pictures = Pictures(arguments.data_dir, arguments.sources, arguments.held_out)
    subject = Subject.open(arguments.asset, pictures, arguments.share)
    rows = []
    for name in arguments.only:
        for row in METRICS[name](subject):
            print(row.text(), flush=True)
            rows.append(row)
    if arguments.json:
        write_json(arguments.json, rows)
    if arguments.sheets:
        write_contact_sheets(subject, arguments.sheets)


if __name__ == "__main__":
    main()
