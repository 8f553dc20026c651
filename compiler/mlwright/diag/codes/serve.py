"""SERVE: endpoints and routes."""

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="SERVE001",
        title="a number of copies that cannot be",
        explanation=(
            "`replicas.min` copies always run and up to `replicas.max` are added under load, so `min` cannot be above "
            "`max`, and `max` is at least 1. `min: 0` lets an endpoint sleep until a request comes. Look at the "
            "environments too: one may set `min` and another file `max`."
        ),
        bad="serving: {online: {replicas: {min: 5, max: 2}}}",
        good="serving: {online: {replicas: {min: 2, max: 5}}}",
    ),
    Code(
        code="SERVE002",
        title="several mirrors of one endpoint",
        explanation=(
            "A mirror gets a copy of every request and its answers are thrown away. Routers copy a request to one "
            "mirror only. Keep one, and give the others a percentage."
        ),
        bad="serving: {online: {variants: {a: {model: x, traffic: mirror}, b: {model: y, traffic: mirror}}}}",
        good="serving: {online: {variants: {a: {model: x, traffic: mirror}, b: {model: y, traffic: 5}}}}",
    ),
    Code(
        code="SERVE003",
        title="a variant of the same model",
        severity="warning",
        explanation=(
            "The variant serves exactly what the endpoint, or another variant, serves already. Nothing can be learnt "
            "from comparing the two. Point it at another alias, or remove it."
        ),
        bad="serving: {online: {model: '${registry.m@champion}', variants: {b: {model: '${registry.m@champion}'}}}}",
        good="serving: {online: {model: '${registry.m@champion}', variants: {b: {model: '${registry.m@challenger}'}}}}",
    ),
    Code(
        code="SERVE004",
        title="two endpoints at one address",
        explanation=(
            "Host and path together are the address, and a request can go to one endpoint only: which one would "
            "depend on the gateway. Give one another path or host, or make them variants of one endpoint."
        ),
        bad="serving: {a: {expose: {host: m.example.com}}, b: {expose: {host: m.example.com}}}",
        good="serving: {a: {expose: {host: m.example.com, path: /a}}, b: {expose: {host: m.example.com, path: /b}}}",
    ),
    Code(
        code="SERVE005",
        title="a protocol that the server does not speak",
        explanation=(
            "`format: mlflow` is served by MLflow's own scoring server, which has /invocations and /ping, but not the "
            "/v2 paths of the Open Inference Protocol. Use `mlflow` as protocol, choose a format that a serving "
            "runtime of the platform knows (sklearn, xgboost, onnx ...), or bring a server of your own with `image` "
            "and `command`."
        ),
        bad="serving: {online: {format: mlflow, protocols: [open-inference-v2]}}",
        good="serving: {online: {format: mlflow, protocols: [mlflow]}}",
    ),
    Code(
        code="SERVE006",
        title="a protocol is listed twice",
        severity="warning",
        explanation="Each protocol is listed once; the second mention has no effect.",
        bad="serving: {online: {protocols: [mlflow, mlflow]}}",
        good="serving: {online: {protocols: [mlflow]}}",
    ),
    Code(
        code="SERVE007",
        title="a smoke test that cannot be sent",
        explanation=(
            "`smoke_test.request` is the body of an HTTP request, and the endpoint speaks no protocol over HTTP. Add "
            "one, for example `open-inference-v2` beside `grpc`, or leave the smoke test out."
        ),
        bad="serving: {online: {protocols: [grpc], smoke_test: {request: tests/request.json}}}",
        good="serving: {online: {protocols: [grpc, open-inference-v2], smoke_test: {request: tests/request.json}}}",
    ),
    Code(
        code="SERVE008",
        title="a reference without a value in an endpoint",
        explanation=(
            "An endpoint or a notebook is not part of a run: it has no outputs, items, trial or status, and of models "
            "only the one under its `model` is fetched for it. Parameters, data, secrets, storage and that model can "
            "stand in its command, arguments and variables. Data at an address is downloaded by the launcher, which "
            "starts endpoints that have a `model`; elsewhere write `${data.NAME.uri}`."
        ),
        bad="serving: {online: {model: '${registry.m@champion}', image: x, command: [serve, '${run.status}']}}",
        good="serving: {online: {model: '${registry.m@champion}', image: x, command: [serve, '${params.size}']}}",
    ),
    Code(
        code="SERVE010",
        title="a route to an unknown endpoint",
        explanation=(
            "`to` takes paths of endpoints or other routes of this file: `serving.NAME`. There is none of this name "
            "in this environment."
        ),
        bad="serving: {a: {model: x}, both: {type: route, mode: ensemble, to: [serving.a, serving.b]}}",
        good="serving: {a: {model: x}, b: {model: y}, both: {type: route, mode: ensemble, to: [serving.a, serving.b]}}",
    ),
    Code(
        code="SERVE011",
        title="routes lead in a circle",
        explanation=(
            "A route may lead to another route, as long as every way ends at an endpoint. Here a request would never "
            "stop. Let one of the routes lead to an endpoint instead."
        ),
        bad="serving: {r: {type: route, mode: sequence, to: [serving.s]},\n"
        "  s: {type: route, mode: sequence, to: [serving.r]}}",
        good="serving: {a: {model: x}, r: {type: route, mode: sequence, to: [serving.a]}}",
    ),
    Code(
        code="SERVE012",
        title="an endpoint is twice in one route",
        severity="warning",
        explanation=(
            "The endpoint would get the request twice, or two shares of it. List it once, with the sum of the weights."
        ),
        bad="serving: {a: {model: x}, r: {type: route, mode: ensemble, to: [serving.a, serving.a]}}",
        good="serving: {a: {model: x}, r: {type: route, mode: ensemble, to: [serving.a]}}",
    ),
)
