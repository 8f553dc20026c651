"""From one environment's validated spec to the IR: sugar spelt out, every reference resolved or reported."""

from mlwright.passes.lower.project import Lowered, lower

__all__ = ["Lowered", "lower"]
