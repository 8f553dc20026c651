"""Text to located tree. Knows YAML, references and overlays; knows nothing about machine learning."""
