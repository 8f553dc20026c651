"""How a cluster differs from the output of an environment: what applying would change, and what it would not reach."""
