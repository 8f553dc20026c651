"""What users see when a file does not have the shape of the language, and what they get when it has."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlwright.diag.diagnostic import Diagnostic
from mlwright.source.load import load
from mlwright.source.overlay import expand
from mlwright.source.tree import from_plain
from mlwright.span import Span
from mlwright.spec import Project, validate

HEAD = "apiVersion: mlwright.dev/v1\nkind: MLProject\nmetadata: {name: churn}\n"


def project(text: str) -> Project:
    tree, _ = load((HEAD + text).encode(), "mlproject.yaml")
    assert tree is not None
    found, bag = validate(tree)
    assert [item.message for item in bag] == []
    assert found is not None
    assert validate(expand(tree))[0] == found
    return found


def findings(text: str, head: str = HEAD) -> list[Diagnostic]:
    tree, bag = load((head + text).encode(), "mlproject.yaml")
    assert [item.message for item in bag] == []
    assert tree is not None
    found, bag = validate(tree)
    assert found is None
    return list(bag.ordered())


def only(text: str) -> Diagnostic:
    found = findings(text)
    assert len(found) == 1, found
    return found[0]


class TestShortForms:
    def test_a_value_is_a_parameter_with_a_type(self) -> None:
        params = project("params: {a: 0.5, b: 3, c: true, d: text, e: [1, 2], f: {default: 2}}").params
        types = {name: param.type for name, param in params.items()}
        assert types == {"a": "float", "b": "int", "c": "bool", "d": "string", "e": "json", "f": "int"}

    def test_a_string_is_an_image_a_number_a_gpu(self) -> None:
        step = project("steps: {a: {image: 'python:3.12', resources: {gpu: 2}, retries: 3}}").steps["a"]
        assert step.image is not None
        assert step.image.ref.tag == "3.12"
        assert step.resources is not None
        assert step.resources.gpu is not None
        assert step.resources.gpu.count == 2
        assert step.retries is not None
        assert step.retries.limit == 3

    def test_a_path_is_a_need_and_a_number_of_nodes_a_range(self) -> None:
        step = project("steps: {b: {needs: [steps.a], distributed: {nodes: 4}}}").steps["b"]
        assert step.needs is not None
        assert (step.needs[0].step, step.needs[0].optional) == ("steps.a", False)
        assert step.distributed is not None
        assert step.distributed.nodes is not None
        assert (step.distributed.nodes.min, step.distributed.nodes.max) == (4, 4)

    def test_an_algorithm_a_rule_and_a_schedule_are_their_names(self) -> None:
        found = project(
            "tuning: {objective: auc, algorithm: tpe, early_stopping: medianstop,"
            " space: {lr: {min: 0.1, max: 1}}, trials: {max: 3}}\n"
            "pipelines: {main: {run: [training], schedule: '0 3 * * 1'}}"
        )
        assert found.tuning is not None
        assert found.tuning.algorithm is not None
        assert found.tuning.algorithm.name == "tpe"
        schedule = found.pipelines["main"].schedule
        assert schedule is not None
        assert schedule.cron.values[1] == (3,)

    def test_services_have_no_type_and_are_exposed_by_a_word(self) -> None:
        found = project("serving: {a: {model: 's3://acme-ml/m', expose: cluster, replicas: 2}}").serving["a"]
        assert found.type == "service"
        assert found.expose is not None
        assert found.expose.scope == "cluster"


class TestNotesAndNothing:
    def test_notes_are_ignored_at_every_depth(self) -> None:
        found = project("x-a: 1\nsteps: {x-b: 2, a: {command: echo, x-c: 3, env: {x-d: 4}, resources: {x-e: 5}}}")
        assert list(found.steps) == ["a"]
        assert found.steps["a"].env == {}

    def test_notes_inside_a_patch_belong_to_the_object(self) -> None:
        text = "patches: {a: {why: x, on: {node: training, kind: Job}, merge: {x-b: 1, spec: {suspend: null}}}}"
        assert project(text).patches["a"].merge == {"x-b": 1, "spec": {"suspend": None}}

    def test_a_section_without_content_is_no_section(self) -> None:
        assert project("steps:\ntraining:\n") == project("")

    def test_an_operation_may_set_null(self) -> None:
        text = "patches: {a: {why: x, on: {node: training, kind: Job}, ops: [{op: add, path: /a, value: null}]}}"
        ops = project(text).patches["a"].ops
        assert ops is not None
        assert "value" in ops[0].model_fields_set

    def test_sections_below_an_environment_are_not_its_own(self) -> None:
        text = "environments: {a: {platform: local, steps: {b: {command: echo}}}}"
        assert project(text).environments["a"].platform == "local"

    def test_models_are_frozen(self) -> None:
        with pytest.raises(AttributeError, match="frozen"):
            project("").kind = "Other"  # type: ignore[assignment]


class TestUnknownKeys:
    @pytest.mark.parametrize(
        ("text", "key", "help_"),
        [
            ("sevring: {}", "sevring", "did you mean `serving`?"),
            ("steps: {a: {comand: echo}}", "comand", "did you mean `command`?"),
            ("steps: {a: {replicas: 3}}", "replicas", "`serving.NAME`"),
            ("steps: {a: {depends_on: [b]}}", "depends_on", "here it is called `needs`"),
            ("steps: {a: {gpu: 1}}", "gpu", "resources: {gpu: ...}"),
            ("steps: {a: {runIf: failed}}", "runIf", "run_if"),
            ("schedule: '0 3 * * 1'", "schedule", "`pipelines.NAME`"),
            ("metadata: {name: a, nmae: b}", "nmae", "did you mean `name`?"),
            ("serving: {a: {health: {startp: 1s}}}", "startp", "did you mean `startup`?"),
            ("storage: {a: {type: s3, uri: 's3://acme-ml', claim: x}}", "claim", "`storage.NAME` of type `volume`"),
            ("environments: {a: {platform: local, namspace: x}}", "namspace", "did you mean `namespace`?"),
            ("gitops: {repo: 'https://a.b/c', zzz: 1}", "zzz", "repo, revision, path"),
        ],
    )
    def test_are_refused_with_what_is_meant(self, text: str, key: str, help_: str) -> None:
        head = HEAD.split("metadata")[0] if text.startswith("metadata") else HEAD
        found = findings(text, head)
        assert [(item.code, item.at.path[-1], item.at.on) for item in found] == [("SPEC001", key, "key")]
        assert help_ in found[0].help

    def test_are_all_reported_at_once(self) -> None:
        found = findings("steps: {a: {b: 1, c: 2}, d: {e: 3}}\nf: 4")
        assert [item.at.path[-1] for item in found] == ["b", "c", "e", "f"]

    def test_extended_resources_are_written_with_their_slash(self) -> None:
        assert only("steps: {a: {resources: {extended: {a/b: 1}}}}").code == "SPEC001"

    def test_an_unknown_key_without_a_value_is_one_all_the_same(self) -> None:
        comma = only("params: {a: {type: int, default: 1, description: one, two three}}")
        assert (comma.code, comma.at.path) == ("SPEC001", ("params", "a", "two three"))
        assert only("steps: {a: {comand: }}").code == "SPEC001"

    def test_a_field_without_a_value_is_left_out(self) -> None:
        assert project("steps: {a: {command: [a], timeout: null, x-note: null}}").steps["a"].timeout is None


class TestWrongValues:
    @pytest.mark.parametrize(
        ("text", "code", "message", "help_"),
        [
            ("steps: [a]", "SPEC003", "a mapping is expected here, not a list", "entries have names"),
            ("steps: {a: echo}", "SPEC003", 'a mapping is expected here, not the text `"echo"`', ""),
            ("pipelines: {m: {run: training}}", "SPEC003", "a list is expected", "`[training]`"),
            ("steps: {a: {needs: {b: 1}}}", "SPEC003", "a list is expected here, not a mapping", "`[b]`"),
            ("steps: {a: {max_parallel: two}}", "SPEC003", "a whole number is expected", "`2`"),
            ("steps: {a: {max_parallel: '2'}}", "SPEC003", "a whole number is expected", "`2` without quotes"),
            ("steps: {a: {max_parallel: 2.5}}", "SPEC003", "a whole number is expected here, not `2.5`", "`2`"),
            ("steps: {a: {max_parallel: true}}", "SPEC003", "a whole number is expected", "`2`"),
            ("steps: {a: {max_parallel: 0}}", "SPEC005", "at least 1", "`2`"),
            ("steps: {a: {cache: yes}}", "SPEC003", "`true` or `false`", "`true`"),
            ("steps: {a: {cache: 'no'}}", "SPEC003", "`true` or `false`", "`false`"),
            ("steps: {a: {cache: 1}}", "SPEC003", "`true` or `false` is expected here, not `1`", ""),
            ("steps: {a: {run_if: faild}}", "SPEC004", "`faild` is not a choice", "did you mean `failed`?"),
            ("steps: {a: {run_if: [failed]}}", "SPEC003", "one word is expected here, not a list", "succeeded"),
            ("storage: {a: {type: s33}}", "SPEC004", "`s33` is not a choice for `storage.a.type`", "`s3`"),
            ("storage: {a: volume}", "SPEC003", "a mapping is expected", ""),
            ("storage: {a: {claim: b}}", "SPEC002", "`storage.a` needs `type`", "mlflow, volume"),
            ("training: {metrics_from: {type: file}}", "SPEC002", "needs `path`", "path: /tmp/metrics.json"),
            ("gitops: {repo: null}", "SPEC014", "`repo` has no value", "https://"),
            ("gitops: {}", "SPEC002", "`gitops` needs `repo`", "https://"),
            ("metadata: {name: churn, labels: {cost-center: 4711}}", "SPEC006", "is a number", '`"4711"`'),
            ("steps: {a: {env: {A: 1.10}}}", "SPEC006", "becomes 1.1", '`"1.10"`'),
            ("steps: {a: {env: {A: true}}}", "SPEC006", "truth value", '`"true"`'),
            ("steps: {a: {command: [python, 1]}}", "SPEC006", "is a number", '`"1"`'),
            ("steps: {a: {command: {b: c}}}", "SPEC003", "text is expected here, not a mapping", ""),
            ("steps: {a: {command: []}}", "SPEC014", "`steps.a.command` is empty", "python"),
            ("steps: {a: {env: {A: no}}}", "SPEC007", "take it for false", '`"no"`'),
            ("steps: {a: {env: {A: 1:30}}}", "SPEC007", "base 60", '`"1:30"`'),
            ("steps: {a: {env: {A: 0777}}}", "SPEC007", "octal", '`"0777"`'),
            ("steps: {a: {env: {A: 2026-01-31}}}", "SPEC007", "date", '`"2026-01-31"`'),
            ("steps: {a: {env: {A: 1e3}}}", "SPEC006", "becomes 1000.0", '`"1e3"`'),
            ("steps: {a: {timeout: '${run.id}'}}", "SPEC013", "decided when compiling", "`${params.x}`"),
            ("steps: {a: {max_parallel: '${run.id}'}}", "SPEC013", "decided when compiling", ""),
            ("steps: {a: {for_each: {b: c}}}", "SPEC003", "a reference to one", "${params.stores}"),
        ],
    )
    def test_are_refused_in_plain_words(self, text: str, code: str, message: str, help_: str) -> None:
        head = HEAD.split("metadata")[0] if text.startswith("metadata") else HEAD
        found = findings(text, head)
        assert [item.code for item in found] == [code], found
        assert message in found[0].message
        assert help_ in found[0].help
        assert "Input should" not in found[0].message

    def test_a_mount_has_one_source(self) -> None:
        assert only("steps: {a: {mounts: {/a: {memory: 1Gi, disk: 1Gi}}}}").code == "SPEC008"

    @pytest.mark.parametrize(
        "text",
        [
            "evaluation: {gates: {a: {metric: auc}}}",
            "monitoring: {alerts: {a: {on: serving.b, metric: latency}}}",
            "tuning: {objective: a, trials: {max: 1}, space: {b: {min: 1}}}",
            "tuning: {objective: a, trials: {max: 1}, space: {b: {values: [1], min: 1}}}",
            "tuning: {objective: a, trials: {max: 1}, space: {b: {min: 1, max: 2, sigma: 1}}}",
            "serving: {a: {expose: {scope: host}}}",
            "serving: {a: {replicas: {target: {rps: 1, cpu: 50}}}}",
            "serving: {a: {type: route, mode: split, to: [serving.b]}}",
            "serving: {a: {type: route, mode: sequence, to: [{service: serving.b, weight: 3}]}}",
            "serving: {a: {type: route, mode: switch, to: [serving.b]}}",
            "patches: {a: {why: x, on: {node: training, kind: Job}}}",
            "patches: {a: {why: x, on: {node: training, kind: Job}, ops: [{op: add, path: /a}]}}",
            "patches: {a: {why: x, on: {node: training, kind: Job}, ops: [{op: move, path: /a}]}}",
            "patches: {a: {why: x, on: {node: training, kind: Job}, ops: [{op: remove, path: /a, value: 1}]}}",
            "storage: {a: {type: volume}}",
            "storage: {a: {type: volume, claim: b, class: c}}",
        ],
    )
    def test_keys_that_need_or_exclude_each_other(self, text: str) -> None:
        assert only(text).code == "SPEC008"

    @pytest.mark.parametrize(
        "text",
        [
            "params: {a: {type: int, default: 1.5}}",
            "params: {a: {type: bool, default: 1}}",
            "params: {a: {type: string, default: 1}}",
            "params: {a: {type: string, min: 1}}",
            "params: {a: {type: string, default: a, choices: [b]}}",
        ],
    )
    def test_parameters_fit_their_type(self, text: str) -> None:
        assert only(text).code == "SPEC019"

    @pytest.mark.parametrize(
        "text",
        [
            "params: {a: {type: int, default: 9007199254740993}}",
            "params: {a: {type: int, default: 3, max: 2}}",
            "params: {a: {type: float, min: 3, max: 2}}",
            "evaluation: {gates: {a: {metric: auc, min: 2, max: 1}}}",
            "tuning: {objective: a, trials: {max: 1}, space: {b: {min: 2, max: 1}}}",
            "tuning: {objective: a, trials: {max: 1}, space: {b: {min: 0, max: 1, distribution: log_uniform}}}",
            "serving: {a: {variants: {b: {model: x, traffic: 101}}}}",
            "serving: {a: {variants: {b: {model: x, traffic: 60}, c: {model: x, traffic: 60}}}}",
            "training: {distributed: {nodes: {min: 3, max: 2}}}",
        ],
    )
    def test_numbers_are_in_bounds(self, text: str) -> None:
        assert only(text).code == "SPEC005"

    def test_copies_are_not_fewer_at_most_than_at_least(self) -> None:
        assert only("serving: {a: {replicas: {min: 3, max: 1}}}").code == "SERVE001"

    @pytest.mark.parametrize(
        "text", ["secrets: {a: hunter2}", "secrets: {a: {keys: {B: c}}}", "secrets: {a: {keys: [B], value: c}}"]
    )
    def test_the_value_of_a_secret_is_refused(self, text: str) -> None:
        assert only(text).code == "SEC001"

    def test_storages_have_their_own_scheme(self) -> None:
        assert only("storage: {a: {type: gs, uri: 's3://acme-ml'}}").code == "URI003"


class TestPlaces:
    def test_a_short_form_is_labelled_where_it_stands(self) -> None:
        found = only("steps: {a: {image: 'foo bar'}}")
        assert (found.code, found.at.path) == ("IMG001", ("steps", "a", "image"))
        assert found.span is not None
        assert (found.span.line, found.span.col) == (4, 20)

    def test_a_bad_name_is_labelled_at_the_key(self) -> None:
        found = only("steps: {Bad: {command: echo}}")
        assert (found.code, found.at.path, found.at.on) == ("NAME001", ("steps", "Bad"), "key")
        assert found.span is not None
        assert found.span.col == 9

    def test_a_step_may_be_called_like_a_tag(self) -> None:
        found = only("storage: {s3: {type: s3, uri: 's3://acme-ml', s3: 1}}")
        assert found.at.path == ("storage", "s3", "s3")

    def test_a_schedule_points_at_its_item(self) -> None:
        found = only("pipelines: {m: {run: [training], schedule: '0 25 * * *'}}")
        assert found.span is not None
        assert (found.code, found.span.end_col - found.span.col) == ("CRON003", 2)

    def test_every_finding_has_a_place(self) -> None:
        for item in findings("steps: {a: {b: 1}}\ngitops: {}\nparams: {a: {type: int, default: x}}"):
            assert item.span is not None


class TestWholeFile:
    @pytest.mark.parametrize(
        ("text", "message", "help_"),
        [
            ("kind: MLProject", "missing", "apiVersion: mlwright.dev/v1"),
            ("apiVersion: mlwright.dev/v2", "not a version", "`mlwright.dev/v1`"),
            ("apiVersion: 1", "not a version", "`mlwright.dev/v1`"),
            ("apiVersion: {a: 1}", "not a version", "`mlwright.dev/v1`"),
            ("api_version: mlwright.dev/v1", "missing", "apiVersion: mlwright.dev/v1"),
        ],
    )
    def test_the_version_is_checked_first(self, text: str, message: str, help_: str) -> None:
        found = findings(text, "")
        assert [item.code for item in found] == ["SPEC009"]
        assert message in found[0].message
        assert help_ in found[0].help

    @pytest.mark.parametrize("text", ["- a", "just text", "3"])
    def test_a_file_is_a_mapping(self, text: str) -> None:
        tree, _ = load(text.encode(), "mlproject.yaml")
        if tree is not None:
            found, bag = validate(tree)
            assert found is None
            assert [item.code for item in bag] == ["SPEC003"]

    def test_a_file_has_one_form_of_models(self) -> None:
        assert only("training: {command: echo}\nmodels: {a: {training: {command: echo}}}").code == "SPEC015"

    def test_a_sound_file_loads_nothing_that_only_others_need(self) -> None:
        program = (
            "import sys; from mlwright.spec import validate; from mlwright.source.load import load;"
            "tree, _ = load(b'apiVersion: mlwright.dev/v1\\nkind: MLProject\\nmetadata: {name: a}', 'f');"
            "assert validate(tree)[0];"
            "heavy = {'mlflow', 'jinja2', 'rich', 'pydantic', 'pydantic_core', 'importlib.metadata',"
            "'mlwright.spec.problems', 'mlwright.spec.belongs', 'mlwright.spec.schema', 'mlwright.diag.codes'};"
            "print(sorted(heavy & set(sys.modules)))"
        )
        done = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONPATH": ":".join(sys.path)},
        )
        assert done.stdout.strip() == "[]"


KEYS = st.sampled_from(
    [*Project.model_fields, "type", "name", "command", "a", "x-a", "image", "resources", "min", "run"]
)
NUMBERS = st.one_of(st.integers(-5, 5), st.floats(allow_nan=False, allow_infinity=False))
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=8))
BRANCHES = st.one_of(st.lists(LEAVES, max_size=3), st.dictionaries(KEYS, LEAVES, max_size=4), LEAVES)
VALUES = st.one_of(st.lists(BRANCHES, max_size=3), st.dictionaries(KEYS, BRANCHES, max_size=4), LEAVES)


@settings(max_examples=150)
@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_no_tree_breaks_it_and_every_refusal_says_something(data: dict[str, object]) -> None:
    whole = {**data, "apiVersion": "mlwright.dev/v1"}
    tree = from_plain(whole, Span("f", 1, 1, 1, 2))  # type: ignore[arg-type]
    found, bag = validate(tree)
    assert (found is None) == bag.failed
    for item in bag:
        assert item.message
        assert item.span is not None
        assert "Input should" not in item.message
