"""Revisions: the only code that runs git. It reads, and writes nothing but the merge driver's configuration."""
