"""The AI gateway: MLflow's file, and where the providers' keys come from."""

from __future__ import annotations

from typing import Any

import pytest

from mlwright import ir
from mlwright.emit.gateway import resolve
from mlwright.platform.gateway import given, key_of
from mlwright.testing import programs

SECRETS = (
    ir.Secret(name="open-ai", keys=("KEY",)),
    ir.Secret(name="aws", keys=("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")),
    ir.Secret(name="both", keys=("OPENAI_API_KEY", "ORGANISATION")),
)


def endpoint(**fields: Any) -> Any:
    """The only endpoint of a gateway, and the gateway's secrets."""
    source = {"type": "chat", "provider": "openai", "model": "m", **fields}
    made = resolve(programs.tracking(gateway=(("chat", source),)), SECRETS, config="/etc/x")
    (only,) = made.config["endpoints"]
    secrets = {name: ref.path for name, (ref,) in made.env if isinstance(ref, ir.Ref)}
    return only, secrets


def test_the_key_of_a_secret_is_a_variable_in_the_file() -> None:
    made, secrets = endpoint(secret="open-ai", settings={"openai_api_base": "https://x"}, limit={"calls": 3})
    assert made == {
        "name": "chat",
        "endpoint_type": "llm/v1/chat",
        "model": {
            "provider": "openai",
            "name": "m",
            "config": {"openai_api_key": "$OPEN_AI__KEY", "openai_api_base": "https://x"},
        },
        "limit": {"calls": 3, "renewal_period": "minute"},
    }
    assert secrets == {"OPEN_AI__KEY": "secrets.open-ai.KEY"}


def test_of_several_keys_the_one_of_that_name_is_taken() -> None:
    made, secrets = endpoint(secret="both", provider="azure", type="embeddings")
    assert made["model"]["config"] == {"openai_api_key": "$BOTH__OPENAI_API_KEY"}
    assert made["endpoint_type"] == "llm/v1/embeddings"
    assert secrets == {"BOTH__OPENAI_API_KEY": "secrets.both.OPENAI_API_KEY"}


def test_a_key_that_stands_deeper_is_put_there() -> None:
    settings = {"litellm_provider": "x", "litellm_auth_config": {"api_base": "https://x"}}
    made, _ = endpoint(secret="open-ai", provider="litellm", settings=settings)
    assert made["model"]["config"] == {
        "litellm_auth_config": {"api_key": "$OPEN_AI__KEY", "api_base": "https://x"},
        "litellm_provider": "x",
    }


def test_providers_that_look_into_the_environment_find_their_own_names_there() -> None:
    made, secrets = endpoint(secret="aws", provider="bedrock")
    assert made["model"]["config"] == {"aws_config": {}}
    assert secrets == {name: f"secrets.aws.{name}" for name in SECRETS[1].keys}


def test_a_provider_without_settings_has_an_empty_mapping_because_mlflow_wants_one() -> None:
    assert endpoint(provider="ollama")[0]["model"]["config"] == {}


def test_what_the_settings_say_is_not_changed() -> None:
    made, secrets = endpoint(secret="open-ai", settings={"openai_api_key": "$MINE"})
    assert (made["model"]["config"], secrets) == ({"openai_api_key": "$MINE"}, {})


def test_the_command_names_the_file_and_the_port() -> None:
    made = resolve(programs.tracking(gateway=()), (), config="/etc/x", host="127.0.0.1", port=9)
    assert " ".join(made.argv) == "mlflow gateway start --config-path /etc/x/gateway.yaml --host 127.0.0.1 --port 9"


@pytest.mark.parametrize(
    ("keys", "expected"),
    [(("A",), "A"), (("A", "B"), ""), (("A", "X_API_KEY"), "X_API_KEY"), (("A_API_KEY", "B_API_KEY"), "")],
)
def test_it_has_to_be_clear_which_key_is_the_one(keys: tuple[str, ...], expected: str) -> None:
    assert key_of(keys, ("openai_api_key",)) == expected


def test_a_key_is_given_where_every_part_of_its_place_is() -> None:
    assert given({"a": {"b": "x"}}, ("a", "b"))
    assert not given({"a": "x"}, ("a", "b"))
    assert not given(None, ("a",))
