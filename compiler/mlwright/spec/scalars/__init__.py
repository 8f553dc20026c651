"""Parsed values inside the specification: each keeps its text and refuses, in plain words, what it cannot read."""
