"""KUBE: environments on a cluster."""

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="KUBE001",
        title="a folder of this machine on a cluster",
        explanation=(
            "Storage of type `directory` is a folder beside the specification. Pods run on other machines, where that "
            "folder is not. Give the storage another type in this environment's overlay: a `volume`, which the cluster "
            "provides, or an object store."
        ),
        bad="storage: {warehouse: {type: directory}}\nenvironments: {prod: {platform: kubernetes}}",
        good="storage: {warehouse: {type: directory}}\n"
        "environments: {prod: {platform: kubernetes, storage: {warehouse: {type: volume, size: 100Gi}}}}",
    ),
    Code(
        code="KUBE002",
        title="a mount of what is no volume",
        explanation=(
            "Pods mount volumes, and files beside the specification. A bucket is neither, nor is data at an address, "
            "nor is storage that lies behind the tracking server. Let the program read the address "
            "(`${storage.NAME}`, `${data.NAME.uri}`) or a downloaded copy (`${data.NAME}`), or use a volume."
        ),
        bad="storage: {lake: {type: s3, uri: s3://acme}}\ntraining: {mounts: {/data: '${storage.lake}'}}",
        good="storage: {lake: {type: s3, uri: s3://acme}}\ntraining: {command: [python, train.py, '${storage.lake}']}",
    ),
    Code(
        code="KUBE003",
        title="a volume of one node shared by pods on several",
        explanation=(
            "A volume in mode `ReadWriteOnce` is attached to one node. The pods of a distributed step, of a `for_each` "
            "and of parallel trials may run on several, and those that cannot mount the volume wait for ever. Use mode "
            "`ReadWriteMany` with a storage class that offers it (NFS, CephFS, EFS, Filestore, Azure Files), or keep "
            "step outputs with the tracking server, which is the default."
        ),
        bad="storage: {scratch: {type: volume, size: 10Gi}}\n"
        "training: {distributed: {nodes: 2}, mounts: {/scratch: '${storage.scratch}'}}",
        good="storage: {scratch: {type: volume, size: 10Gi, mode: ReadWriteMany, class: nfs}}",
    ),
    Code(
        code="KUBE004",
        title="nodes that an Indexed Job cannot start together",
        explanation=(
            "Without Kubeflow's Trainer the nodes of a distributed step are the pods of one Indexed Job: all alike, "
            "and none may log into another. So `mpirun` and `deepspeed` over several nodes, and parameter servers or "
            "other `roles`, cannot run there; `torchrun` and `accelerate` meet at the first pod and can."
        ),
        bad="training: {distributed: {nodes: 4, launcher: mpirun}}  # on `platform: kubernetes`",
        good="training: {distributed: {nodes: 4, launcher: torchrun}}",
    ),
    Code(
        code="KUBE005",
        title="an image that no registry has",
        explanation=(
            "The image is built on this machine (`build`) and its reference has no registry in it. The nodes of a "
            "cluster pull images, and would look for this one at Docker Hub. Push it to a registry that they reach, "
            "and write that reference in the environment's overlay."
        ),
        bad="defaults: {steps: {image: {ref: churn:dev, build: {context: .}}}}  # on `platform: kubernetes`",
        good="environments: {prod: {platform: kubernetes, "
        "defaults: {steps: {image: {ref: 'registry.example.com/churn:1.4'}}}}}",
    ),
    Code(
        code="KUBE006",
        title="it cannot be exposed like this",
        explanation=(
            "Programs serve at the root of their port, so a path below a host has to be taken away on the way. A "
            "Gateway's HTTPRoute does that, an Ingress cannot. A log-in comes back to a path of its own below the "
            "host, so it needs the whole host; and the proxy that asks for it sends requests to one endpoint, so "
            "nothing behind it can share them. The pages of the tracking server lead to `options.static_prefix`."
        ),
        bad="serving: {online: {expose: {host: ml.example.com, path: /churn}}}  # where ops expose by an Ingress",
        good="serving: {online: {expose: {host: churn.example.com}}}",
    ),
    Code(
        code="KUBE007",
        title="an endpoint that sleeps and is never woken",
        explanation=(
            "With `min: 0` the last copy ends when nobody asks. A sleeping endpoint uses no processor and no memory, "
            "so these measures never start it again; only requests can."
        ),
        bad="serving: {online: {replicas: {min: 0, max: 3, target: {cpu: 70}}}}",
        good="serving: {online: {replicas: {min: 0, max: 3, target: {rps: 10}}}}",
    ),
    Code(
        code="KUBE008",
        title="an endpoint that serves an output of a run",
        explanation=(
            "On a cluster endpoints are applied from files, not started by a run, so there is no run whose output "
            "they could serve. Register the model, and serve a version that `mlproject.lock` pins. `run` and Compose "
            "start endpoints themselves, and can serve outputs."
        ),
        bad='serving: {online: {model: "${training.outputs.model}"}}  # on `platform: kubernetes`',
        good='registry: {model: churn, from: "${training.outputs.model}"}\n'
        'serving: {online: {model: "${registry.churn@champion}"}}',
    ),
    Code(
        code="KUBE009",
        title="a secret within other text",
        explanation=(
            "Kubernetes gives one key of a secret to one variable, as it is. Putting it into other text, or into the "
            "words of a command, is the launcher's work, and it does not start a program of `contract: bare`, an "
            "endpoint that brings or is given its model, a transformer, an explainer or a notebook. Give the program a "
            "variable, and let it, or a command that is text, make the rest."
        ),
        bad='serving: {online: {image: x, command: [serve, "--token=${secrets.hub.TOKEN}"]}}',
        good='serving: {online: {image: x, command: "serve --token=$TOKEN", env: {TOKEN: "${secrets.hub.TOKEN}"}}}',
    ),
)
