"""Findings: the data, the table of codes, and one renderer per format."""

from mlwright.diag.diagnostic import Bag, Diagnostic, Label, Locate, Severity

__all__ = ["Bag", "Diagnostic", "Label", "Locate", "Severity"]
