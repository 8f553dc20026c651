"""Providers of MLflow's AI gateway, and where each wants its API key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlwright.ir import Json

KEYS: Mapping[str, tuple[str, ...]] = {
    "ai21labs": ("ai21labs_api_key",),
    "amazon-bedrock": (),
    "anthropic": ("anthropic_api_key",),
    "azure": ("openai_api_key",),
    "bedrock": (),
    "cohere": ("cohere_api_key",),
    "databricks": (),
    "databricks-model-serving": (),
    "deepseek": ("api_key",),
    "gemini": ("gemini_api_key",),
    "groq": ("api_key",),
    "huggingface-text-generation-inference": (),
    "litellm": ("litellm_auth_config", "api_key"),
    "mistral": ("mistral_api_key",),
    "mlflow-model-serving": (),
    "mosaicml": ("mosaicml_api_key",),
    "ollama": ("api_key",),
    "openai": ("openai_api_key",),
    "openrouter": ("api_key",),
    "palm": ("palm_api_key",),
    "portkey": ("api_key",),
    "sap-ai-core": (),
    "togetherai": ("togetherai_api_key",),
    "typesafe": ("typesafe_api_key",),
    "vertex_ai": (),
    "xai": ("api_key",),
}
"""Every provider, with the place of the API key in its settings; empty where the environment has what it needs."""
OPTIONAL = frozenset({"litellm", "ollama"})
"""Providers that work without a key."""


def key_of(keys: Sequence[str], place: Sequence[str]) -> str:
    """Which of a secret's keys goes to `place`: the only one, or the one whose name says so; empty where that is
    unclear."""
    if len(keys) == 1:
        return keys[0]
    named = [key for key in keys if key.lower() == place[-1] or key.lower().endswith("api_key")]
    return named[0] if len(named) == 1 else ""


def given(settings: Json, place: Sequence[str]) -> bool:
    """Whether a provider's settings say the API key themselves."""
    for part in place:
        settings = settings.get(part) if isinstance(settings, dict) else None
    return settings is not None
