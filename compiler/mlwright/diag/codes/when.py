"""WHEN: how conditions are written."""

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="WHEN001",
        title="not part of the language of conditions",
        explanation=(
            "A condition has references `${...}`, numbers, text in quotes, true, false, null, lists in `[ ]`, the "
            "comparisons `== != < <= > >= in`, and `and or not ( )`. It is the same everywhere, in the compiler and "
            "in every engine, so nothing else is allowed. The help says what to write instead."
        ),
        bad='steps: {a: {image: x, command: [a], when: "${params.p} = fast"}}\nparams: {p: fast}',
        good="steps: {a: {image: x, command: [a], when: \"${params.p} == 'fast'\"}}\nparams: {p: fast}",
    ),
    Code(
        code="WHEN002",
        title="a condition that is not complete",
        explanation=(
            "The condition is empty, or ends where a value is needed. Leave `when` out for a step that always runs."
        ),
        bad='steps: {a: {image: x, command: [a], when: "${params.n} >"}}\nparams: {n: 3}',
        good='steps: {a: {image: x, command: [a], when: "${params.n} > 2"}}\nparams: {n: 3}',
    ),
    Code(
        code="WHEN003",
        title="a chain of comparisons",
        explanation=(
            "Languages disagree on what `a < b < c` means, so it is refused. Write the two comparisons out and join "
            "them with `and`."
        ),
        bad='steps: {a: {image: x, command: [a], when: "1 < ${params.n} < 5"}}\nparams: {n: 3}',
        good='steps: {a: {image: x, command: [a], when: "1 < ${params.n} and ${params.n} < 5"}}\nparams: {n: 3}',
    ),
    Code(
        code="WHEN004",
        title="a condition that is too large",
        explanation=(
            "A condition has at most 10,000 characters, 50 parentheses inside each other and numbers that fit a "
            "64-bit float. Let a step compute what is this complicated, and write it to an output of type bool."
        ),
        bad='steps: {a: {image: x, command: [a], when: "${params.n} > 1e999"}}\nparams: {n: 3}',
        good='steps: {a: {image: x, command: [a], when: "${params.n} > 1e9"}}\nparams: {n: 3}',
    ),
    Code(
        code="WHEN005",
        title="a function in a condition",
        explanation=(
            "Conditions have no functions, because each engine would compute them in its own way. Let the step that "
            "knows write the value to an output of type int, float, string or bool, and compare that."
        ),
        bad='steps: {a: {image: x, command: [a], when: "len(${params.p}) > 2"}}\nparams: {p: fast}',
        good='steps: {a: {image: x, command: [a], when: "${params.n} > 2"}}\nparams: {n: 3}',
    ),
)
