"""The language, version 1: frozen models, one file per section, and `validate`."""

from mlwright.spec.project import Project
from mlwright.spec.validate import validate

__all__ = ["Project", "validate"]
