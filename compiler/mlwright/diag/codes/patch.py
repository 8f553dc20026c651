"""PATCH: what can be wrong with the escape hatch."""

from __future__ import annotations

from mlwright.diag.codes import Code

_HEAD = "patches:\n  p:\n    why: it is needed\n    on: {node: training, kind: Service}\n"
_STORES = "patches:\n  p:\n    why: it is needed\n    on: {node: steps.stores, kind: Service}\n"

CODES = (
    Code(
        code="PATCH001",
        title="a patch that matches nothing",
        explanation="Patches address what a part of the specification became: the node's path and the kind of object. "
        "Nothing of this kind was made for this node in this environment. The help lists what there is. A patch for "
        "one platform only belongs under `environments.<name>.patches`.",
        bad="patches:\n  p:\n    why: it is needed\n    on: {node: training, kind: Job}\n    merge: {shm_size: 1g}",
        good=_HEAD + "    merge: {ulimits: {memlock: -1}}",
    ),
    Code(
        code="PATCH002",
        title="a patch that matches several objects",
        explanation="The node became more than one object of this kind, for example one service for each item of a "
        "`for_each` or for each pipeline. It may be that all should change or that one was meant, so this is refused. "
        "Write `all: true` for all of them, or address a kind that exists once.",
        bad=_STORES + "    merge: {cpu_shares: 1}",
        good=_STORES + "    all: true\n    merge: {cpu_shares: 1}",
    ),
    Code(
        code="PATCH003",
        title="two patches on one path",
        explanation="Two patches change the same value, or one changes a value inside of what the other replaces, or "
        "one moves entries of a list that the other is in. Then their order would decide, and it is not meant to mean "
        "anything. Make one patch of the two.",
        bad="patches:\n  a: {why: x, on: {node: training, kind: Service}, merge: {cpu_shares: 1}}\n"
        "  b: {why: y, on: {node: training, kind: Service}, merge: {cpu_shares: 2}}",
        good="patches:\n  a: {why: x, on: {node: training, kind: Service}, merge: {cpu_shares: 2}}",
    ),
    Code(
        code="PATCH004",
        title="a patch of identity or of the run contract",
        explanation="Names, selectors, our labels and what starts the launcher hold the output together: objects "
        "find each other by them, and runs are recorded through them. A patch of these would compile and then fail or "
        "go unrecorded, so it is refused. To start a program without the launcher, say `contract: bare` on the step.",
        bad=_HEAD + "    merge: {command: [python, train.py]}",
        good="training: {command: [python, train.py], contract: bare}",
    ),
    Code(
        code="PATCH005",
        title="a secret in a patch",
        explanation="The value looks like a password, a token or a key. Output is committed, so a secret in it is "
        "known to everyone who can read the repository. Declare it under `secrets`, refer to it as "
        "`${secrets.NAME.KEY}` in `env`, and revoke the one that was written here.",
        bad=_HEAD + "    merge: {environment: {API_TOKEN: 9f86d081884c7d659a2feaa0}}",
        good="secrets: {api: {keys: [API_TOKEN]}}\ntraining: {secrets: [api]}",
    ),
    Code(
        code="PATCH006",
        title="a patch operation that cannot be done",
        explanation="An operation of RFC 6902 names a path that does not exist, a position outside of a list, or its "
        "`test` fails. Paths are JSON pointers below the addressed object: `/environment/NCCL_DEBUG`, with `~1` for a "
        "slash and `~0` for a tilde inside a key. `add` makes the last part only; what holds it must exist.",
        bad=_HEAD + "    ops: [{op: replace, path: /ulimits/memlock, value: -1}]",
        good=_HEAD + "    ops: [{op: add, path: /ulimits, value: {memlock: -1}}]",
    ),
    Code(
        code="PATCH007",
        title="a patch without effect",
        severity="warning",
        explanation="Everything that the patch says is so already, perhaps because the compiler learned it since. It "
        "does no harm, but whoever reads it believes that it does something. Remove it.",
        bad=_HEAD + '    merge: {restart: "no"}',
        good="patches: {}",
    ),
    Code(
        code="PATCH008",
        title="a patch where a field exists",
        severity="warning",
        explanation="The specification has a field for what the patch sets. A field is checked, works on every "
        "platform and shows in diffs under its own name; a patch works on one kind of object only. Set the field.",
        bad=_HEAD + "    merge: {deploy: {resources: {limits: {memory: 4g}}}}",
        good="training: {resources: {memory: 4Gi}}",
    ),
    Code(
        code="PATCH009",
        title="a patch that has outlived its `until`",
        severity="warning",
        explanation="`until` says from which version of a system on the patch should not be needed any more, and the "
        "platform runs that version. See whether the patch is still needed; remove it, or raise `until`.",
        bad=_HEAD + "    until: {mlflow: '3.0'}\n    merge: {cpu_shares: 1}",
        good="patches: {}",
    ),
    Code(
        code="PATCH010",
        title="objects without a file",
        explanation="`objects` names a YAML file, or a folder whose YAML files are added; folders in it are not looked "
        "into. Here there is none, so nothing would be added. Correct the path, rename the file to end in .yaml or "
        ".yml, or remove the entry.",
        bad="objects: {extras: {path: README.md, target: compose}}",
        good="objects: {extras: {path: compose/extras.yaml, target: compose}}",
    ),
    Code(
        code="PATCH011",
        title="a file beside objects that is not added",
        severity="note",
        explanation="The folder holds this file beside YAML files. Only files that end in .yaml or .yml are added; "
        "others can lie beside them, for instance to be mounted by what is added. Hidden files are never mentioned.",
        bad="objects: {extras: {path: compose/, target: compose}}  # with compose/nginx.conf",
        good="objects: {extras: {path: compose/extras.yaml, target: compose}}",
    ),
    Code(
        code="PATCH012",
        title="an added file that its target cannot read",
        explanation="Files of `objects` are added as they are and are in their target's own language. For Compose that "
        "is a Compose file: sections such as `services` and `volumes` that map names to definitions, and services "
        "that say with `image` or `build` what they run. For Kubernetes and Argo it is one object: `apiVersion`, "
        "`kind` and `metadata` with a `name`.",
        bad="# compose/extras.yaml\nserivces: {db: {image: 'postgres:18'}}",
        good="# compose/extras.yaml\nservices: {db: {image: 'postgres:18'}}",
    ),
    Code(
        code="PATCH013",
        title="an added file that says what is ours to say",
        explanation="The project's name, the list of included files and labels that begin with `mlwright.` hold the "
        "output together: containers and volumes are found again by them. Remove them from the file. What it would "
        "include belongs under `objects`, so that it is looked at and recorded as an input. On Kubernetes these are "
        "the kustomization, the namespace, and labels and annotations that begin with `mlwright.dev/`.",
        bad="# compose/extras.yaml\nname: mine\nservices: {db: {image: 'postgres:18'}}",
        good="# compose/extras.yaml\nservices: {db: {image: 'postgres:18'}}",
    ),
    Code(
        code="PATCH014",
        title="a name that is defined twice",
        explanation="All files of an output share their names: a service, network, volume, config or secret of an "
        "added file may not be called like one that this specification became, nor like one of another added file. One "
        "would replace the other, or Compose would refuse both. Objects of Kubernetes share names within their kind. "
        "Give it another name.",
        bad="# compose/extras.yaml\nservices: {mlflow: {image: 'postgres:18'}}",
        good="# compose/extras.yaml\nservices: {db: {image: 'postgres:18'}}",
    ),
    Code(
        code="PATCH015",
        title="a secret in an added file",
        explanation="The value looks like a password, a token or a key. Output is committed, so it would be known to "
        "everyone who can read the repository; it is in the added file already. Let Compose fill it in from .env with "
        "`${NAME}`; for Kubernetes declare it under `secrets`, which names a Secret of the cluster. Revoke "
        "the one that was written here.",
        bad="# compose/extras.yaml\nservices: {db: {image: 'postgres:18', environment: {PG_PASSWORD: hunter2}}}",
        good="# compose/extras.yaml\nservices: {db: {image: 'postgres:18', environment: {PG_PASSWORD: '${PG}'}}}",
    ),
    Code(
        code="PATCH016",
        title="added files that join nothing",
        explanation="Files of `objects` join the output of one target: the one that `target` names, or `kubernetes` on "
        "a cluster. This environment has no such output, so they are not part of it. Say which target they are for, or "
        "set the entry to null in environments that do without.",
        bad="objects: {dashboards: {path: k8s/, target: kubernetes}}\nenvironments: {here: {platform: compose}}",
        good="objects: {dashboards: {path: k8s/, target: kubernetes}}\n"
        "environments: {here: {platform: compose, objects: {dashboards: null}}}",
    ),
)
