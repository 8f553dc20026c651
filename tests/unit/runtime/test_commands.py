"""What reaches the user's program: words, parameters, environment, secrets."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import values

RUNTIME = Path(values.__file__).parent

NAUGHTY = [
    "",
    "a b",
    " lead and trail ",
    "-leading",
    "--flag=x",
    "$HOME",
    "$(HOME)",
    "$$(HOME)",
    "${HOME}",
    "`id`",
    "a $HOME $(HOME) {{workflow.name}} 'q\" ; echo p",
    "{{=1+1}}",
    "{{$}}",
    "{{$.inputs.parameters['x']}}",
    "${trialParameters.x}",
    "one\ntwo",
    "tab\there",
    "back\\slash\\n",
    "\\u0024(HOME)",
    '"double"',
    "'single'",
    "; rm -rf /tmp/nothing",
    "| cat",
    "&& true",
    "> file",
    "*",
    "~",
    "!bang",
    "#comment",
    "%s %d",
    "null",
    "true",
    "0x10",
    "été 漢字 🙂",
    "\u202eright-to-left",
    "\u200bzero width",
    "\x07\x1b[31m",
    "x" * 3000,
]

SHOW = """
    import json, os, sys
    path = os.environ["MLWRIGHT_OUTPUT_SEEN"]
    with open(path, "wb") as stream:
        stream.write(b"\\0".join(os.fsencode(a) for a in sys.argv[1:]))
"""


def naughty_document(pipeline: Any, command: str = "exec") -> dict[str, Any]:
    """A step that writes down its arguments: each naughty string as a literal and as a parameter."""
    params = {f"p{i}": {"type": "string", "default": text} for i, text in enumerate(NAUGHTY)}
    args: list[list[Any]] = [[text] if text else [""] for text in NAUGHTY]
    args += [[{"ref": f"params.p{i}"}] for i in range(len(NAUGHTY))]
    document: dict[str, Any] = pipeline.document(
        "show", program=SHOW, args=args, params=params, outputs={"seen": {"type": "file"}}
    )
    return document


def escaped(document: dict[str, Any]) -> str:
    """The document as the compiler serialises it: `$ ( ) { }` inside strings as `\\u00XX`."""
    text = json.dumps(document)
    return re.sub(
        r'"(?:[^"\\]|\\.)*"', lambda m: re.sub(r"[$(){}]", lambda c: f"\\u{ord(c.group()):04x}", m.group()), text
    )


def kubernetes_expand(text: str, env: dict[str, str]) -> str:
    """Kubernetes' expansion of `$(NAME)` in args and env values: `$$` is `$`, unknown names stay."""
    out, i = "", 0
    while i < len(text):
        if text[i] != "$" or i + 1 == len(text):
            out, i = out + text[i], i + 1
        elif text[i + 1] == "$":
            out, i = out + "$", i + 2
        elif text[i + 1] == "(" and ")" in text[i:]:
            end = text.index(")", i)
            name = text[i + 2 : end]
            out, i = out + env.get(name, f"$({name})"), end + 1
        else:
            out, i = out + text[i], i + 1
    return out


def replace_templates(text: str) -> str:
    """What a template engine without an escape does to `{{...}}` and `${trialParameters...}`."""
    return re.sub(r"\{\{.*?\}\}|\$\{trialParameters\.[^}]*\}", "REPLACED", text)


def seen(pipeline: Any) -> list[bytes]:
    """The arguments that the program wrote down."""
    run = pipeline.only(step="steps.show")
    address = f"{pipeline.address}/get-artifact?run_id={run['id']}&path=mlwright/outputs/seen/seen"
    with urllib.request.urlopen(address) as answer:
        return list(answer.read().split(b"\0"))


EXPECTED = [text.encode() for text in NAUGHTY] * 2


def test_every_string_reaches_the_program_unchanged(pipeline: Any) -> None:
    ended = pipeline.launch(naughty_document(pipeline))
    assert ended.code == 0, ended.err
    assert seen(pipeline) == EXPECTED


def test_no_substitution_of_a_target_changes_the_document(pipeline: Any) -> None:
    env = {"HOME": "/pwned", "MLWRIGHT_RUN": "pwned"}
    plain = escaped(naughty_document(pipeline))
    assert kubernetes_expand(plain, env) == plain
    assert replace_templates(plain) == plain
    assert json.loads(plain) == naughty_document(pipeline)


def test_every_string_survives_the_line_that_katib_makes_of_a_command(pipeline: Any) -> None:
    shipped = pipeline.folder / "mlwright"
    shutil.copytree(RUNTIME, shipped, ignore=shutil.ignore_patterns("__pycache__"))
    document = replace_templates(kubernetes_expand(escaped(naughty_document(pipeline)), {"HOME": "/pwned"}))
    (shipped / "step.json").write_text(document)
    words = ["python3", "-S", "mlwright/step.py", "mlwright/step.json"]
    assert all(re.fullmatch(r"[A-Za-z0-9/._=-]+", word) for word in words)
    env = pipeline.env()
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env.get('PATH', os.defpath)}"
    line = " ".join(words) + " 1>metrics.log 2>&1"
    done = subprocess.run(["sh", "-c", line], env=env, cwd=pipeline.folder, check=False)
    assert done.returncode == 0, (pipeline.folder / "metrics.log").read_text()
    assert seen(pipeline) == EXPECTED


def test_naughty_values_from_the_environment_arrive_too(pipeline: Any) -> None:
    document = naughty_document(pipeline)
    given = {f"MLWRIGHT_PARAM_P{i}": text for i, text in enumerate(reversed(NAUGHTY))}
    ended = pipeline.launch(document, **given)
    assert ended.code == 0, ended.err
    assert seen(pipeline) == EXPECTED[: len(NAUGHTY)] + [text.encode() for text in reversed(NAUGHTY)]


def test_a_script_gets_values_through_variables_that_are_never_parsed_again(pipeline: Any) -> None:
    value = 'a $HOME `id` $(id) "q" ; echo p'
    document = pipeline.document(
        "script",
        command={"script": 'printf %s "${MLWRIGHT_PARAM_X}" > "$MLWRIGHT_OUTPUT_TEXT"'},
        params={"x": {"type": "string", "default": value}},
        outputs={"text": {"type": "string"}},
    )
    assert pipeline.launch(document).code == 0
    assert json.loads(pipeline.only(step="steps.script")["tags"]["mlwright.output.text"])["value"] == value


@pytest.mark.parametrize(
    ("kind", "given", "text"),
    [
        ("int", "007", "7"),
        ("int", "-3", "-3"),
        ("int", "9007199254740993", "9007199254740993"),
        ("float", "1e-5", "1e-05"),
        ("float", "3", "3.0"),
        ("float", "0.00001", "1e-05"),
        ("bool", "true", "true"),
        ("json", '{"b": 1, "a": [1.0, "é"]}', '{"a":[1.0,"é"],"b":1}'),
        ("string", " 7 ", " 7 "),
    ],
)
def test_a_value_has_one_canonical_text(kind: str, given: str, text: str) -> None:
    assert values.canonical(values.parse(given, kind, "it"), kind) == text


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        ("int", "3.0", "it must be a whole number, not '3.0'"),
        ("int", "1_000", "it must be a whole number"),
        ("int", "", "it must be a whole number"),
        ("int", "١", "it must be a whole number"),
        ("float", "fast", "it must be a finite number, not 'fast'"),
        ("float", "nan", "it must be a finite number"),
        ("float", "1e999", "it must be a finite number"),
        ("bool", "True", "it must be true or false, not 'True'"),
        ("bool", "1", "it must be true or false"),
        ("json", "{'a': 1}", "it must be JSON"),
        ("json", "NaN", "it must be JSON"),
        ("string", "a\udcff", "it holds a NUL or is not valid UTF-8"),
        ("double", "1", "it has the unknown type 'double'"),
    ],
)
def test_a_text_of_the_wrong_type_is_refused(kind: str, given: str, said: str) -> None:
    with pytest.raises(values.StepError) as refused:
        values.parse(given, kind, "it")
    assert refused.value.code == 64
    assert str(refused.value).startswith(said)


def test_a_typed_value_reaches_the_program_and_mlflow_in_its_canonical_text(pipeline: Any) -> None:
    words = [["sh"], ["-c"], ['printf %s "$1" > "$MLWRIGHT_OUTPUT_X"'], ["sh"], [{"ref": "params.v"}]]
    fields = {"params": {"v": {"type": "float"}}, "outputs": {"x": {"type": "string"}}}
    ended = pipeline.launch(pipeline.document("canon", command={"argv": words}, **fields), MLWRIGHT_PARAM_V="0.00001")
    run = pipeline.only(step="steps.canon")
    assert json.loads(run["tags"]["mlwright.output.x"])["value"] == "1e-05"
    assert run["params"] == ended.status["params"] == {"v": "1e-05"}


def test_a_value_of_the_wrong_type_ends_the_step_with_64_before_it_starts(pipeline: Any) -> None:
    document = pipeline.document("typed", command={"argv": [["true"]]}, params={"v": {"type": "int"}})
    ended = pipeline.launch(document, MLWRIGHT_PARAM_V="3.0")
    assert ended.code == 64
    assert "mlwright: steps.typed: parameter v must be a whole number, not '3.0'" in ended.err
    assert "Traceback" not in ended.err
    assert pipeline.only(step="steps.typed")["status"] == "FAILED"


def test_a_parameter_without_a_value_is_refused(pipeline: Any) -> None:
    document = pipeline.document("lost", command={"argv": [["true"]]}, params={"v": {"type": "int"}})
    ended = pipeline.launch(document)
    assert (ended.code, ended.status["exit_code"]) == (64, 64)
    assert "parameter v has no value: set MLWRIGHT_PARAM_V" in ended.err


def test_the_program_sees_its_secrets_and_not_those_of_others(pipeline: Any) -> None:
    document = pipeline.document(
        "keys",
        command={"script": 'env | grep -E "^(AWS_ACCESS|TOKEN|OTHER|MLWRIGHT_SECRET)" | sort > "$MLWRIGHT_OUTPUT_ENV"'},
        env={"TOKEN": ["Bearer ", {"ref": "secrets.hub.key"}]},
        secrets=["lake"],
        secret_keys={"lake": ["AWS_ACCESS_KEY_ID"], "hub": ["key"]},
        outputs={"env": {"type": "string"}},
    )
    given = {"LAKE__AWS_ACCESS_KEY_ID": "AKIA", "HUB__KEY": "t0p", "OTHER__X": "no"}
    ended = pipeline.launch(document, **{f"MLWRIGHT_SECRET_{k}": v for k, v in given.items()})
    assert ended.code == 0, ended.err
    shown = json.loads(pipeline.only(step="steps.keys")["tags"]["mlwright.output.env"])["value"]
    assert shown == "AWS_ACCESS_KEY_ID=AKIA\nTOKEN=Bearer t0p"


def test_a_secret_that_is_not_there_is_refused_by_name(pipeline: Any) -> None:
    fields = {"secrets": ["lake"], "secret_keys": {"lake": ["KEY"]}}
    ended = pipeline.launch(pipeline.document("keys", command={"argv": [["true"]]}, **fields))
    assert ended.code == 64
    assert "secret lake has no key KEY here: set MLWRIGHT_SECRET_LAKE__KEY" in ended.err


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        ([["no-such-command-here"]], 127, "the command 'no-such-command-here' was not found"),
        ([["/etc"]], 126, "cannot be executed"),
        ([], 64, "has no command"),
        ([[{"ref": "params.nope"}]], 64, "does not say what ${params.nope} is"),
        ([["a\0b"]], 64, "NUL"),
    ],
)
def test_a_command_that_cannot_start_says_why(pipeline: Any, argv: list[Any], code: int, said: str) -> None:
    ended = pipeline.launch(pipeline.document("bad", command={"argv": argv}))
    assert ended.code == code
    assert said in ended.err
    assert "Traceback" not in ended.err
    assert pipeline.only(step="steps.bad")["status"] == "FAILED"


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "cannot read the step document"), ("[]", "version 1"), ('{"version": 2}', "version 1")],
)
def test_a_bad_document_is_refused(pipeline: Any, text: str, said: str) -> None:
    path = pipeline.folder / "bad.json"
    path.write_text(text)
    runtime = Path(__file__).parents[3] / "compiler" / "mlwright" / "runtime"
    words = [sys.executable, "-S", str(runtime / "step.py"), str(path)]
    done = subprocess.run(words, env=pipeline.env(), capture_output=True, text=True, check=False)
    assert done.returncode == 64
    assert said in done.stderr


def test_a_tracking_server_that_is_away_is_said_with_exit_69(pipeline: Any) -> None:
    document = pipeline.document("away", command={"argv": [["true"]]})
    ended = pipeline.launch(document, MLFLOW_TRACKING_URI="http://127.0.0.1:9", MLWRIGHT_PATIENCE="0.3")
    assert ended.code == 69
    assert "cannot reach the tracking server http://127.0.0.1:9" in ended.err
    assert "Traceback" not in ended.err


def test_a_tracking_address_that_is_no_server_is_refused(pipeline: Any) -> None:
    ended = pipeline.launch(pipeline.document("x", command={"argv": [["true"]]}), MLFLOW_TRACKING_URI="sqlite:///x.db")
    assert (ended.code, "must be an http(s) address" in ended.err) == (64, True)
