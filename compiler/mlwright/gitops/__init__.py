"""Revisions: the only code that runs git. It reads, and writes nothing: no checkout, no index, no reference."""
