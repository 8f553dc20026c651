"""ENV: environments, overlays and `extends`."""

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="ENV001",
        title="not a mapping of environments",
        explanation=(
            "`environments` maps names to what is different there, and each environment is a mapping of its own: "
            "`platform` and the like, and any section of the project to merge over the file."
        ),
        bad="environments: [local, prod]",
        good="environments: {local: {platform: compose}}",
    ),
    Code(
        code="ENV002",
        title="bad name of an environment",
        explanation=(
            "The name becomes a folder below `manifests/`, a part of experiment names and a label. It has at most 40 "
            "lower-case letters, digits, `-` and `_`, starts with a letter and not with `x-`."
        ),
        bad="environments: {Prod EU: {platform: compose}}",
        good="environments: {prod-eu: {platform: compose}}",
    ),
    Code(
        code="ENV003",
        title="a field that no environment can change",
        explanation=(
            "An environment changes parts of one project. The language version, `extends` and `environments` itself "
            "belong to the file as a whole; put them at its top."
        ),
        bad="environments: {prod: {platform: compose, extends: [base.yaml]}}",
        good="environments: {prod: {platform: compose}}",
    ),
    Code(
        code="ENV004",
        title="nothing to remove",
        severity="warning",
        explanation=(
            "In an environment, a key without a value (`null`) removes that key of the file. The file has no such "
            "key, so the line does nothing; most often the name has a slip in it, or a value was forgotten."
        ),
        bad="data: {customers: {source: a.csv}}\nenvironments: {local: {data: {customer: null}}}",
        good="data: {customers: {source: a.csv}}\nenvironments: {local: {data: {customers: null}}}",
    ),
    Code(
        code="ENV005",
        title="two default environments",
        explanation=(
            "`run`, `up` and `graph` take the environment with `default: true` when none is named on the command "
            "line, so only one can have it."
        ),
        bad="environments: {a: {platform: compose, default: true}, b: {platform: local, default: true}}",
        good="environments: {a: {platform: compose, default: true}, b: {platform: local}}",
    ),
    Code(
        code="ENV006",
        title="`extends` is not a list of files",
        explanation=(
            "`extends` lists the files that are merged beneath this one, weakest first. One path alone is accepted "
            "too. Anything else names no file."
        ),
        bad="extends: {file: base.yaml}",
        good="extends: []",
    ),
    Code(
        code="ENV007",
        title="`extends` outside of the repository",
        explanation=(
            "A compile reads only files that are kept with the project, so that the same revision always gives the "
            "same output. URLs and absolute paths are refused; copy the file into the repository, and write the path "
            "relative to this file, with `/`."
        ),
        bad="extends: ['https://example.com/base.yaml']",
        good="extends: []",
    ),
    Code(
        code="ENV008",
        title="files that extend each other",
        explanation=(
            "A file extends itself, directly or through others, or the chain is longer than 20 files. The message "
            "names the files of the circle; remove one of the `extends`."
        ),
        bad="extends: [mlproject.yaml]",
        good="extends: []",
    ),
    Code(
        code="ENV009",
        title="another version of the language",
        explanation=(
            "The file and one that it extends are written for different versions or kinds (`apiVersion`, `kind`), so "
            "their keys need not mean the same. Move both to one version, or leave the two keys out of the base file."
        ),
        bad="printf 'kind: Other' > base.yaml && echo 'extends: [base.yaml]' >> mlproject.yaml",
        good="printf 'kind: MLProject' > base.yaml",
    ),
    Code(
        code="ENV010",
        title="two environments in one place",
        explanation=(
            "Two environments name the same platform and resolve to the same namespace (the project's name where none "
            "is given), so each would overwrite the other's objects. Give each its own namespace, or one of them a "
            "`name_prefix`."
        ),
        bad="environments: {staging: {platform: kubernetes}, prod: {platform: kubernetes}}",
        good=(
            "environments: {staging: {platform: kubernetes, namespace: churn-staging}, prod: {platform: kubernetes}}"
        ),
    ),
    Code(
        code="ENV011",
        title="two environments log to one experiment",
        severity="warning",
        explanation=(
            "Experiments are global on a tracking server. Two environments that use one server and name the same "
            "experiment mix their runs, and comparisons find those of the other. Without `experiment`, its name has "
            "the environment's in it."
        ),
        bad="tracking: {server: {type: external, url: 'https://mlflow.example.com'}, experiment: churn}",
        good="tracking: {server: {type: external, url: 'https://mlflow.example.com'}}",
    ),
    Code(
        code="ENV012",
        title="two environments register one model",
        severity="warning",
        explanation=(
            "Registered models are global on a tracking server. Two environments that use one server and register "
            "versions of one model share its versions and aliases: what one promotes, the other serves. That may be "
            "meant; if not, give the model another name in one of them."
        ),
        bad="registry: {model: churn, from: '${training.outputs.model}'}  # in two environments with one server",
        good="environments: {staging: {registry: {model: churn-staging}}}",
    ),
)
