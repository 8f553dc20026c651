"""Prints how far the fitted curve is from the worst point: `error=...` is the metric of that name."""

import json
import sys

from points import POINTS

with open(sys.argv[1]) as file:
    coefficients = json.load(file)
error = max(abs(y - sum(c * x**i for i, c in enumerate(coefficients))) for x, y in POINTS)
print(f"error={error:.6f}")
