"""What `mlwright check` says of the output beside a project."""

from __future__ import annotations

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="CHECK001",
        title="output is stale",
        explanation="An input changed after the output was compiled: the project file, one that it extends, the "
        "platform file, the lock, or a file that the output carries. The finding names what changed. Whoever applies "
        "the folder applies the old project. Compile, and commit the output together with the change.",
        bad="mlwright check",
        good="mlwright compile",
    ),
    Code(
        code="CHECK002",
        title="output was edited by hand",
        explanation="A file is not what index.json says was written, so someone edited it. The next compile takes "
        "the edit back. To keep it, say it in the project file: `patches` changes what is made, `objects` adds to "
        "it. `mlwright check --fix` leaves edited files alone; with `--force` it takes the edits back, and keeps "
        "them as a patch below .mlwright/edits.",
        bad="printf '# mine' >> manifests/prod/kubernetes/kustomization.yaml",
        good="mlwright compile",
    ),
    Code(
        code="CHECK003",
        title="output is left over",
        explanation="A file was written by an earlier compile and the project does not make it any more, or a whole "
        "folder belongs to an environment that the project no longer has. Whoever applies the folder still applies "
        "it. `mlwright compile` removes such files of environments that are there, `mlwright check --fix` those of "
        "removed ones, too. What was edited by hand since stays.",
        bad="mlwright check",
        good="mlwright check --fix",
    ),
    Code(
        code="CHECK004",
        title="output is missing",
        explanation="The project makes a file, or the output of a whole environment, that is not there. An "
        "environment that git ignores is not missed, nor is anything of a project that was never compiled here: name "
        "it with `--env` to insist.",
        bad="mlwright check --env prod",
        good="mlwright compile --env prod",
    ),
    Code(
        code="CHECK005",
        title="foreign file in the output folder",
        severity="note",
        explanation="mlwright did not write this file, and leaves it alone. Whoever applies the folder applies it as "
        "well, so it is better named under `objects`, or kept elsewhere. It is an error where one of mlwright's own "
        "files has to go: nothing is written until it is moved away.",
        bad="mkdir -p manifests/prod/mine",
        good="mlwright check",
    ),
    Code(
        code="CHECK006",
        title="another version of mlwright makes another output",
        severity="warning",
        explanation="The project is as it was, and nobody edited the output, but this version of mlwright makes "
        "another one of it. Compile in a change of its own, so that a reviewer sees what the new version does.",
        bad="mlwright check",
        good="mlwright compile",
    ),
    Code(
        code="CHECK007",
        title="merge conflict",
        explanation="Git left both sides of a conflict in the project, or in its output. A conflict of the project "
        "is resolved by hand, since it is about what is meant. Those of the output are not: it is written anew from "
        "the resolved project. `mlwright merge-driver install` lets git do that by itself.",
        bad="mlwright check",
        good="mlwright check --fix",
    ),
    Code(
        code="CHECK008",
        title="line ends were changed",
        explanation="Files differ from what was written by nothing but line ends: git changes them at checkout where "
        "core.autocrlf is set. Output is compared to the byte, and programs in it are run by shells that do not take "
        "a carriage return. `**/manifests/** -text` in .gitattributes keeps git from it, `mlproject.yaml text eol=lf` "
        "gives an input the same text everywhere.",
        bad="mlwright check",
        good="mlwright merge-driver install",
    ),
    Code(
        code="CHECK009",
        title="executable bit is lost",
        explanation="A program in the output cannot be started, because its executable bit is gone: it was copied "
        "without its mode, or committed from a file system that has none. `mlwright compile` sets it again.",
        bad="mlwright check",
        good="mlwright compile",
    ),
    Code(
        code="CHECK010",
        title="index.json cannot be read",
        explanation="index.json says which files in the folder are mlwright's and what they were made from. Without "
        "it nothing can be compared, overwritten or removed safely. Restore it from git; or delete the folder and "
        "compile.",
        bad="printf '}' >> manifests/prod/index.json",
        good="mlwright check",
    ),
    Code(
        code="CHECK011",
        title="not compiled here",
        severity="note",
        explanation="There is no output of this environment, and none is expected: the project was never compiled "
        "here, or git ignores the folder. To insist that it is there, name it: `mlwright check --env prod`.",
        bad="mlwright check",
        good="mlwright compile",
    ),
    Code(
        code="CHECK012",
        title="output that nothing explains",
        explanation="The file agrees with index.json, the inputs and the version of mlwright are what it says, and "
        "still this mlwright makes another file. Either index.json was edited together with the file, or the output "
        "was made by another build of the same version, or the same input does not give the same bytes, which is a "
        "bug worth a report. The exit code is 3.",
        bad="mlwright check --full",
        good="mlwright compile",
    ),
)
