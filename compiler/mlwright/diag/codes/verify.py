"""VER: what a cluster would refuse of the output, or take and never start."""

from __future__ import annotations

from mlwright.diag.codes import Code

_PATCH = "patches:\n  p:\n    why: it is needed\n    on: {node: serving.online, kind: Deployment}\n    merge: "


def _patch(merge: str) -> str:
    return _PATCH + merge


CODES = (
    Code(
        code="VER001",
        title="a field that an object does not have",
        explanation="Found by `mlwright compile --crds DIR`. The schema of this kind has no such field: a cluster "
        "refuses the object, or drops the field without a word. Mostly it is misspelt, at another place, or of "
        "another release than the files in the folder describe. Where a patch set it, the patch is shown.",
        bad=_patch("{spec: {template: {spec: {terminationGracePeriod: 300}}}}"),
        good=_patch("{spec: {template: {spec: {terminationGracePeriodSeconds: 300}}}}"),
    ),
    Code(
        code="VER002",
        title="a value that the schema refuses",
        explanation="Found by `mlwright compile --crds DIR`. The field exists and takes another type, another form, "
        "one of a few words or a number within bounds, or a field beside it is missing. The message says what the "
        "schema asks for.",
        bad=_patch('{spec: {minReadySeconds: "10"}}'),
        good=_patch("{spec: {minReadySeconds: 10}}"),
    ),
    Code(
        code="VER003",
        title="a rule of the schema is broken",
        explanation="Found by `mlwright compile --crds DIR`. Schemas hold rules about several fields at once "
        "(`x-kubernetes-validations`); the message is the rule's own. Rules that compare an object with what it was "
        "before are left to the cluster.",
        bad="spec: {rules: [{backendRefs: [{name: api}]}]}  # of an HTTPRoute",
        good="spec: {rules: [{backendRefs: [{name: api, port: 8080}]}]}",
    ),
    Code(
        code="VER004",
        title="an API version that the cluster does not serve",
        explanation="Found by `mlwright compile --crds DIR`. The kind is known in other versions only: the one that is "
        "written has been removed, or comes with a later release. Which versions are written follows from the "
        "releases in the platform file: correct them there, or take CRD files of what runs.",
        bad='external_secrets: "0.9"  # and the folder has the CRDs of 2.9',
        good='external_secrets: "2.9"',
    ),
    Code(
        code="VER005",
        title="a kind that no schema describes",
        severity="warning",
        explanation="Found by `mlwright compile --crds DIR`. Objects of this kind are written, and neither Kubernetes "
        "nor a file in the folder says what they look like, so they are not checked. Put the file with the "
        "CustomResourceDefinition of the release that runs there into the folder.",
        bad="mlwright compile --crds crds/  # without those of KEDA",
        good="kubectl get crd scaledobjects.keda.sh -o yaml > crds/keda.yaml",
    ),
    Code(
        code="VER006",
        title="a CRD file that cannot be read",
        severity="warning",
        explanation="A file in the folder of `--crds` names a CustomResourceDefinition and is not YAML, is a template "
        "that is not filled in, or is of `apiextensions.k8s.io/v1beta1`, which no supported cluster serves. What it "
        "describes is not checked. Replace the file, or take it out of the folder.",
        bad="cp chart/templates/crd.yaml crds/",
        good="helm template chart --include-crds > crds/chart.yaml",
    ),
    Code(
        code="VER010",
        title="a name that Kubernetes refuses",
        explanation="Names of objects are lower-case letters, digits and `-`, for most kinds at most 63 characters: "
        "pods and labels carry them. A CronJob may have 52, because its jobs' names are longer; ConfigMaps, Secrets "
        "and most resources of operators 253. Rename what the object is called after.",
        bad="# k8s/extras.yaml\nmetadata: {name: Extra_Settings}",
        good="# k8s/extras.yaml\nmetadata: {name: extra-settings}",
    ),
    Code(
        code="VER011",
        title="a label or annotation that Kubernetes refuses",
        explanation="The name of a label is at most 63 letters, digits, `-`, `_` and `.`, after an optional domain and "
        "a slash; its value is such a text too, or empty. Values of annotations are any text, 256 KiB for all of one "
        "object. Numbers and `true` are not text: put them into quotes.",
        bad="metadata: {labels: {cost-center: 4711 and 4712}}",
        good='metadata: {labels: {cost-center: "4711-4712"}}',
    ),
    Code(
        code="VER012",
        title="an object that is too large",
        explanation="Kubernetes stores objects of 1.5 MiB, and ConfigMaps and Secrets of 1 MiB. Large local files that "
        "are mounted or used as data become ConfigMaps: keep them in storage, or copy them into the image. A very "
        "long list in `for_each` makes a large plan: let a step write the list.",
        bad="steps: {prepare: {mounts: {/data/all.csv: ./all.csv}}}",
        good='data: {all: {source: "s3://lake/all.csv", secret: lake}}',
    ),
    Code(
        code="VER013",
        title="an amount that Kubernetes does not understand",
        explanation="Amounts are numbers with a unit: `500m`, `2`, `1.5G`, `64Gi`. What is requested is at most the "
        "limit.",
        bad=_patch("{spec: {template: {spec: {volumes: [{name: tmp, emptyDir: {sizeLimit: 2 GB}}]}}}}"),
        good=_patch("{spec: {template: {spec: {volumes: [{name: tmp, emptyDir: {sizeLimit: 2G}}]}}}}"),
    ),
    Code(
        code="VER014",
        title="a port that Kubernetes refuses",
        explanation="Ports are 1 to 65535. The name of a container's port has at most 15 lower-case letters, digits "
        "and `-`, at least one letter, no two `-` side by side, and none at the ends.",
        bad=_patch("{spec: {template: {spec: {containers: [{name: main, ports: [{containerPort: 70000}]}]}}}}"),
        good=_patch("{spec: {template: {spec: {containers: [{name: main, ports: [{containerPort: 7000}]}]}}}}"),
    ),
    Code(
        code="VER015",
        title="an environment entry that Kubernetes refuses",
        explanation="Names of environment variables are letters, digits, `_`, `-` and `.`, and do not begin with a "
        "digit. Values are text: numbers and `true` need quotes. An entry has a value or says where it comes from, not "
        "both.",
        bad=_patch("{spec: {template: {spec: {containers: [{name: main, env: [{name: DEBUG, value: 1}]}]}}}}"),
        good=_patch('{spec: {template: {spec: {containers: [{name: main, env: [{name: DEBUG, value: "1"}]}]}}}}'),
    ),
    Code(
        code="VER016",
        title="two entries of one name in a list",
        explanation="Entries of this list are told apart by a name, a path or a port: environment variables, volumes, "
        "mounts, ports, containers, templates of a workflow. Kubernetes refuses two of one name, or keeps the last. "
        "Remove one of them, or name it differently.",
        bad="volumeMounts: [{name: a, mountPath: /data}, {name: b, mountPath: /data}]",
        good="volumeMounts: [{name: a, mountPath: /data}, {name: b, mountPath: /more}]",
    ),
    Code(
        code="VER017",
        title="two objects of one type and name",
        explanation="Both would be applied, and the second would replace the first. Objects of a project have names of "
        "their own, so one of the two is mostly an added file (`objects`), or a patch gave it the other's name. Give "
        "it another one.",
        bad="# k8s/a.yaml and k8s/b.yaml\nkind: ConfigMap\nmetadata: {name: settings}",
        good="# k8s/b.yaml\nkind: ConfigMap\nmetadata: {name: more-settings}",
    ),
    Code(
        code="VER018",
        title="an object that runs once and removes itself",
        explanation="A Job or Workflow that is kept in a repository and is deleted some time after it ends is missing "
        "then: Argo CD, Flux and the next `kubectl apply` make it again, and it runs again. It has to stay: it is the "
        "record that it has run. What pipelines start may remove itself, as nobody applies it.",
        bad="kind: Job\nspec: {ttlSecondsAfterFinished: 3600}",
        good="kind: Job\nspec: {backoffLimit: 0}",
    ),
    Code(
        code="VER019",
        title="an object that cannot change under a name that stays",
        explanation="A Job's pods, and ConfigMaps and Secrets that say `immutable`, can never be changed once they are "
        "applied: the next output would be refused. They are named after their content, with ten digits of its digest "
        "at the end, so that another content is another object.",
        bad="kind: Job\nmetadata: {name: churn-train}",
        good="kind: Job\nmetadata: {name: churn-train-0123456789}",
    ),
    Code(
        code="VER020",
        title="a trial that Katib cannot start",
        explanation="Katib puts the values of a trial into the text of its template, gives the object a name, and "
        "starts the words of its primary container by a shell, joined by spaces: quotes, spaces and dollars in them "
        "would mean something else. Trials made of a specification start the launcher, whose words are inert; a patch "
        "has changed this one.",
        bad="command: [python3, train.py, --note=two words]",
        good="command: [python3, -S, /mlwright/runtime/step.py, /mlwright/step.json]",
    ),
    Code(
        code="VER021",
        title="a kind of trial that Katib has to be told of",
        explanation="Katib's controller follows Jobs, TrainJobs, and PyTorch's, TensorFlow's, MPI's and XGBoost's jobs "
        "of the training operator. Any other kind has to be among `trialResources` of KatibConfig, and Katib's account "
        "needs rights for it; else its trials never end.",
        bad="trialSpec: {apiVersion: kubeflow.org/v1, kind: JAXJob}",
        good="init: {controller: {trialResources: [JAXJob.v1.kubeflow.org]}}  # in KatibConfig",
    ),
    Code(
        code="VER030",
        title="a reference to an object that nobody makes",
        explanation="Pods wait forever for a Secret, ConfigMap, claim or account that does not exist; routes lead "
        "nowhere. What is referred to is made in this environment, by any target, or declared as someone else's: "
        "`secrets.NAME.name`, `storage.NAME.claim`, identities and placements of the platform file. In patches and "
        "added files this is a warning, as they may know more of the cluster.",
        bad="secrets: {}\n# and a patch with secretKeyRef: {name: lake-login, key: token}",
        good="secrets: {lake: {keys: [token], name: lake-login}}",
    ),
    Code(
        code="VER031",
        title="a reference to a part that an object does not have",
        explanation="The object exists and lacks what is asked of it: a key of a ConfigMap or Secret, a port of a "
        "Service or of its pods, a volume that a container mounts, a port that a probe names. The help lists what "
        "there is.",
        bad="ports: [{name: http, port: 80, targetPort: web}]  # the pods' port is `http`",
        good="ports: [{name: http, port: 80, targetPort: http}]",
    ),
    Code(
        code="VER032",
        title="a selector that finds nothing",
        explanation="A Service, NetworkPolicy, disruption budget or monitor finds pods by their labels, and no pod of "
        "this environment has these; a Deployment has to find its own pods. Labels that operators add are taken for "
        "granted. Our labels on pods and in selectors belong together: patch neither alone. A policy or budget that "
        "finds nothing is a warning.",
        bad="spec: {selector: {app.kubernetes.io/name: onlin}}",
        good="spec: {selector: {app.kubernetes.io/name: online}}",
    ),
)
