"""MON: alerts."""

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="MON001",
        title="an alert on something that is not there",
        explanation=(
            "Alerts watch what stays up: endpoints, routes, notebooks, the tracking server (`tracking`) and the AI "
            "gateway (`tracking.gateway`), by the path that the file has them under. Steps report themselves: a step "
            "with `run_if: failed` can tell somebody."
        ),
        bad="monitoring: {alerts: {slow: {on: serving.onlin, metric: latency, max: 250ms}}}",
        good="monitoring: {alerts: {slow: {on: serving.online, metric: latency, max: 250ms}}}",
    ),
    Code(
        code="MON002",
        title="an alert on what nothing measures",
        explanation=(
            "An alert needs a counter that runs on the platform. `latency` (in seconds, with a `quantile`), `requests` "
            "(a second) and `errors` (the share of 5xx answers) of endpoints are counted by Istio, because MLflow's "
            "scoring server counts nothing; the tracking server counts `requests` and `errors` with "
            "`options.prometheus`. `replicas` (those that are available) and `restarts` (in an hour) are known of "
            "everything that stays up, where kube-state-metrics runs beside Prometheus."
        ),
        bad="monitoring: {alerts: {slow: {on: serving.online, metric: latency, max: 250ms}}}  # without istio",
        good="monitoring: {alerts: {gone: {on: serving.online, metric: replicas, min: 1}}}",
    ),
)
