"""MLflow's autologging for programs that do not ask for it: a `sitecustomize` that turns a library's flavour on."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, Sequence


SITECUSTOMIZE = '''
"""Turns MLflow's autologging on when a library is imported; then runs the image's own sitecustomize, if any."""
import importlib.machinery, os, sys
here = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [p for p in sys.path if os.path.abspath(p or ".") != here]
MODULES = {"pytorch": ("lightning", "pytorch_lightning"), "spark": ("pyspark",)}
asked = os.environ.pop("MLWRIGHT_AUTOLOG", "")
watched = {}
for word in asked.split(","):
    flavour, _, mode = word.partition(":")
    for module in MODULES.get(flavour, (flavour,)) if flavour else ():
        watched[module] = (flavour, mode)
def turn_on(flavour, mode):
    try:
        import importlib
        autolog = importlib.import_module("mlflow." + flavour).autolog
        try:
            autolog(**({"log_models": False} if mode == "light" else {}))
        except TypeError:
            autolog()
    except Exception as error:
        sys.stderr.write("mlwright: autolog of %s is off: %s\\n" % (flavour, error))
class Loader:
    def __init__(self, inner, words): self.inner, self.words = inner, words
    def __getattr__(self, name): return getattr(self.inner, name)
    def create_module(self, spec): return self.inner.create_module(spec)
    def exec_module(self, module):
        self.inner.exec_module(module)
        turn_on(*self.words)
class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name not in watched:
            return None
        words = watched.pop(name)
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target) if finder is not Finder else None
            if spec is not None and spec.loader is not None:
                spec.loader = Loader(spec.loader, words)
                return spec
        return None
if watched:
    sys.meta_path.insert(0, Finder)
own = importlib.machinery.PathFinder.find_spec("sitecustomize", sys.path)
if own is not None and own.loader is not None:
    import importlib.util
    module = importlib.util.module_from_spec(own)
    sys.modules["sitecustomize"] = module
    own.loader.exec_module(module)
'''


def with_autolog(env: Dict[str, str], flavours: Sequence[str], folder: str, models: bool) -> None:
    """Puts a folder with our `sitecustomize` before PYTHONPATH."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "sitecustomize.py"), "w", encoding="utf-8") as stream:
        stream.write(SITECUSTOMIZE)
    env["PYTHONPATH"] = folder + (os.pathsep + env["PYTHONPATH"] if env.get("PYTHONPATH") else "")
    env["MLWRIGHT_AUTOLOG"] = ",".join("%s:%s" % (f, "full" if models else "light") for f in flavours)
