"""Counts the customers of one store who left and who stayed."""

import csv
import json
import sys
from collections import Counter
from pathlib import Path

table, store, out = sys.argv[1:]
with Path(table).open(newline="") as file:
    rows = [row for row in csv.DictReader(file) if row["store"] == store]
counts = Counter("left" if row["left"] == "1" else "stayed" for row in rows)
Path(out).write_text(json.dumps(counts))
