"""For authors of targets: sample programs, and the checks that every target has to pass."""
