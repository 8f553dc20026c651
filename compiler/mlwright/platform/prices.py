"""The price file that a platform file names: what an hour or a month of each thing costs. Only `diff` shows prices;
the output never depends on them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mlwright.diag import Bag, Diagnostic, Label
from mlwright.platform.profile import Profile
from mlwright.source.files import FileTree
from mlwright.source.load import load_file
from mlwright.source.suggest import closest
from mlwright.source.tree import located, plain
from mlwright.spec.validate import read

if TYPE_CHECKING:
    from mlwright.platform.pricing import Prices

ID = "https://mlwright.dev/schemas/prices.v1.schema.json"


def read_prices(files: FileTree, folder: str, platform: str, profile: Profile) -> tuple[Prices | None, Bag]:
    """The prices of a platform, or None where it names no price file or that one has errors. `platform` is the platform
    file's path as the environment names it, from the project's `folder`; the price file stands beside it."""
    named = profile.written.prices if profile.written else None
    if named is None:
        return None, Bag()
    here = posixpath.dirname(posixpath.normpath(posixpath.join(folder, platform)))
    because = Label(path=("prices",), span=profile.place(Label(path=("prices",))) if profile.place else None)
    tree, bag = load_file(files, posixpath.normpath(posixpath.join(here, named)), because=because)
    if tree is None or bag.failed:
        return None, bag
    from mlwright.platform.pricing import Prices

    prices, found = read(Prices, plain(tree), tree)
    bag.extend(located(found, tree))
    if prices is not None:
        bag.extend(located(Bag(_check(prices, profile)), tree))
    return (None if bag.failed else prices), bag


def _check(prices: Prices, profile: Profile) -> Iterator[Diagnostic]:
    known = profile.names("gpus")
    for name in prices.gpu_hour:
        if name in known or "/" in name:
            continue
        near = closest(name, sorted(known))
        yield Diagnostic(
            code="PRICE001",
            message=f"the platform file has no GPU model `{name}`",
            at=Label(path=("gpu_hour", name), on="key"),
            help=f"did you mean `{near}`?"
            if near
            else "write a name of its `gpus`, or a resource like `nvidia.com/gpu`",
        )
    for name in sorted(known):
        if name not in prices.gpu_hour and profile.gpu(name).resource not in prices.gpu_hour:
            yield Diagnostic(
                code="PRICE002",
                severity="warning",
                message=f"GPU model `{name}` has no price, so its hours are shown and not counted",
                at=Label(path=("gpu_hour",), on="key"),
                help=f"add `{name}: PRICE` to `gpu_hour`",
            )


def json_schema() -> dict[str, Any]:
    """The schema of one price file, draft 2020-12."""
    from mlwright.platform.pricing import Prices
    from mlwright.spec.schema import plain_schema

    return plain_schema(Prices, ID)
