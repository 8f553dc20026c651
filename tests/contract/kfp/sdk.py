"""Asks Kubeflow's SDK, run by the Python that has it. JSON in: `check` two documents as strictly as protobuf can, and
load them as a component; `compile` the pipeline below, which is what `PROJECT` of the tests says; or the shapes of the
`api`."""

import json
import sys
import tempfile
from pathlib import Path

import yaml


def check(spec, platform):
    """The inputs that the component has. Fails where a field is unknown, or has another type."""
    from google.protobuf import json_format
    from kfp import components
    from kfp.kubernetes import kubernetes_executor_config_pb2
    from kfp.pipeline_spec import pipeline_spec_pb2

    json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
    json_format.ParseDict(spec["deploymentSpec"], pipeline_spec_pb2.PipelineDeploymentConfig())
    json_format.ParseDict(platform, pipeline_spec_pb2.PlatformSpec())
    for config in platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"].values():
        json_format.ParseDict(config, kubernetes_executor_config_pb2.KubernetesExecutorConfig())
    text = yaml.safe_dump(spec) + "---\n" + yaml.safe_dump(platform)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pipeline.yaml"
        path.write_text(text)
        loaded = components.load_component_from_file(str(path))
    return sorted(loaded.component_spec.inputs or {})


def compiled():
    """The documents of the same pipeline, written by hand with the SDK."""
    from kfp import compiler, dsl

    def box(*words):
        return dsl.ContainerSpec(image="demo:1", command=["python3"], args=list(words))

    @dsl.container_component
    def start(run: str):
        return box(run)

    @dsl.container_component
    def finish(run: str, status: dsl.PipelineTaskFinalStatus):
        return box(run)

    @dsl.container_component
    def features(
        run: str, n: int, rows: dsl.OutputPath(str), names: dsl.OutputPath(str), table: dsl.Output[dsl.Dataset]
    ):
        return box(run, n, rows, names)

    @dsl.container_component
    def training(run: str, lr: float, flag: bool, model: dsl.Output[dsl.Model], metrics: dsl.Output[dsl.Metrics]):
        return box(run, lr, flag)

    @dsl.container_component
    def report(run: str, item: str):
        return box(run, item)

    @dsl.container_component
    def scan_items(run: str, answer: dsl.OutputPath(list)):
        return box(run, answer)

    @dsl.container_component
    def scan(run: str, item: str):
        return box(run, item)

    @dsl.container_component
    def refine_items(run: str, text: str, answer: dsl.OutputPath(str)):
        return box(run, text, answer)

    @dsl.container_component
    def refine(run: str, text: str):
        return box(run, text)

    @dsl.container_component
    def publish(run: str):
        return box(run)

    id = dsl.PIPELINE_JOB_ID_PLACEHOLDER

    def once(task):
        return task.set_caching_options(False)

    def lasting(task):
        return once(task).set_retry(3, backoff_duration="10s", backoff_factor=2.0, backoff_max_duration="600s")

    @dsl.pipeline
    def scan_all():
        found = once(scan_items(run=id))
        with dsl.ParallelFor(found.outputs["answer"], parallelism=2) as item:
            lasting(scan(run=id, item=item))

    @dsl.pipeline
    def refine_all(text: str):
        found = once(refine_items(run=id, text=text))
        with dsl.If(found.outputs["answer"] == "yes"):
            task = lasting(refine(run=id, text=text))
            task.set_accelerator_type("nvidia.com/gpu").set_accelerator_limit(1)

    @dsl.pipeline(name="demo-main")
    def main(n: int = 3, lr: float = 0.1, flag: bool = True, text: str = "a"):
        end = once(finish(run=id))
        with dsl.ExitHandler(end):
            first = once(start(run=id))
            made = lasting(features(run=id, n=n)).after(first)
            trained = lasting(training(run=id, lr=lr, flag=flag)).after(made)
            trained.set_cpu_request("2").set_memory_request("4Gi").set_memory_limit("4Gi")
            trained.set_accelerator_type("nvidia.com/gpu").set_accelerator_limit(2)
            with dsl.ParallelFor(["0", "1", "2"]) as item:
                lasting(report(run=id, item=item)).after(trained)
            scanned = once(scan_all()).after(made)
            refined = once(refine_all(text=text)).after(trained)
            lasting(publish(run=id)).after(scanned, refined)

    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "pipeline.yaml")
        compiler.Compiler().compile(main, path)
        return next(yaml.safe_load_all(Path(path).read_text()))


def api():
    """Fields of what the API takes, and what its lists are called, as its own client has them."""
    import inspect
    import re

    import kfp_server_api as client
    from kfp_server_api.api import pipeline_upload_service_api, recurring_run_service_api

    def fields(name):
        return sorted(getattr(client, f"V2beta1{name}").attribute_map.values())

    text = "".join(inspect.getsource(module) for module in (pipeline_upload_service_api, recurring_run_service_api))
    return {
        "pipelines": fields("Pipeline"),
        "versions": fields("PipelineVersion"),
        "experiments": fields("Experiment"),
        "runs": fields("Run"),
        "recurringruns": fields("RecurringRun"),
        "lists": {
            "pipelines": fields("ListPipelinesResponse"),
            "versions": fields("ListPipelineVersionsResponse"),
            "experiments": fields("ListExperimentsResponse"),
            "runs": fields("ListRunsResponse"),
            "recurringruns": fields("ListRecurringRunsResponse"),
        },
        "reference": fields("PipelineVersionReference"),
        "modes": client.RecurringRunMode.allowable_values,
        "states": client.V2beta1RecurringRunStatus.allowable_values,
        "paths": sorted(set(re.findall(r"'/apis/v2beta1/([^']+)'", text))),
    }


def main():
    """One question, one answer."""
    wanted = json.load(sys.stdin)
    stream, sys.stdout = sys.stdout, sys.stderr
    answer = {"compile": compiled, "api": api}[wanted]() if isinstance(wanted, str) else check(*wanted)
    json.dump(answer, stream)


main()
