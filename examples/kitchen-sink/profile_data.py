"""Prints the range of every numeric column, with its meaning."""

import csv
import sys
from pathlib import Path

table, dictionary = (list(csv.DictReader(Path(name).read_text().splitlines())) for name in sys.argv[1:3])
meaning = {row["column"]: row["meaning"] for row in dictionary}
for column in table[0]:
    values = [row[column] for row in table]
    if all(value.replace(".", "", 1).isdigit() for value in values):
        numbers = [float(value) for value in values]
        print(f"{column} ({meaning.get(column, 'unknown')}): {min(numbers):g} to {max(numbers):g}")
