# Links of churn-prod for Kubeflow's dashboard, which projects share:
#   kubectl get configmap dashboard-config -n kubeflow -o json \
#     | jq -f platform/dashboard.jq | kubectl replace -f -
# Doing it again changes nothing, and links of others stay. Where somebody else was faster, kubectl says so.
def merged($more):
  reduce $more[] as $link (. // [];
    if any(.[]; .text == $link.text) then map(if .text == $link.text then $link else . end) else . + [$link] end);
def links: {
  "externalLinks": [
    {
      "type": "item",
      "iframe": false,
      "text": "MLflow of churn-prod",
      "link": "https://mlflow.example.com/mlflow",
      "icon": "assessment"
    },
    {
      "type": "item",
      "iframe": false,
      "text": "Grafana",
      "link": "https://grafana.example.com",
      "icon": "timeline"
    }
  ]
};
.data.links = (
  reduce (links | to_entries[]) as $list ((.data.links // "{}") | fromjson; .[$list.key] |= merged($list.value))
  | tojson)
