"""SPEC: the shape of the project file; SEC001: literal secrets in it."""

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="SPEC001",
        title="unknown key",
        explanation=(
            "The language has no such key in this mapping. Unknown keys are refused at every depth, because a "
            "misspelt key that is silently dropped is a setting that never takes effect. Correct the spelling, "
            "move the key to the section that has it, or begin it with `x-` to keep it as a note that nothing "
            "reads."
        ),
        bad="steps: {a: {comand: [python, a.py]}}",
        good="steps: {a: {command: [python, a.py], x-note: tried twice}}",
    ),
    Code(
        code="SPEC002",
        title="missing key",
        explanation=(
            "This mapping cannot be understood without the key that the message names. Unions need `type`, "
            "which says what kind of thing the mapping describes. Add the key; the help shows an example."
        ),
        bad='storage: {warehouse: {uri: "s3://acme-ml"}}',
        good='storage: {warehouse: {type: s3, uri: "s3://acme-ml"}}',
    ),
    Code(
        code="SPEC003",
        title="wrong kind of value",
        explanation=(
            "Here the language expects another kind of value: a mapping, a list, a number, or a truth value. "
            "Nothing is converted by guessing, because a guess that is wrong shows only at run time. Write the "
            "value as the help shows."
        ),
        bad="steps: {a: {command: [python, a.py], cache: yes}}",
        good="steps: {a: {command: [python, a.py], cache: true}}",
    ),
    Code(
        code="SPEC004",
        title="not one of the choices",
        explanation=(
            "This key takes one of a fixed set of words, and what is written is none of them. Words are "
            "compared exactly, with lower and upper case. Write one of the words in the help."
        ),
        bad="steps: {a: {command: [python, a.py], run_if: failure}}",
        good="steps: {a: {command: [python, a.py], run_if: failed}}",
    ),
    Code(
        code="SPEC005",
        title="out of bounds",
        explanation=(
            "The number is outside the range in which it means something, or two bounds exclude each other. The"
            " message names the bound. Change the value or the bound."
        ),
        bad="steps: {a: {command: [python, a.py], retries: {limit: -1}}}",
        good="steps: {a: {command: [python, a.py], retries: {limit: 1}}}",
    ),
    Code(
        code="SPEC006",
        title="text expected",
        explanation=(
            "Environment variables, labels, tags and the words of a command are text. A bare number or truth "
            "value has lost how it was written: `1.10` has become 1.1 and `0x1f` depends on the reader. Put it "
            "in quotes."
        ),
        bad="steps: {a: {command: [python, a.py, --rate, 1.10]}}",
        good='steps: {a: {command: [python, a.py, --rate, "1.10"]}}',
    ),
    Code(
        code="SPEC007",
        title="a word that YAML readers read differently",
        explanation=(
            "YAML 1.1 reads bare `yes`, `no`, `on`, `off`, `1:30`, `0777` and dates as truth values and "
            "numbers; YAML 1.2, which this language follows, reads them as text. Editors, `yq` and Kubernetes "
            "tools still differ. Put the word in quotes, so that everybody reads the same."
        ),
        bad="steps: {a: {command: [python, a.py], env: {DEBUG: on}}}",
        good='steps: {a: {command: [python, a.py], env: {DEBUG: "on"}}}',
    ),
    Code(
        code="SPEC008",
        title="keys that exclude or need each other",
        explanation=(
            "Some keys of a mapping are alternatives, others only make sense together. The message says which "
            "of them are there and which are missing. Keep one alternative, or add its companion."
        ),
        bad="storage: {cache: {type: volume, claim: imagenet, size: 10Gi}}",
        good="storage: {cache: {type: volume, claim: imagenet}}",
    ),
    Code(
        code="SPEC009",
        title="unknown version of the language",
        explanation=(
            "`apiVersion` says which version of the language the file is written in, and therefore which "
            "mlwright can read it. It is missing, or this mlwright does not know it. Write `mlwright.dev/v1`, "
            "or use a newer mlwright."
        ),
        bad="apiVersion: mlwright.dev/v9\nkind: MLProject\nmetadata: {name: churn}",
        good="apiVersion: mlwright.dev/v1\nkind: MLProject\nmetadata: {name: churn}",
    ),
    Code(
        code="SPEC013",
        title="a reference where the value must be known",
        explanation=(
            "This field decides what is compiled, so its value must be known then. References to outputs, "
            "metrics, secrets, events and runs are known at run time only. Use a parameter, `metadata`, "
            "`environment.name`, or write the value itself."
        ),
        bad='steps: {a: {command: [python, a.py], timeout: "${run.id}"}}',
        good="steps: {a: {command: [python, a.py], timeout: 2h}}",
    ),
    Code(
        code="SPEC014",
        title="nothing there",
        explanation=(
            "The key is there, but its value is empty where something is needed: an empty command, an empty "
            "list of what to run, a text of spaces. Write a value, or remove the key."
        ),
        bad="pipelines: {main: {run: []}}",
        good="pipelines: {main: {run: [training]}}\ntraining: {command: [python, train.py]}",
    ),
    Code(
        code="SPEC015",
        title="two ways to write models in one file",
        explanation=(
            "`training`, `tuning`, `evaluation` and `registry` at the top are short for one entry of `models`. "
            "A file uses one of the two forms, because a reference such as `${training.outputs.model}` would "
            "otherwise have two meanings. Move the top-level sections under an entry of `models`."
        ),
        bad="training: {command: [python, train.py]}\nmodels: {ranker: {training: {command: [python, rank.py]}}}",
        good=(
            "models: {churn: {training: {command: [python, train.py]}}, ranker: {training: {command: "
            "[python, rank.py]}}}"
        ),
    ),
    Code(
        code="SPEC016",
        title="a pattern that not every reader understands",
        explanation=(
            "Patterns of metrics are read by Python here and by RE2 in Katib, so they use what both understand:"
            " no look-around, no back-references, no possessive repeats. Rewrite the pattern, most often by "
            "putting the text before and after the value into it."
        ),
        bad="training:\n  command: [python, train.py]\n  metrics: {auc: {pattern: 'auc(?==)=(\\S+)'}}",
        good="training:\n  command: [python, train.py]\n  metrics: {auc: {pattern: 'auc=(\\S+)'}}",
    ),
    Code(
        code="SPEC017",
        title="a pattern needs exactly one group",
        explanation=(
            "The group of a pattern is the value of the metric. With none there is no value, with two it is not"
            " clear which one. Put `( )` around the number and `(?: )` around any other alternative."
        ),
        bad="training:\n  command: [python, train.py]\n  metrics: {auc: {pattern: 'auc=\\S+'}}",
        good="training:\n  command: [python, train.py]\n  metrics: {auc: {pattern: 'auc=(\\S+)'}}",
    ),
    Code(
        code="SPEC018",
        title="a repeat inside a repeat",
        explanation=(
            "An unbounded repeat inside another one, such as `(a+)+`, can take longer than the universe on one "
            "long line of output. Every line of the program is matched, so such patterns are refused. Leave one"
            " of the repeats out."
        ),
        bad="training:\n  command: [python, train.py]\n  metrics: {auc: {pattern: 'auc=((?:\\S+)+)'}}",
        good="training:\n  command: [python, train.py]\n  metrics: {auc: {pattern: 'auc=(\\S+)'}}",
    ),
    Code(
        code="SPEC019",
        title="a parameter's value does not fit its type",
        explanation=(
            "The default or a choice of a parameter is not of the declared type, or the default is none of the "
            "choices. Programs get parameters as text in one canonical form for each type, so the type must be "
            "right. Change the value or the type."
        ),
        bad="params: {depth: {type: int, default: deep}}",
        good="params: {depth: {type: int, default: 6}}",
    ),
    Code(
        code="SPEC020",
        title="text of the wrong form",
        explanation=(
            "This text must have a certain form, which the message names: paths of URLs and JSON pointers begin"
            " with `/`, versions are numbers with points. Write it as the help shows."
        ),
        bad='serving: {online: {image: "acme/s:1", health: {path: ping}}}',
        good='serving: {online: {image: "acme/s:1", health: {path: /ping}}}',
    ),
    Code(
        code="SEC001",
        title="the value of a secret in the file",
        explanation=(
            "Whatever stands in this file is in git, in every clone, and in the compiled output. A secret is "
            "only named here: its keys, and where it lives. Take the value out, consider it known to others and"
            " change it, put the new one into the store of the platform (or into `.env` for a laptop)."
        ),
        bad="secrets: {lake: {keys: {PASSWORD: not-a-secret-any-more}}}",
        good="secrets: {lake: {keys: [PASSWORD], remote: ml/lake}}",
    ),
)
