"""What can be wrong with the output folder."""

from __future__ import annotations

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="OUT001",
        title="output path refused",
        explanation="Every output path is relative, POSIX, and stays below the output folder: no `..`, no drive, no "
        "backslash, no name that Windows reserves. This is refused before anything is written, because such a path "
        "could reach files that are not output. Rename the thing in the specification that the file is named after.",
        bad="mlwright compile -o ../../etc",
        good="mlwright compile -o manifests",
    ),
    Code(
        code="OUT002",
        title="two outputs are one file",
        explanation="Two output paths differ only in letter case or in how an accent is composed, or one is a file "
        "where the other needs a folder. On macOS and Windows they are the same file, so one of them would be lost. "
        "Rename one of the two.",
        bad="steps: {train: {}, Train: {}}",
        good="steps: {train: {}, train-again: {}}",
    ),
    Code(
        code="OUT003",
        title="symbolic link in the output folder",
        explanation="A part of the output path is a symbolic link. Output is never written through links: what it "
        "points to may be outside of the project. Replace the link by a real folder, or name the real folder with -o.",
        bad="ln -s /srv/manifests manifests",
        good="mlwright compile -o /srv/manifests",
    ),
    Code(
        code="OUT004",
        title="a foreign file is in the way",
        explanation="A file or folder stands where output must go and index.json does not list it, so mlwright did not "
        "write it. It is not overwritten, because it may be the only copy of someone's work. Nothing was written. Move "
        "the file, or delete it.",
        bad="cp mine.yaml manifests/prod/compose/compose.yaml",
        good="mv manifests/prod/compose/compose.yaml mine.yaml",
    ),
    Code(
        code="OUT005",
        title="index.json cannot be read",
        explanation="index.json says which files in the folder are ours. Without it nothing can be overwritten or "
        "pruned safely, so nothing was written. One that a merge left with both sides in it can be read: the files of "
        "both are ours. Restore any other from git, or delete the folder and compile again.",
        bad="printf '}' >> manifests/prod/index.json",
        good="git checkout manifests/prod/index.json",
    ),
    Code(
        code="OUT006",
        title="the output folder cannot be written",
        explanation="The operating system refused: no permission, no space, a read-only file system. The old output is "
        "as it was. Free space or fix the permissions of the output folder and of the folder that it is in, because "
        "new output is made beside the old one and then put in its place.",
        bad="mlwright compile -o /proc/manifests",
        good="mlwright compile -o manifests",
    ),
    Code(
        code="OUT007",
        title="edited file that nothing makes any more",
        severity="warning",
        explanation="A file in the output folder was written by an earlier compile, was edited by hand since, and is "
        "not part of the output any more. It is left where it is, and no longer counted as ours. Delete it, or move "
        "what you need from it into the specification (`patches`, `objects`).",
        bad="echo '# mine' >> manifests/prod/compose/old.yaml",
        good="git rm manifests/prod/compose/old.yaml",
    ),
)
