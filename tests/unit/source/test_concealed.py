"""Source lines are shown to reviewers and kept in logs: what looks like a secret is not in them."""

from __future__ import annotations

import pytest

from mlwright.source.secrets_text import conceal


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('env: {DB_PASSWORD: "letmein", MODE: fast}', 'env: {DB_PASSWORD: "*******", MODE: fast}'),
        ("command: [load.py, --password, letmein]", "command: [load.py, --password, *******]"),
        ("command: load.py --password letmein -v", "command: load.py --password ******* -v"),
        ("command: load.py --password=letmein", "command: load.py --password=*******"),
        ("url: postgres://app:letmein@db/x", "url: " + "*" * 23 + "db/x"),
        ("secret: hunter2", "secret: *******"),
        ("- AKIAABCDEFGHIJKLMNOP", "- " + "*" * 20),
    ],
)
def test_a_secret_is_stars_of_the_same_length(line: str, shown: str) -> None:
    assert conceal(line) == shown
    assert len(conceal(line)) == len(line)


def test_a_private_key_is_stars_over_all_its_lines() -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nabc\n  def\n-----END RSA PRIVATE KEY-----\nnext: line\n"
    assert conceal(key) == key.replace("abc", "***").replace("def", "***")


@pytest.mark.parametrize(
    "line",
    [
        "secrets: {lake: {keys: [AWS_SECRET_ACCESS_KEY], remote: ml/lake}}",
        'env: {TOKEN: "${secrets.lake.TOKEN}"}',
        "params: {max_token: 20}",
        "auth: {type: basic, secret: mlflow-user, admin: mlflow-admin}",
        "command: [python, train.py, --epochs, 10]",
    ],
)
def test_what_is_no_secret_is_shown(line: str) -> None:
    assert conceal(line) == line
