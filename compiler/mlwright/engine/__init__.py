"""`mlwright up`, `down` and `logs`: the compiled Compose output on the container engine of this machine."""
