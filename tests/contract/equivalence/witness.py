"""The user's program: writes down what it sees, then does what its first words say.

`witness.py RECORD STEP ORDERS... -- WORDS...`
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def main(record: str, step: str, *words: str) -> int:
    split = words.index("--") if "--" in words else len(words)
    orders, seen = list(words[:split]), list(words[split + 1 :])
    line = json.dumps({"step": step, "words": seen, "env": dict(os.environ)})
    with open(record, "a", encoding="utf-8") as file:
        file.write(line + "\n")
    before = sum(json.loads(text)["step"] == step for text in Path(record).read_text("utf-8").splitlines())
    code = 0
    while orders:
        order = orders.pop(0)
        if order == "--say":
            print(orders.pop(0), flush=True)
        elif order == "--out":
            Path(orders.pop(0)).write_text(orders.pop(0), encoding="utf-8")
        elif order == "--model":
            place = Path(orders.pop(0))
            place.mkdir()
            (place / "MLmodel").write_text("flavors: {python_function: {loader_module: x}}\nmlflow_version: 3.17.2\n")
        elif order == "--fail-times":
            code = 3 if before <= int(orders.pop(0)) else 0
        elif order == "--exit":
            code = int(orders.pop(0))
        elif order == "--score":  # two values of the metric, by the searched parameter
            for value in SCORES[orders.pop(0)]:
                print(f"score={value}", flush=True)
        elif order == "--exit-at":
            wrong, given = orders.pop(0), orders.pop(0)
            code = 4 if wrong == given else code
        else:
            raise SystemExit(f"no order {order!r}")
    return code


SCORES = {"0.1": (7, 2), "0.2": (0, 4), "0.3": (4, 1), "0.4": (2, 5)}


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
