"""What every target shares: located documents, deterministic writers, patches, the output folder."""
