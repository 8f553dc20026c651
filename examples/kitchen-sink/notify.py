"""Says how the run has ended."""

import sys

print(f"the run has {sys.argv[1]}")
