"""What the sections of a project mean: nodes, edges, parameters, defaults."""

from __future__ import annotations

import pytest

from mlwright import ir
from tests.unit.passes.understood import IMAGE, codes, findings, needs, program, task, understand

TRAINING = """
params: {lr: 0.1, epochs: 10}
training:
  command: [python, train.py, "--lr=${params.lr}", --epochs, "${params.epochs}", --out, "${outputs.model}"]
  outputs: {model: {type: mlflow-model}}
  metrics: {auc: {goal: maximize, pattern: "auc=(\\\\S+)", sample: "auc=0.9"}}
"""
TUNING = """
tuning:
  objective: auc
  space: {lr: {min: 0.01, max: 1.0}}
  trial: {params: {epochs: 3}, resources: {cpu: 2}}
  trials: {max: 4, parallel: 2}
"""
EVALUATION = """
evaluation:
  command: [python, evaluate.py, "${training.outputs.model}"]
  metrics: {test: {goal: maximize}}
  gates: {floor: {metric: test, min: 0.5}, champion: {metric: test, versus: champion}}
"""
REGISTRY = "registry: {model: demo, from: '${training.outputs.model}', on_pass: {alias: challenger}}\n"
SERVING = "serving: {online: {model: '${registry.demo@champion}'}}\n"
WHOLE = IMAGE + TRAINING + TUNING + EVALUATION + REGISTRY + SERVING


def test_references_make_the_edges() -> None:
    project = program(
        IMAGE + "steps:\n  b: {command: [cat, '${steps.a.outputs.x}']}\n"
        "  a: {command: [make, '${outputs.x}'], outputs: {x: {type: file}}}\n"
    )
    assert [node.id for node in project.nodes] == ["steps.a", "steps.b"]
    assert needs(project, "steps.b") == ["steps.a"]
    assert task(project, "steps.b").inputs == ("steps.a.outputs.x",)


def test_the_life_cycle_has_its_implicit_edges() -> None:
    project = program(WHOLE)
    order = ["tuning", "training", "evaluation", "evaluation.gates", "registry"]
    assert [node.id for node in project.nodes] == order
    assert needs(project, "training") == ["tuning"]
    assert needs(project, "evaluation.gates") == ["evaluation"]
    assert needs(project, "registry") == ["training", "evaluation", "evaluation.gates"]


def test_the_final_training_takes_the_searched_parameters_from_tuning() -> None:
    training = task(program(WHOLE), "training")
    assert (training.tuning, training.tuned) == ("tuning", ("lr",))
    assert training.params == ("epochs", "lr")


def test_a_trial_is_the_training_with_its_own_values_on_top() -> None:
    search = next(node for node in program(WHOLE).nodes if isinstance(node, ir.Search))
    assert search.trial.id == "tuning.trial"
    assert search.trial.container.argv[:2] == (("python",), ("train.py",))
    assert search.trial.container.resources.cpu == 2000
    assert search.trial.values == (("epochs", 3),)


def test_the_objective_counts_its_best_value_and_other_metrics_their_last() -> None:
    project = program(WHOLE)
    assert [metric.reduce for metric in task(project, "training").metrics] == ["best"]
    assert [metric.reduce for metric in task(project, "evaluation").metrics] == ["last"]


def test_an_alias_that_serving_or_a_gate_refers_to_is_set_on_the_first_version() -> None:
    registration = next(node for node in program(WHOLE).nodes if isinstance(node, ir.Registration))
    assert (registration.alias, registration.bootstrap) == ("challenger", ("champion",))


def test_without_a_second_training_the_tuning_stands_in_for_it() -> None:
    project = program(WHOLE.replace("objective: auc", "objective: auc\n  retrain: false"))
    assert "training" not in [node.id for node in project.nodes]
    assert needs(project, "evaluation") == ["tuning"]
    assert needs(project, "registry")[0] == "tuning"


def test_who_needs_a_step_with_gates_waits_for_the_gates() -> None:
    project = program(
        IMAGE + "steps:\n  a: {command: [a], metrics: {m: {goal: maximize}}, gates: {g: {metric: m, min: 1}}}\n"
        "  b: {command: [b], needs: [steps.a]}\n"
    )
    assert needs(project, "steps.b") == ["steps.a", "steps.a.gates"]


def test_defaults_are_beneath_what_a_step_says() -> None:
    project = program(
        "defaults: {steps: {image: demo:1, resources: {cpu: 1, memory: 2Gi}, timeout: 1h}}\n"
        "steps:\n  a: {command: [a], resources: {cpu: 4}}\n"
        "  b: {command: [b], distributed: {nodes: 2}}\n"
    )
    a, b = task(project, "steps.a"), task(project, "steps.b")
    assert (a.container.resources.cpu, a.container.resources.memory, a.timeout) == (4000, 2 * 1024**3, 3600.0)
    assert b.timeout == 0.0, "a distributed step takes no default timeout"


def test_pipelines_run_what_they_name_all_it_needs_and_what_watches_every_run() -> None:
    project = program(
        WHOLE + "steps:\n  other: {command: [x]}\n  notify: {run_if: failed, needs: [], command: [x]}\n"
        "pipelines: {main: {run: [evaluation]}, rest: {run: [registry, steps.other]}}\n"
    )
    main, rest = project.pipelines
    assert main.nodes == ("steps.notify", "tuning", "training", "evaluation", "evaluation.gates")
    assert set(rest.nodes) == {node.id for node in project.nodes}


def test_without_pipelines_there_is_one_with_every_node() -> None:
    project = program(WHOLE)
    assert [(pipeline.name, len(pipeline.nodes)) for pipeline in project.pipelines] == [("main", 5)]


def test_several_models_have_nodes_of_their_own() -> None:
    project = program(
        IMAGE + "models:\n  ranker: {training: {command: [a]}}\n  retriever:\n    training: {command: [b]}\n"
        "    evaluation: {command: [c], needs: [models.ranker.training]}\n"
    )
    assert [(node.id, node.name) for node in project.nodes] == [
        ("models.ranker.training", "ranker-training"),
        ("models.retriever.training", "retriever-training"),
        ("models.retriever.evaluation", "retriever-evaluation"),
    ]


def test_a_script_gets_its_references_as_variables() -> None:
    project = program(
        IMAGE + "params: {word: a}\nsecrets: {s: {keys: [KEY]}}\n"
        'steps: {a: {command: "say ${params.word} \\"${secrets.s.KEY}\\""}}\n'
    )
    container = task(project, "steps.a").container
    assert container.script == 'say "${MLWRIGHT_PARAM_WORD}" "${MLWRIGHT_SECRETS_S_KEY}"'
    assert dict(container.env)["MLWRIGHT_SECRETS_S_KEY"] == (ir.Ref("secrets.s.KEY"),)


def test_an_overlay_changes_one_environment_and_leaves_its_mark() -> None:
    found = understand(WHOLE + "environments: {prod: {platform: compose, params: {lr: {default: 0.5}}}}\n")
    assert found.project is not None
    lr = next(param for param in found.project.params if param.name == "lr")
    assert lr.default == 0.5
    assert found.project.environment.name == "prod"


def test_the_digest_is_of_what_runs() -> None:
    first = program(WHOLE)
    same = program("# a comment\n" + WHOLE.replace("serving:", "x-note: hello\nserving:"))
    served = program(WHOLE.replace("@champion}'}", "@champion}', replicas: 3}"))
    other = program(WHOLE.replace("train.py", "other.py"))
    assert first.spec_digest == same.spec_digest == served.spec_digest != other.spec_digest
    assert len(first.spec_digest) == 64


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("steps: {a: {command: [x, '${params.nope}']}}", "REF011"),
        ("steps: {a: {command: [x, '${steps.b.outputs.x}']}}", "REF011"),
        ("steps: {a: {command: [x, '${outputs.nope}']}}", "REF011"),
        ("secrets: {s: {keys: [KEY]}}\nsteps: {a: {command: [x, '${secrets.s.NOPE}']}}", "REF011"),
        ("steps: {a: {command: [x], needs: [steps.b]}}", "REF011"),
        ("steps: {a: {command: [x]}}\npipelines: {p: {run: [steps.b]}}", "REF011"),
        ("steps: {a: {command: [x, '${each.store}']}}", "REF011"),
        ("steps: {a: {command: [x]}, b: {command: [x, '${steps.a.metrics.auc}']}}", "REF012"),
        ("steps: {a: {command: [x], mounts: {/data: '${run.id}'}}}", "REF013"),
        ("steps: {a: {command: [x], needs: [steps.b]}, b: {command: [x], needs: [steps.a]}}", "REF010"),
        ("params: {p: 1}\nsteps: {a: {command: [x], for_each: {k: '${params.p}'}}}", "REF015"),
        ("params: {p: 1}\nsteps: {a: {command: [x], when: \"${params.p} == 'one'\"}}", "REF016"),
        ("params: {p: 1}\nsteps: {a: {command: [x], when: '${params.p}'}}", "REF016"),
        ("params: {p: true}\nsteps: {a: {command: [x], when: '${params.p} < true'}}", "REF016"),
        ("steps: {a: {command: [x], when: '[1] < [2]'}}", "REF016"),
        ("steps: {a: {command: [x], when: 'null < 1'}}", "REF016"),
        ("steps: {a: {command: [x], when: 'null < null'}}", "REF016"),
        ("steps: {a: {command: [x], when: 'null and true'}}", "REF016"),
        ("steps: {a: {command: \"x '${run.id}'\"}}", "STEP092"),
        ("steps: {a-b: {command: [x]}, a_b: {command: [x]}}", "STEP093"),
        ("steps: {training: {command: [x]}}\ntraining: {command: [x]}", "STEP093"),
        ("tuning: {objective: m, space: {lr: {min: 1, max: 2}}, trials: {max: 1}}", "TUNE090"),
        ("steps: {a: {command: [x, '${registry.other@champion}']}}", "REG001"),
        ("data: {d: {source: nope.csv}}\nsteps: {a: {command: [x, '${data.d}']}}", "SPEC040"),
    ],
)
def test_what_resolves_to_nothing_is_an_error(text: str, code: str) -> None:
    assert code in codes(IMAGE + text)


@pytest.mark.parametrize(("objective", "code"), [("acu", "TUNE091"), ("other", "TUNE092")])
def test_the_objective_is_a_declared_metric_with_a_goal(objective: str, code: str) -> None:
    text = WHOLE.replace("objective: auc", f"objective: {objective}").replace(
        "metrics: {auc:", "metrics: {other: {}, auc:"
    )
    found = findings(text)
    assert code in [item.code for item in found]
    if objective == "acu":
        assert found[0].help == "did you mean `auc`?"


def test_a_searched_parameter_must_be_declared() -> None:
    assert "TUNE093" in codes(WHOLE.replace("space: {lr:", "space: {rl:"))


def test_a_condition_without_run_time_values_prunes_the_graph_and_says_so() -> None:
    found = understand(
        IMAGE + "steps:\n  a: {command: [x], when: \"'${environment.name}' == 'prod'\"}\n"
        "  b: {command: [x], needs: [steps.a]}\n"
        "  c: {command: [x], needs: [{step: steps.a, optional: true}]}\n"
        "  d: {command: [x], when: \"'${environment.name}' == 'local'\"}\n"
    )
    assert found.project is not None
    assert [node.id for node in found.project.nodes] == ["steps.c", "steps.d"]
    assert [item.code for item in found.findings if item.severity == "note"] == ["STEP090", "STEP090"]
    assert task(found.project, "steps.d").when is None


def test_parameters_are_never_decided_at_compile_time() -> None:
    project = program(IMAGE + "params: {p: false}\nsteps: {a: {command: [x], when: '${params.p}'}}\n")
    assert task(project, "steps.a").when == ir.Ref("params.p")


def test_binding_to_a_run_is_for_places_where_runs_happen() -> None:
    text = WHOLE.replace("@champion}'}", "@champion}', binding: run}")
    assert "SERVE090" in codes(text + "environments: {prod: {platform: kubernetes}}\n")
    assert "SERVE090" not in codes(text)


def test_an_unknown_platform_is_named() -> None:
    assert codes(WHOLE + "environments: {prod: {platform: kubernets}}\n") == ["PLAT001"]


MODELS = """
params: {stores: [berlin, "São Paulo"]}
models:
  ranker:
    for_each: {store: %s}
    training: {command: [t, "${each.store}", "${outputs.m}"], outputs: {m: {type: mlflow-model}}}
    registry: {model: "ranker-%s", from: "${models.ranker.training.outputs.m}"}
"""


@pytest.mark.parametrize("items", ["[berlin, paris]", '"${params.stores}"'])
def test_a_model_with_a_list_is_one_model_for_each_item(items: str) -> None:
    project = program(IMAGE + MODELS % (items, "${each.store}"))
    ids = [node.id for node in project.nodes]
    assert ids[:2] == ["models.ranker-berlin.training", "models.ranker-berlin.registry"]
    assert len(ids) == 4
    assert task(project, ids[0]).container.argv[1] == ("berlin",)
    assert needs(project, ids[1]) == [ids[0]]


def test_models_of_one_registered_name_are_refused() -> None:
    assert "REG003" in codes(IMAGE + MODELS % ("[berlin, paris]", "all"))


@pytest.mark.parametrize(
    ("items", "code"),
    [('"${steps.a.outputs.x}"', "STEP094"), ("[a b, a-b]", "STEP093"), (str(list(range(101))), "STEP095")],
)
def test_a_models_list_is_known_short_and_of_different_names(items: str, code: str) -> None:
    assert code in codes(IMAGE + MODELS % (items, "${each.store}"))
