"""Prints what each item of the loop has counted: its argument is a folder with one entry per item."""

import sys
from pathlib import Path

for item in sorted(path for path in Path(sys.argv[1]).rglob("*") if path.is_file()):
    print(f"{item.relative_to(sys.argv[1])}: {item.read_text()}")
