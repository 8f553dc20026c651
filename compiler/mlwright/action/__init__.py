"""What the steps of action.yml start: `python -I -m mlwright.action STEP`. No command: only the Action calls it.

Every step but the last ends well whatever it finds, so that the next ones have their say; `verdict` decides. What a
step found is a file of a folder that the first step makes; inputs come as MLWRIGHT_* variables, never as text of a
script.
"""
