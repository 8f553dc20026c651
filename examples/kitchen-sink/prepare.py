"""Copies the usable rows of the customers table and counts them."""

import argparse
import csv
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--in", dest="source", type=Path, required=True)
parser.add_argument("--out", type=Path, required=True)
parser.add_argument("--rows", type=Path, required=True)
options = parser.parse_args()

with options.source.open(newline="") as file:
    rows = [row for row in csv.DictReader(file) if row["months"] and row["left"] in ("0", "1")]
with options.out.open("w", newline="") as file:
    writer = csv.DictWriter(file, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
options.rows.write_text(str(len(rows)))
