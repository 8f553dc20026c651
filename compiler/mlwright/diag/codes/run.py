"""RUN: what stops a local run, before it starts and on its way."""

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="RUN001",
        title="which pipeline?",
        explanation=(
            "`mlwright run` runs one pipeline: the one that `--pipeline` names, else the one called `main`, else "
            "the only one there is. Either the name does not exist, or there are several and none is `main`. Name "
            "one of those that the message lists."
        ),
        bad="mlwright run --pipeline retrian",
        good="mlwright run --pipeline retrain",
    ),
    Code(
        code="RUN002",
        title="a parameter of the command line is not usable",
        explanation=(
            "`--param NAME=VALUE` sets a declared parameter for this run. The name must be declared under `params`, "
            "and the value is read by the declared type and held to `min`, `max` and the choices, exactly as the "
            "launcher would do later: refusing it now costs nothing."
        ),
        bad="mlwright run --param epochs=many",
        good="mlwright run --param epochs=3",
    ),
    Code(
        code="RUN003",
        title="a parameter has no value",
        explanation=(
            "A parameter without a default must get its value from an environment's overlay, from the pipeline, "
            "from tuning, or from `--param` on the command line. A step of this run needs it and nothing gives it "
            "one."
        ),
        bad="params: {epochs: {type: int}}",
        good="params: {epochs: {type: int, default: 10}}",
    ),
    Code(
        code="RUN004",
        title="a secret has no value here",
        explanation=(
            "Secrets are references in the spec; for a local run their values come from the process environment or "
            "from a file `.env` beside the spec, under the name `<SECRET>__<KEY>` in upper case with `_` for `-`. A "
            "step that will certainly run needs this one. A step that may be skipped (`when`, `run_if: failed`) "
            "fails only when its turn comes. Never commit `.env`."
        ),
        bad="mlwright run  # with `secrets: {lake: {keys: [TOKEN]}}` in use",
        good="LAKE__TOKEN=... mlwright run",
    ),
    Code(
        code="RUN005",
        title="this search algorithm runs under Katib only",
        explanation=(
            "Population based training hands checkpoints from one generation of trials to the next, which the local "
            "search service does not do; running something else under the same name would give another result than "
            "the cluster. Give the local environment an algorithm that both have: random, grid, tpe, multivariate-"
            "tpe, sobol, cmaes, hyperband or bayesianoptimization."
        ),
        bad="tuning: {algorithm: pbt}  # in an environment on `local`",
        good="environments: {local: {platform: local, tuning: {algorithm: random}}}",
    ),
    Code(
        code="RUN006",
        title="the local twin is not installed",
        explanation=(
            "`mlwright run` starts a real MLflow server and real Optuna searches. They are not part of the light "
            "core: install the extra `local` into the environment that mlwright itself runs in."
        ),
        bad="pip install mlwright && mlwright run",
        good="pip install 'mlwright[local]' && mlwright run",
    ),
    Code(
        code="RUN007",
        title="this environment does not run on this machine",
        explanation=(
            "A run takes environments whose `platform` is `local` or `compose`. An environment with a platform file "
            "describes a cluster: compile it and apply the output there. A tracking server that only a cluster or a "
            "service has cannot be started here either."
        ),
        bad="mlwright run --env prod",
        good="mlwright run --env local",
    ),
    Code(
        code="RUN008",
        title="another run is at work in this folder",
        explanation=(
            "The tracking server of a run keeps its database in `.mlwright/`, and two servers on one database would "
            "get in each other's way. Wait for the other run, or let both use one server: start it yourself and set "
            "MLFLOW_TRACKING_URI to its loopback address."
        ),
        bad="mlwright run & mlwright run",
        good="mlwright run && mlwright run",
    ),
    Code(
        code="RUN009",
        title="the tracking server did not start",
        explanation=(
            "Steps exchange everything through an MLflow server. Our own one ended or did not answer on /health "
            "within two minutes: the last lines of its log are shown. The given one (`tracking.server`, or a "
            "loopback address in MLFLOW_TRACKING_URI) did not answer: check the address and that it is up."
        ),
        bad="MLFLOW_TRACKING_URI=http://127.0.0.1:5999 mlwright run  # nothing listens there",
        good="mlwright run",
    ),
    Code(
        code="RUN010",
        title="a step failed",
        explanation=(
            "The step's program ended with an error, or the launcher refused to go on: 64 a bad parameter or "
            "document, 65 a declared output is missing, 66 an input was not found, 69 the tracking server could not "
            "be reached, 124 its timeout passed. The last lines of its log are shown with the path of the whole. "
            "Steps that need it were not started; `mlwright run --resume RUN` goes on from what is finished."
        ),
        bad="training: {command: [python, -c, 'raise SystemExit(3)']}",
        good="training: {command: [python, train.py]}",
    ),
    Code(
        code="RUN011",
        title="a gate failed",
        explanation=(
            "A gate compares a metric of this run with a limit, or with the model that an alias points to. It did "
            "not pass, so nothing behind it ran and nothing was registered. That is what gates are for: the model "
            "is not good enough. With `on_fail: stop` the run ends here without being a failure."
        ),
        bad="evaluation: {gates: {floor: {metric: auc, min: 1.1}}}",
        good="evaluation: {gates: {floor: {metric: auc, min: 0.85}}}",
    ),
    Code(
        code="RUN012",
        title="the tracking server ended during the run",
        explanation=(
            "The MLflow server that this run started ended by itself or was killed, often for lack of memory or "
            "disk space. Nothing can be recorded any more, so all steps were stopped. The last lines of its log are "
            "shown; `mlwright run --resume RUN` goes on from what is finished."
        ),
        bad="kill the `mlflow server` process of a run",
        good="mlwright run --resume RUN",
    ),
    Code(
        code="RUN013",
        title="the endpoint does not serve",
        explanation=(
            "The model was registered, but its server ended, did not answer within `health.startup`, or did not "
            "answer the request of `smoke_test` with a success. The last lines of its log are shown. A common cause "
            "is a package that the model needs and this environment lacks, or a request that does not fit its "
            "signature."
        ),
        bad="serving: {online: {smoke_test: {request: tests/wrong.json}}}",
        good="serving: {online: {smoke_test: {request: tests/request.json}}}",
    ),
    Code(
        code="RUN014",
        title="no such run to resume",
        explanation=(
            "`--resume` takes the id of an earlier run of this folder, or a beginning of it that fits one run only. "
            "The ids are the folders in `.mlwright/runs/`, and every run's summary prints its own."
        ),
        bad="mlwright run --resume nothing",
        good="mlwright run --resume 3f2a",
    ),
    Code(
        code="RUN015",
        title="the container engine could not start everything",
        explanation=(
            "Compose, or a service that no line of the project stands for (the one that prepares volumes, the one that "
            "opens the run), failed before the first step could. What it said is shown: a taken port, an image that "
            "cannot be pulled or built, a full disk. Mend that and start `mlwright up` again: it goes on."
        ),
        bad="mlwright up  # while port 5000 is taken",
        good="MLWRIGHT_PORT_MLFLOW=5001 mlwright up",
    ),
)
