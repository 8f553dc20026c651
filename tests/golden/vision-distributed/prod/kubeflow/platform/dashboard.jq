# Links of vision-distributed-prod for Kubeflow's dashboard, which projects share:
#   kubectl get configmap dashboard-config -n kubeflow -o json \
#     | jq -f platform/dashboard.jq | kubectl replace -f -
# Doing it again changes nothing, and links of others stay. Where somebody else was faster, kubectl says so.
def merged($more):
  reduce $more[] as $link (. // [];
    if any(.[]; .text == $link.text) then map(if .text == $link.text then $link else . end) else . + [$link] end);
def links: {
  "quickLinks": [
    {
      "text": "Pipelines of vision-distributed-prod",
      "desc": "Tells the parts on a conveyor belt apart, trained on eight GPUs of two machines.",
      "link": "/pipeline/#/pipelines"
    }
  ]
};
.data.links = (
  reduce (links | to_entries[]) as $list ((.data.links // "{}") | fromjson; .[$list.key] |= merged($list.value))
  | tojson)
