"""Reviews that tests make by hand: a usual one, and as hostile and large ones as Hypothesis finds."""

from __future__ import annotations

from hypothesis import strategies as st

from mlwright.diag import Diagnostic, Label
from mlwright.ir import Json
from mlwright.review.model import (
    RISKS,
    Beyond,
    EnvironmentReview,
    FieldChange,
    Hazard,
    Load,
    ObjectChange,
    ProjectReview,
    Remark,
    Review,
)
from mlwright.span import Span

GRAPH = """\
flowchart LR
  n0["features"]
  n1["training"]
  n0 --> n1
  class n1 changed
"""


def usual() -> Review:
    """What a pull request that moves training to four GPUs and grows a volume may come to."""
    gpus = Hazard(risk="cost", reason="2,920 GPU-hours more in a month", rule="gpus")
    volume = Hazard(risk="data-loss", reason="the claim is made anew: what it holds is gone", rule="claim")
    training = ("training", "resources", "gpu", "count")
    return Review(
        base="main",
        head="four-gpus",
        projects=(
            ProjectReview(
                spec="examples/vision/mlproject.yaml",
                name="vision",
                status="changed",
                remarks=(
                    Remark(
                        section="training",
                        text="GPUs 1 -> 4",
                        path=training,
                        environments=("prod",),
                        span=Span("mlproject.yaml", 12, 5, 12, 9),
                        before=1,
                        after=4,
                        hazards=(gpus,),
                    ),
                    Remark(
                        section="tuning",
                        text="trials 20 -> 40, in parallel 2 -> 4",
                        path=("tuning", "trials"),
                        environments=("staging", "prod"),
                        everywhere=True,
                    ),
                ),
                environments=(
                    EnvironmentReview(name="staging", status="same"),
                    EnvironmentReview(
                        name="prod",
                        status="changed",
                        objects=(
                            ObjectChange(
                                action="change",
                                target="kubernetes",
                                file="kubernetes/training.yaml",
                                kind="TrainJob",
                                name="training",
                                namespace="ml",
                                fields=(
                                    FieldChange(
                                        path=("spec", "trainer", "numNodes"), before=1, after=4, origin=training
                                    ),
                                    FieldChange(
                                        path=("spec", "env", "name=DB_PASSWORD", "value"),
                                        after="hunter2-is-no-secret",
                                        added=True,
                                    ),
                                    FieldChange(
                                        path=("data", "run.sh"),
                                        before="set -e\npython train.py --gpus 1\n",
                                        after="set -e\npython train.py --gpus 4\n",
                                    ),
                                ),
                                hazards=(gpus,),
                            ),
                            ObjectChange(
                                action="replace",
                                target="kubernetes",
                                file="kubernetes/storage.yaml",
                                kind="PersistentVolumeClaim",
                                name="work",
                                namespace="ml",
                                hazards=(volume,),
                                fields=(FieldChange(path=("spec", "storageClassName"), before="slow", after="fast"),),
                            ),
                            ObjectChange(
                                action="add",
                                target="kubernetes",
                                file="kubernetes/monitor.yaml",
                                kind="ConfigMap",
                                name="monitor",
                            ),
                        ),
                        before=Load(cpu_hours=100.0, gpu_hours=(("a100", 730.0),), storage=50.0, price=1200.0),
                        after=Load(cpu_hours=100.0, gpu_hours=(("a100", 3650.0),), storage=80.0, price=5000.0),
                        beyond=(Beyond(file="kubernetes/service.yaml", why="hand"),),
                        findings=(
                            Diagnostic(
                                code="STEP003",
                                message="the output `table` is never read",
                                at=Label(span=Span("mlproject.yaml", 7, 3, 7, 8)),
                                help="remove it",
                                severity="warning",
                            ),
                        ),
                    ),
                ),
                graphs=(("prod", GRAPH),),
            ),
        ),
    )


NASTY = (
    "</details>",
    "<img src=x onerror=alert(1)>",
    "![x](https://evil.example/a.png)",
    "@octocat",
    "@org/team",
    "someone@evil.example",
    "#123",
    "GH-12",
    "acme/app#7",
    "www.evil.example",
    "https://evil.example/?a=b",
    "``````",
    "`",
    "|",
    "\\|",
    "~~~",
    ":boom:",
    "$a$",
    "$`x`$",
    "<!-- mlwright:review -->",
    "-->",
    "]]>",
    "<script>alert(1)</script>",
    "&lt;b&gt;&#64;octocat",
    "\u202egnp.exe",
    "\u200b\u200d\ufeff\u2066",
    "\x00\x07\x1b[31m",
    "👩‍🔬🏳️‍🌈🎉",
    "\r\n\r\n# heading",
    "\n\n- [ ] task",
    "\n---\n",
    "***bold***",
    "[link](javascript:alert(1))",
    "[ref]: https://evil.example",
    "1. one",
    "- - -",
    "+ x",
    "> quote",
    "    indented",
    "deadbeefcafe",
    "a b " * 20,
    "é" * 50,
    "\ud800",
    "\U0001f600" * 400,
    "x" * 5_000,
    "`" * 300,
)
texts = st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=30)), max_size=4).map("".join)
names = st.one_of(st.sampled_from(("prod", "staging", "local")), texts)
values: st.SearchStrategy[Json] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), texts),
    lambda below: st.one_of(st.lists(below, max_size=3), st.dictionaries(texts, below, max_size=3)),
    max_leaves=5,
)
paths = st.lists(st.one_of(texts, st.integers(0, 9)), max_size=4).map(tuple)
hazards = st.lists(st.builds(Hazard, risk=st.sampled_from(RISKS), reason=texts, rule=texts), max_size=2).map(tuple)
fields = st.lists(
    st.builds(FieldChange, path=paths, before=values, after=values, added=st.booleans(), removed=st.booleans()),
    max_size=4,
).map(tuple)
spans = st.one_of(st.none(), st.builds(Span, texts, *[st.integers(1, 10**9)] * 4))
findings = st.lists(
    st.builds(
        Diagnostic,
        code=texts,
        message=texts,
        help=texts,
        at=st.builds(Label, span=spans),
        severity=st.sampled_from(("error", "warning", "note")),
    ),
    max_size=3,
).map(tuple)
objects = st.lists(
    st.builds(
        ObjectChange,
        action=st.sampled_from(("add", "change", "replace", "remove")),
        target=texts,
        file=texts,
        kind=texts,
        name=texts,
        namespace=texts,
        was=texts,
        fields=fields,
        hazards=hazards,
    ),
    max_size=4,
).map(tuple)
numbers = st.floats(allow_nan=False)
loads = st.one_of(
    st.none(),
    st.builds(
        Load,
        cpu_hours=numbers,
        gpu_hours=st.lists(st.tuples(texts, numbers), max_size=3).map(tuple),
        storage=numbers,
        price=st.one_of(st.none(), numbers),
        currency=texts,
        bound=st.booleans(),
        unknown=st.lists(texts, max_size=3).map(tuple),
    ),
)
environments = st.lists(
    st.builds(
        EnvironmentReview,
        name=names,
        status=st.sampled_from(("added", "changed", "removed", "same")),
        objects=objects,
        before=loads,
        after=loads,
        beyond=st.lists(
            st.builds(Beyond, file=texts, why=st.sampled_from(("hand", "compiler", "stale")), fields=fields), max_size=2
        ).map(tuple),
        findings=findings,
        compiled=st.booleans(),
    ),
    max_size=3,
).map(tuple)
remarks = st.lists(
    st.builds(
        Remark,
        section=texts,
        text=texts,
        path=paths,
        environments=st.lists(names, max_size=12).map(tuple),
        everywhere=st.booleans(),
        hazards=hazards,
    ),
    max_size=4,
).map(tuple)
projects = st.builds(
    ProjectReview,
    spec=texts,
    name=texts,
    status=st.sampled_from(("added", "changed", "removed")),
    remarks=remarks,
    environments=environments,
    graphs=st.lists(st.tuples(names, texts.map(lambda text: text.replace("\u200b", "?"))), max_size=2).map(tuple),
    findings=findings,
)
reviews = st.builds(
    Review,
    base=texts,
    head=texts,
    projects=st.lists(projects, max_size=2).map(tuple),
    notes=st.lists(texts, max_size=3).map(tuple),
)
