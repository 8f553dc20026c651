"""Exit codes of the command line; scripts rely on them."""

from typing import Final

CLEAN: Final = 0
FINDINGS: Final = 1
"""Errors in the project, drift, or a run that failed."""
USAGE: Final = 2
"""The command line, or the configuration that it points to, cannot be used."""
BUG: Final = 3
INTERRUPTED: Final = 130
