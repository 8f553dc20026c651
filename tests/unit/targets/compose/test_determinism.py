"""The same bytes, whatever the process."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import hashlib
from mlwright.emit import files
from mlwright.testing import programs
from mlwright_compose import ComposeTarget
made = files.render([("compose", ComposeTarget().emit(programs.churn(), programs.context()))])
print(hashlib.sha256(repr(made.files).encode()).hexdigest())
"""


def test_two_processes_with_other_seeds_places_and_languages_emit_the_same(tmp_path: Path) -> None:
    digests = set()
    for seed, zone, language in (("0", "UTC", "C"), ("4711", "Asia/Tokyo", "tr_TR.UTF-8")):
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "PYTHONHASHSEED": seed,
            "TZ": zone,
            "LC_ALL": language,
        }
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        digests.add(done.stdout)
    assert len(digests) == 1
    assert len(digests.pop().strip()) == hashlib.sha256().digest_size * 2
