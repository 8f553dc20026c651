"""`mlwright run`: the scheduler and its local executor."""

from mlwright.runner.session import RunOptions, run

__all__ = ["RunOptions", "run"]
