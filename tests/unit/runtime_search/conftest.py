"""The search's modules as its folder ships them: siblings on the path."""

from __future__ import annotations

import sys
from pathlib import Path

RUNTIME = Path(__file__).parents[3] / "compiler" / "mlwright" / "runtime"
if str(RUNTIME) not in sys.path:
    sys.path.insert(0, str(RUNTIME))
