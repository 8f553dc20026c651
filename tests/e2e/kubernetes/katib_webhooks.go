// Katib's own webhooks, for tests: reads requests as JSON, one a line, and says what they make of each.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	settings "github.com/kubeflow/katib/pkg/apis/config/v1beta1"
	apis "github.com/kubeflow/katib/pkg/apis/controller"
	common "github.com/kubeflow/katib/pkg/apis/controller/common/v1beta1"
	experiments "github.com/kubeflow/katib/pkg/apis/controller/experiments/v1beta1"
	suggestions "github.com/kubeflow/katib/pkg/apis/controller/suggestions/v1beta1"
	trials "github.com/kubeflow/katib/pkg/apis/controller/trials/v1beta1"
	"github.com/kubeflow/katib/pkg/controller.v1beta1/consts"
	"github.com/kubeflow/katib/pkg/controller.v1beta1/experiment/manifest"
	"github.com/kubeflow/katib/pkg/webhook/v1beta1/experiment/validator"
	"github.com/kubeflow/katib/pkg/webhook/v1beta1/pod"
)

type request struct {
	Experiment  experiments.Experiment       `json:"experiment"`
	Trial       string                       `json:"trial"`
	Assignments []common.ParameterAssignment `json:"assignments"`
}

type answer struct {
	Errors []string    `json:"errors"`
	Run    interface{} `json:"run"`
	Pod    interface{} `json:"pod"`
}

func main() {
	config, err := os.ReadFile(os.Args[1])
	check(err)
	scheme := runtime.NewScheme()
	check(clientgoscheme.AddToScheme(scheme))
	check(apis.AddToScheme(scheme))
	check(settings.AddToScheme(scheme))
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var asked request
		check(json.Unmarshal(lines.Bytes(), &asked))
		told, err := json.Marshal(judge(scheme, string(config), &asked))
		check(err)
		fmt.Println(string(told))
	}
	check(lines.Err())
}

func judge(scheme *runtime.Scheme, config string, asked *request) answer {
	experiment := &asked.Experiment
	configured := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: consts.KatibConfigMapName, Namespace: consts.DefaultKatibNamespace},
		Data:       map[string]string{"katib-config.yaml": config},
	}
	experiment.SetDefault()
	known := fake.NewClientBuilder().WithScheme(scheme).WithObjects(configured, experiment).Build()
	generator := manifest.New(known)
	found := answer{Errors: []string{}}
	for _, problem := range validator.New(generator).ValidateExperiment(experiment, nil) {
		found.Errors = append(found.Errors, problem.Error())
	}
	run, err := generator.GetRunSpecWithHyperParameters(experiment, asked.Trial, experiment.Namespace, asked.Assignments)
	if err != nil {
		found.Errors = append(found.Errors, err.Error())
		return found
	}
	found.Run = run.Object
	if run.GetKind() == "Job" {
		job := &batchv1.Job{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(run.Object, job); err != nil {
			found.Errors = append(found.Errors, err.Error())
			return found
		}
		mutated, err := mutate(known, experiment, job)
		if err != nil {
			found.Errors = append(found.Errors, err.Error())
			return found
		}
		found.Pod = mutated
	}
	return found
}

// mutate is what the webhook of pods does to the first pod of a trial's Job.
func mutate(known client.Client, experiment *experiments.Experiment, job *batchv1.Job) (*corev1.Pod, error) {
	ctx := context.Background()
	place := metav1.ObjectMeta{Name: experiment.Name, Namespace: experiment.Namespace}
	suggestion := &suggestions.Suggestion{ObjectMeta: place}
	suggestion.Spec.Algorithm = experiment.Spec.Algorithm
	suggestion.Spec.EarlyStopping = experiment.Spec.EarlyStopping
	template := experiment.Spec.TrialTemplate
	trial := &trials.Trial{ObjectMeta: metav1.ObjectMeta{
		Name: job.Name, Namespace: job.Namespace, Labels: map[string]string{consts.LabelExperimentName: experiment.Name},
	}}
	trial.Spec = trials.TrialSpec{
		Objective:            experiment.Spec.Objective,
		MetricsCollector:     *experiment.Spec.MetricsCollectorSpec,
		PrimaryContainerName: template.PrimaryContainerName,
		PrimaryPodLabels:     template.PrimaryPodLabels,
	}
	if experiment.Spec.EarlyStopping != nil {
		rule := common.EarlyStoppingRule{Name: experiment.Spec.Objective.ObjectiveMetricName, Value: "0.5", Comparison: common.ComparisonTypeLess, StartStep: 4}
		trial.Spec.EarlyStoppingRules = []common.EarlyStoppingRule{rule}
	}
	job.OwnerReferences = []metav1.OwnerReference{{APIVersion: pod.TrialAPIVersion, Kind: pod.TrialKind, Name: job.Name, UID: "1"}}
	for _, object := range []client.Object{suggestion, trial, job} {
		if err := known.Create(ctx, object); err != nil {
			return nil, err
		}
	}
	made := &corev1.Pod{ObjectMeta: job.Spec.Template.ObjectMeta, Spec: job.Spec.Template.Spec}
	made.GenerateName = job.Name + "-"
	made.OwnerReferences = []metav1.OwnerReference{{APIVersion: "batch/v1", Kind: "Job", Name: job.Name, UID: "2"}}
	if made.Labels == nil {
		made.Labels = map[string]string{}
	}
	if job.Spec.CompletionMode != nil && *job.Spec.CompletionMode == batchv1.IndexedCompletion {
		made.Labels["batch.kubernetes.io/job-completion-index"] = "0"
	}
	injector := pod.NewSidecarInjector(known, admission.NewDecoder(known.Scheme()))
	return injector.Mutate(made, job.Namespace)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
