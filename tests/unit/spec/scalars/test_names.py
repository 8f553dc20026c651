"""Names of all kinds."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from mlwright.spec.explanation import adapter
from mlwright.spec.scalars import names

ACCEPTED = [
    (names.Name, ["a", "profile-data", "a_b", "a" * 40]),
    (names.ParamName, ["lr", "learning_rate", "a1"]),
    (names.ProjectName, ["churn", "a-b-1"]),
    (names.NamePrefix, ["ann-", "ann", "a" * 40]),
    (names.NamespaceName, ["churn-prod", "1st", "a" * 63]),
    (names.EnvName, ["NCCL_DEBUG", "_x", "lower"]),
    (names.SecretKey, ["uri", "AWS_ACCESS_KEY_ID"]),
    (names.LabelKey, ["team", "example.com/team", "a.b_c-d"]),
    (names.LabelValue, ["", "4711", "a.b_c-d"]),
    (names.ResourceName, ["rdma/roce_gdr", "nvidia.com/mig-1g.5gb"]),
    (names.NodePath, ["training", "steps.a-b", "models.ranker.training", "serving.online"]),
    (names.ModelName, ["churn", "main.default.churn", "Churn model"]),
    (names.Alias, ["champion", "v-next"]),
]
REFUSED = [
    (names.Name, "NAME001", "Features", "`features`"),
    (names.Name, "NAME001", "myStep", "`my-step`"),
    (names.Name, "NAME001", "a.b", "`a-b`"),
    (names.Name, "NAME001", "1st", "begin with a letter"),
    (names.Name, "NAME001", "a" * 41, f"`{'a' * 40}`"),
    (names.Name, "NAME001", "a\n", "`a`"),
    (names.ParamName, "NAME002", "learning-rate", "`learning_rate`"),
    (names.ParamName, "NAME002", "lerntempo_ä", "`lerntempo`"),
    (names.ProjectName, "NAME003", "Churn_Model", "`churn-model`"),
    (names.ProjectName, "NAME003", "a-", "`a`"),
    (names.NamePrefix, "NAME003", "Ann_Lee", "`ann-lee-`"),
    (names.NamePrefix, "NAME003", "-", "a letter first"),
    (names.NamespaceName, "NAME004", "Churn", "`churn`"),
    (names.EnvName, "NAME005", "my-var", "`my_var`"),
    (names.EnvName, "NAME005", "MLWRIGHT_RUN", "launcher"),
    (names.EnvName, "NAME005", "1A", "no digit first"),
    (names.SecretKey, "NAME006", "access-key", "`access_key`"),
    (names.LabelKey, "NAME007", "cost center", "`team`"),
    (names.LabelKey, "NAME007", "a/b/c", "`team`"),
    (names.LabelValue, "NAME008", "Growth ML", "annotations"),
    (names.LabelValue, "NAME008", "a" * 64, "at most 63"),
    (names.ResourceName, "NAME009", "gpu/", "vendor.example"),
    (names.NodePath, "NAME010", "${steps.a}", "`steps.a`"),
    (names.NodePath, "NAME010", "steps/a", "`steps.features`"),
    (names.ModelName, "NAME011", "acme/churn", "leave out"),
    (names.Alias, "NAME012", "latest", "champion"),
    (names.Alias, "NAME012", "v3", "champion"),
    (names.Alias, "NAME012", "Champion", "`champion`"),
]


@pytest.mark.parametrize(("kind", "texts"), ACCEPTED)
def test_good_names_are_kept(kind: object, texts: list[str]) -> None:
    assert [adapter(kind).validate_python(text) for text in texts] == texts


@pytest.mark.parametrize(("kind", "code", "text", "help_"), REFUSED)
def test_bad_names_are_refused_with_a_better_one(kind: object, code: str, text: str, help_: str) -> None:
    with pytest.raises(ValidationError) as caught:
        adapter(kind).validate_python(text)
    error = caught.value.errors()[0]
    assert error["type"] == code
    assert help_ in error["ctx"]["help"]
    assert repr(text)[1:-1].split("\\")[0] in error["msg"]
