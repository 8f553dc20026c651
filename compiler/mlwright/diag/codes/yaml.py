"""YAML: the file cannot be read, or says something other than it seems to."""

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="YAML001",
        title="not valid YAML",
        explanation=(
            "The file breaks a rule of YAML that has no code of its own, and the message is the parser's. Nothing "
            "after this place was read, so other findings may follow once it is corrected. The usual remedy is to put "
            "the text at the caret in quotes, or to write the value in block form, one key a line."
        ),
        bad="training: ? python train.py",
        good='training: "? python train.py"',
    ),
    Code(
        code="YAML002",
        title="tab in the indentation",
        explanation=(
            "YAML indents with spaces only, because tabs have no fixed width. Replace each tab by spaces, and let the "
            "editor insert spaces for YAML files."
        ),
        bad="metadata:\n\tname: churn",
        good="metadata:\n  name: churn",
    ),
    Code(
        code="YAML003",
        title="the same key twice",
        explanation=(
            "A mapping has each key once. Most YAML readers silently keep the last of two and drop the first, so one "
            "half of what was written would have no effect. Keep one of them, or merge what is below them."
        ),
        bad="params: {epochs: 10, epochs: 20}",
        good="params: {epochs: 20}",
    ),
    Code(
        code="YAML004",
        title="not UTF-8",
        explanation=(
            "The file has bytes that are not UTF-8 text: it was saved as UTF-16 or in an older encoding, or it is not "
            "text at all. Save it as UTF-8. The label is at the first byte that cannot be read."
        ),
        bad="printf 'metadata: {name: caf\\351}' > mlproject.yaml",
        good="iconv -f latin1 -t utf-8 mlproject.yaml -o mlproject.yaml",
    ),
    Code(
        code="YAML005",
        title="byte order mark",
        severity="warning",
        explanation=(
            "The file starts with the bytes EF BB BF, which some editors put before UTF-8 text. It is read here, but "
            "other tools take the mark for a part of the first key. Save the file as UTF-8 without a byte order mark."
        ),
        bad="printf '\\357\\273\\277kind: MLProject' > mlproject.yaml",
        good="printf 'kind: MLProject' > mlproject.yaml",
    ),
    Code(
        code="YAML006",
        title="a character that YAML does not allow",
        explanation=(
            "The file has a control character, a line separator on which YAML readers disagree, or an invisible mark "
            "that changes the direction of text and so can hide what is written. Remove it; where a value needs it, "
            "write it as an escape in double quotes."
        ),
        bad="printf 'metadata: {name: a\\001b}' > mlproject.yaml",
        good='metadata: {description: "a\\u0001b"}',
    ),
    Code(
        code="YAML007",
        title="more than one document",
        explanation=(
            "A project file is one YAML document. A line `---` after the first key starts another, and `...` ends the "
            "one before. Put the second project into a folder of its own: a folder given on the command line means "
            "every mlproject.yaml below it."
        ),
        bad="kind: MLProject\n---\nkind: MLProject",
        good="kind: MLProject",
    ),
    Code(
        code="YAML008",
        title="empty file",
        explanation=(
            "The file has no value in it, only spaces or comments if anything. `mlwright init` writes a project that "
            "compiles and runs as it is."
        ),
        bad="# nothing here yet",
        good="kind: MLProject",
    ),
    Code(
        code="YAML009",
        title="not a mapping",
        explanation=(
            "The file is a list or one text, but a project is a mapping from keys to values. Often the space after "
            "the first colon is missing, which makes all of the file one text."
        ),
        bad="kind:MLProject",
        good="kind: MLProject",
    ),
    Code(
        code="YAML010",
        title="a key that is not text",
        explanation=(
            "Keys are names, so a number, `true`, `null`, a list or a mapping cannot be one: they have no single "
            "spelling in JSON and Kubernetes. Put the key in quotes. Text that starts with `{{` is read as a mapping "
            "that is a key; put it in quotes too."
        ),
        bad="metadata: {labels: {4711: x}}",
        good='metadata: {labels: {"4711": x}}',
    ),
    Code(
        code="YAML011",
        title="unknown alias",
        explanation=(
            "`*name` repeats the value that an anchor `&name` marks, and the anchor must stand earlier in the same "
            "file. Anchors are best kept under a key that starts with `x-`, which is ignored otherwise. Text that "
            "starts with `*` needs quotes."
        ),
        bad="training: {env: *common}",
        good="x-env: &common {A: b}\ntraining: {env: *common}",
    ),
    Code(
        code="YAML012",
        title="an alias inside its own value",
        explanation=(
            "The alias stands for the value that it is part of, so the value would have no end. Move the anchor to "
            "the part that is to be repeated."
        ),
        bad="x-step: &step {env: {A: *step}}",
        good="x-step: {env: &env {A: b}}\nsteps: {a: {env: *env}}",
    ),
    Code(
        code="YAML013",
        title="a tag",
        explanation=(
            "Tags such as `!!python/object` or `!Ref` ask a reader to build special values; they mean nothing here and "
            "are a way to run code in careless tools. Remove the tag. Text that starts with `!` needs quotes."
        ),
        bad="training: {command: !sh train.py}",
        good="training: {command: sh train.py}",
    ),
    Code(
        code="YAML014",
        title="too many values",
        explanation=(
            "A file has at most 100,000 values and a mapping at most 10,000 keys; what aliases repeat is counted as "
            "often as it is repeated. A few lines of aliases of aliases can otherwise fill all memory. Split the "
            "project, or keep large tables in a data file that a step reads."
        ),
        bad='python -c "print([dict.fromkeys(range(20000))])" > mlproject.yaml',
        good="data: {table: {source: table.csv}}",
    ),
    Code(
        code="YAML015",
        title="nested too deeply",
        explanation=(
            "More than 100 lists and mappings are inside each other. No project needs that; a generated or damaged "
            "file does. Look for brackets that are never closed."
        ),
        bad="python -c \"print('a: ' + '[' * 200)\" > mlproject.yaml",
        good="steps: {a: {command: [echo]}}",
    ),
    Code(
        code="YAML016",
        title="file too large",
        explanation=(
            "Files above 4 MiB are not read: a project file of a thousand steps has about a tenth of that. Check that "
            "the path names the project file and not data; keep data in files that steps read."
        ),
        bad="truncate -s 5M mlproject.yaml",
        good="mlwright init demo",
    ),
    Code(
        code="YAML017",
        title="value too long",
        explanation=(
            "One value has more than a million characters. Values end up in Kubernetes objects, which have at most "
            "about a million bytes as a whole. Put the content into a file beside the project and mount it."
        ),
        bad="python -c \"print('metadata: {description: ' + 'x' * 2000000 + '}')\" > mlproject.yaml",
        good="training: {mounts: {/etc/words.txt: ./conf/words.txt}}",
    ),
    Code(
        code="YAML018",
        title="a number that cannot be kept",
        explanation=(
            "The number is infinite, not a number, beyond the range of 64-bit floats, or has more than 100 digits. "
            "JSON, Kubernetes and the tracking server could not store it. Use a finite number, or quotes if it is "
            "meant as text."
        ),
        bad="params: {limit: .inf}",
        good="params: {limit: 1e300}",
    ),
    Code(
        code="YAML019",
        title="a value that cannot be stored",
        explanation=(
            "An escape in double quotes makes a character that no file name, environment variable or UTF-8 file can "
            "have: NUL, or half of a surrogate pair. YAML does not join two `\\u` escapes as JSON does; write the "
            "character itself or `\\U` with eight digits."
        ),
        bad='metadata: {description: "\\ud83d\\ude00"}',
        good='metadata: {description: "\\U0001F600"}',
    ),
    Code(
        code="YAML020",
        title="a reference without quotes inside [ ] or { }",
        explanation=(
            "Inside square or curly brackets YAML takes the `{` of `${params.x}` for the start of a mapping. Put the "
            "whole word in double quotes; the help shows the corrected line. In block form, one item a line, no "
            "quotes are needed."
        ),
        bad="training: {command: [python, train.py, --lr, ${params.lr}]}",
        good='training: {command: [python, train.py, --lr, "${params.lr}"]}',
    ),
    Code(
        code="YAML021",
        title="text that starts with a reserved character",
        explanation=(
            "YAML keeps some characters for itself at the start of a value: `@`, a backtick, `%`, `*` and `&` "
            "(aliases and anchors), `!` (tags), `|` and `>` (blocks), and brackets and commas. Put the text in quotes."
        ),
        bad="data: {all: {source: *.csv}}",
        good='data: {all: {source: "*.csv"}}',
    ),
    Code(
        code="YAML022",
        title="a colon or dash that is read otherwise",
        explanation=(
            "A key ends with a colon and a space, a list item starts with a dash and a space. Without the space the "
            "line is plain text; with a second `: ` on one line there would be two keys. Add the space, or put text "
            "that has `: ` in it in quotes."
        ),
        bad="metadata: {name:churn}",
        good="metadata: {name: churn}",
    ),
    Code(
        code="YAML023",
        title="quotes that do not fit",
        explanation=(
            "A quote is never closed, or text goes on after the closing quote. Quotes go around all of a value. In "
            "single quotes write a quote twice, in double quotes write it as backslash and quote."
        ),
        bad="metadata:\n  description: 'who leaves' next month",
        good="metadata:\n  description: who leaves next month",
    ),
    Code(
        code="YAML024",
        title="indentation that does not fit",
        explanation=(
            "Keys of one mapping start in the same column, and what belongs to a key is indented below it. This line "
            "fits no line above, or it is indented below a key that already has a value."
        ),
        bad="metadata:\n    name: churn\n  description: who leaves",
        good="metadata:\n  name: churn\n  description: who leaves",
    ),
    Code(
        code="YAML025",
        title="no such file",
        explanation=(
            "There is nothing at the path that the command line or `extends` names. Paths in `extends` are relative "
            "to the folder of the file that has them. Without a path, ./mlproject.yaml is read."
        ),
        bad="mlwright validate nowhere/mlproject.yaml",
        good="mlwright init nowhere && mlwright validate nowhere",
    ),
    Code(
        code="YAML026",
        title="not a file",
        explanation=(
            "The path names a folder, a pipe or a device where a YAML file is expected. Name the file in the folder."
        ),
        bad="mkdir -p base.yaml && mlwright validate base.yaml/..",
        good="mlwright validate ./mlproject.yaml",
    ),
    Code(
        code="YAML027",
        title="unreadable file",
        explanation=(
            "The file is there, but the system refused to give its content; the message has the system's reason. "
            "Check the permissions, and that a link points to something."
        ),
        bad="chmod 000 mlproject.yaml",
        good="chmod 644 mlproject.yaml",
    ),
    Code(
        code="YAML028",
        title="a merge key without a mapping",
        explanation=(
            "`<<` copies the keys of another mapping into this one, so its value is an alias of a mapping, or a list "
            "of such aliases. Anything else has no keys to copy."
        ),
        bad="x-list: &list [a]\ntraining: {<<: *list}",
        good="x-step: &step {cache: true}\ntraining: {<<: *step}",
    ),
    Code(
        code="YAML029",
        title="brackets or commas that do not fit",
        explanation=(
            "A `[` or `{` is never closed, a bracket closes what was never opened, or a comma is missing or has "
            "nothing before it. Put text that has any of `[ ] { } ,` inside brackets in quotes."
        ),
        bad="training: {command: [python, train.py}",
        good="training: {command: [python, train.py]}",
    ),
    Code(
        code="YAML030",
        title="unknown escape",
        explanation=(
            "In double quotes a backslash starts an escape, and YAML knows only some. Regular expressions and Windows "
            "paths are best put in single quotes, where a backslash is a backslash."
        ),
        bad='training: {metrics: {auc: {pattern: "auc=(\\S+)"}}}',
        good="training: {metrics: {auc: {pattern: 'auc=(\\S+)'}}}",
    ),
)
