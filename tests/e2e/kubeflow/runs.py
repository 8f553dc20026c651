"""Runs a compiled pipeline with Kubeflow's own local runner, each task in a container: started by the tests with the
Python that has the SDK. Reads what to do as JSON from its standard input."""

import json
import sys

import docker
from docker.models.containers import Container, ContainerCollection
from kfp import components, local

_RUN, _WAIT = ContainerCollection.run, Container.wait


def keep() -> None:
    """The runner has Docker remove a container as it ends, and takes one that is gone before it asks for a success:
    here containers stay until they are asked."""

    def waited(self, **how):
        ended = _WAIT(self, **how)
        self.remove()
        return ended

    ContainerCollection.run = lambda self, *args, **how: _RUN(self, *args, **{**how, "auto_remove": False})
    Container.wait = waited


def main() -> None:
    """`ir`: both documents as text; `programs`: the folder of the runtime programs; `root`: where outputs go;
    `environment`: variables that win over the pipeline's; `arguments`: values of the pipeline's parameters."""
    wanted = json.load(sys.stdin)
    programs = docker.types.Mount("/mlwright/runtime", wanted["programs"], type="bind", read_only=True)
    runner = local.DockerRunner(network_mode="host", mounts=[programs], environment=wanted["environment"])
    local.init(runner=runner, pipeline_root=wanted["root"])
    components.load_component_from_text(wanted["ir"])(**wanted["arguments"])


keep()
main()
