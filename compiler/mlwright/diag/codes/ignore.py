"""IGN: comments that leave out findings."""

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="IGN001",
        title="a comment ignores a code that does not exist",
        severity="warning",
        explanation=(
            "`# mlwright: ignore[CODE]` leaves out the warnings and notes of that code on its line. A code with a slip "
            "in it leaves out nothing, and the finding that it was written for is reported as before."
        ),
        bad="x-note: 1  # mlwright: ignore[STPE003] read by a program outside",
        good="x-note: 1  # mlwright: ignore[STEP003] read by a program outside",
    ),
    Code(
        code="IGN002",
        title="a comment for mlwright that says nothing",
        severity="warning",
        explanation=(
            "After `# mlwright: ignore` come the codes in brackets, separated by commas, and then why, in any words. "
            "There is no way to ignore everything on a line or in a file: each finding is left out by its name."
        ),
        bad="x-note: 1  # mlwright: ignore[]",
        good="x-note: 1  # mlwright: ignore[STEP003, OWN008] read by a program outside",
    ),
    Code(
        code="IGN003",
        title="a comment ignores what is not there",
        severity="warning",
        explanation=(
            "No environment has a finding of this code on the line that the comment speaks of: its own line or, where "
            "it is alone there, the next line that is no comment. What it was written for is mended, or has moved. "
            "Remove it, so that a later finding is not left out by accident. Asked for one environment (`--env`), or "
            "while the project has errors, nobody can tell, and nothing is said; nor of files that several projects "
            "share, unless the folder of that file is searched."
        ),
        bad="metadata: {name: demo}  # mlwright: ignore[STEP003]",
        good="metadata: {name: demo}",
    ),
    Code(
        code="IGN004",
        title="a comment ignores an error",
        severity="warning",
        explanation=(
            "Warnings and notes can be ignored; an error cannot, because what has one is never emitted: there is "
            "nothing sound to go on with. With `--strict` warnings count as errors, and can be ignored all the same."
        ),
        bad="command: [python, '${params.nowhere}']  # mlwright: ignore[REF011]",
        good="command: [python, '${params.here}']",
    ),
)
