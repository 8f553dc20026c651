"""TUNE: the search for the best parameters."""

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="TUNE010",
        title="architecture search is refused",
        explanation=(
            "`enas` and `darts` do not search parameters: they build networks from a description of layers, with a "
            "controller of their own inside Katib, and no other engine has one. A specification that means the same "
            "everywhere cannot offer them. Declare the sizes of the network as parameters and search those."
        ),
        bad="tuning: {algorithm: darts, space: {layers: {min: 2, max: 8}}}",
        good="tuning: {algorithm: tpe, space: {layers: {min: 2, max: 8}}}",
    ),
    Code(
        code="TUNE011",
        title="an algorithm that only Katib has",
        explanation=(
            "`pbt` hands the checkpoints of its trials on to their successors, which needs Katib, and an environment "
            "on `local` or `compose` has none. Nothing is put in its place silently, because the search would mean "
            "something else. Choose another algorithm for this environment in its overlay."
        ),
        bad="tuning: {algorithm: {name: pbt, settings: {n_population: 40}}}  # on `platform: local`",
        good="environments: {local: {platform: local, tuning: {algorithm: {name: tpe, settings: null}}}}",
    ),
    Code(
        code="TUNE012",
        title="the algorithm has no such setting",
        explanation=(
            "Settings have the names that Katib gives them, and each algorithm has its own. An engine would refuse an "
            "unknown one only when the search starts. The help lists what this algorithm takes."
        ),
        bad="tuning: {algorithm: {name: tpe, settings: {n_startup: 10}}}",
        good="tuning: {algorithm: {name: tpe, settings: {n_startup_trials: 10}}}",
    ),
    Code(
        code="TUNE013",
        title="the wrong kind of value for a setting",
        explanation=(
            "The setting takes a number of a certain range, or one of a few words. Numbers may be written with or "
            "without quotes. The message says what is expected."
        ),
        bad="tuning: {algorithm: {name: random, settings: {random_state: seven}}}",
        good="tuning: {algorithm: {name: random, settings: {random_state: 7}}}",
    ),
    Code(
        code="TUNE014",
        title="the algorithm needs a setting",
        explanation=(
            "Some algorithms cannot start without being told something: hyperband needs the parameter that is its "
            "resource (`resource_name`) and the most of it (`r_l`); pbt needs its folder, its population and its "
            "truncation threshold. Add the settings that the message names."
        ),
        bad="tuning: {algorithm: {name: hyperband, settings: {eta: 3}}}",
        good="tuning: {algorithm: {name: hyperband, settings: {eta: 3, r_l: 9, resource_name: epochs}}}",
    ),
    Code(
        code="TUNE015",
        title="the algorithm does not fit the space",
        explanation=(
            "Every algorithm asks something of the searched parameters. `grid` and `pbt` walk through values that can "
            "be counted: each range needs a `step`. `cmaes` and `sobol` move in ranges of numbers and have no use for "
            "lists, and `cmaes` needs two ranges. hyperband's resource has to be an int among the searched "
            "parameters, and not the only one. Change the space, or choose `tpe`, which takes everything."
        ),
        bad="tuning: {algorithm: grid, space: {learning_rate: {min: 0.1, max: 0.5}}}",
        good="tuning: {algorithm: grid, space: {learning_rate: {min: 0.1, max: 0.5, step: 0.1}}}",
    ),
    Code(
        code="TUNE016",
        title="settings that do not work together",
        explanation=(
            "Each setting is right by itself, and together they cannot work. Katib's hyperband starts its first "
            "bracket all at once, so on a cluster `trials.parallel` has to be at least eta to the power of the whole "
            "part of log(r_l) / log(eta); elsewhere any number does. hyperband ranks finished trials only, so early "
            "stopping would take them away. `acq_optimizer: lbfgs` needs a model with gradients, and trees have none."
        ),
        bad="tuning: {algorithm: {name: bayesianoptimization, settings: {base_estimator: RF, acq_optimizer: lbfgs}}}",
        good="tuning: {algorithm: {name: bayesianoptimization, settings: {base_estimator: GP, acq_optimizer: lbfgs}}}",
    ),
    Code(
        code="TUNE017",
        title="what Katib cannot do of a search",
        explanation=(
            "The platform gives this search to Katib, whose services refuse it when it starts, or mean something else "
            "by it. Each of Katib's algorithms has settings and distributions of its own: `n_startup_trials` is not "
            "one of tpe's, and `multivariate-tpe` and `bayesianoptimization` know no normal distribution; `cmaes`, "
            "`sobol`, `hyperband` and `pbt` draw uniformly whatever is written, which is a warning. pbt needs a volume "
            "(`resume: volume`) that is mounted at a full path. Only printed metrics, and those in files, stop trials "
            "early. Change what the message names, in the environment's overlay where other environments keep it."
        ),
        bad="tuning: {algorithm: {name: tpe, settings: {n_startup_trials: 10}}}  # on Katib",
        good="environments: {prod: {tuning: {algorithm: {settings: {n_startup_trials: null}}}}}",
    ),
    Code(
        code="TUNE018",
        title="Katib's sidecar in a restricted namespace",
        explanation=(
            "Katib adds a container that collects metrics to each trial's pod. By default it has no security context, "
            "and a namespace with the Pod Security level `restricted` refuses such pods: every trial would wait for "
            "ever. KatibConfig's `injectSecurityContext: true` gives it the context of the trial's own container, "
            "which is fit for such a namespace. Ops set it, and say so in the platform file."
        ),
        bad="{kubeflow: {katib: '0.19'}, pod_security: restricted}  # the platform file",
        good="{kubeflow: {katib: '0.19'}, pod_security: restricted, katib: {inject_security_context: true}}",
    ),
    Code(
        code="TUNE020",
        title="a searched parameter that does not reach the command",
        explanation=(
            "A trial differs from the others only in what its command, arguments or environment say. This parameter "
            "is searched but mentioned in none of them, so every trial would be the same and the best one a matter of "
            "luck. The variable MLWRIGHT_PARAM_NAME that every program has does not count, because nothing shows that "
            "the program reads it."
        ),
        bad="params: {lr: 0.1}\ntraining: {command: [python, train.py]}\ntuning: {space: {lr: {min: 0.01, max: 1}}}",
        good="params: {lr: 0.1}\n"
        'training: {command: [python, train.py, "--lr=${params.lr}"]}\ntuning: {space: {lr: {min: 0.01, max: 1}}}',
    ),
    Code(
        code="TUNE021",
        title="a searched value of another type than the parameter",
        explanation=(
            "The type of a searched parameter is the one that `params` declares, everywhere. An int has whole bounds "
            "and steps, values of a list are of the parameter's type, and only numbers have a range. Change the "
            "value, or the parameter's type."
        ),
        bad="params: {depth: 6}\ntuning: {space: {depth: {min: 2.5, max: 8}}}",
        good="params: {depth: 6}\ntuning: {space: {depth: {min: 2, max: 8}}}",
    ),
    Code(
        code="TUNE022",
        title="a searched value outside the parameter's bounds",
        explanation=(
            "The parameter itself declares `min`, `max` or `choices`, and the space goes beyond them. Such a trial "
            "would be refused when it starts, with exit code 64. Search inside the bounds, or widen them. hyperband "
            "sets its resource itself, up to `r_l`: the space of that parameter has to have all of its amounts."
        ),
        bad="params: {lr: {type: float, default: 0.1, max: 1.0}}\ntuning: {space: {lr: {min: 0.1, max: 3.0}}}",
        good="params: {lr: {type: float, default: 0.1, max: 1.0}}\ntuning: {space: {lr: {min: 0.1, max: 1.0}}}",
    ),
    Code(
        code="TUNE023",
        title="a step that is larger than its range",
        explanation=(
            "Values are `min`, `min + step`, `min + 2 step` and so on up to `max`. With this step there is only the "
            "first. Write a smaller step, or leave it out."
        ),
        bad="tuning: {space: {lr: {min: 0.1, max: 0.5, step: 1}}}",
        good="tuning: {space: {lr: {min: 0.1, max: 0.5, step: 0.1}}}",
    ),
    Code(
        code="TUNE024",
        title="a value is listed twice",
        explanation=(
            "Each value of a list is one point of the space. Twice the same would be tried twice as often by some "
            "algorithms and make a grid with equal points for others. For a float, `1` and `1.0` are the same value."
        ),
        bad="tuning: {space: {depth: {values: [4, 6, 4]}}}",
        good="tuning: {space: {depth: {values: [4, 6]}}}",
    ),
    Code(
        code="TUNE025",
        title="a logarithm of something that is not positive",
        explanation=(
            "`log_uniform` and `log_normal` spread the logarithm of a value, and zero and negative numbers have none. "
            "Give `min` a small positive number, or use `uniform` or `normal`."
        ),
        bad="tuning: {space: {decay: {min: 0, max: 0.1, distribution: log_normal}}}",
        good="tuning: {space: {decay: {min: 0.00001, max: 0.1, distribution: log_normal}}}",
    ),
    Code(
        code="TUNE026",
        title="a normal distribution that does not fit its range",
        explanation=(
            "A normal distribution has `mean` and `sigma`, and is cut off at `min` and `max`. With neither, the range "
            "is the mean plus and minus three sigma, as in Katib. The mean has to be inside the range; for "
            "`log_normal` mean and sigma are those of the logarithm."
        ),
        bad="tuning: {space: {lr: {min: 0.1, max: 0.5, distribution: normal, mean: 3, sigma: 0.1}}}",
        good="tuning: {space: {lr: {min: 0.1, max: 0.5, distribution: normal, mean: 0.3, sigma: 0.1}}}",
    ),
    Code(
        code="TUNE027",
        title="a parameter that is searched and fixed",
        explanation=(
            "`tuning.trial.params` gives a parameter one value in every trial, and `tuning.space` searches it. Only "
            "one of the two can hold. Remove it from the space, or from `trial.params`."
        ),
        bad="tuning: {space: {epochs: {min: 1, max: 9}}, trial: {params: {epochs: 3}}}",
        good="tuning: {space: {learning_rate: {min: 0.1, max: 0.9}}, trial: {params: {epochs: 3}}}",
    ),
    Code(
        code="TUNE030",
        title="more trials at once, or failed, than there are",
        explanation=(
            "`trials.max` is the number of trials in all. `parallel` trials run at the same time and `max_failed` may "
            "fail; neither can be more than all of them, and Katib refuses it. Lower it, or raise `max`."
        ),
        bad="tuning: {trials: {max: 3, parallel: 8}}",
        good="tuning: {trials: {max: 30, parallel: 8}}",
    ),
    Code(
        code="TUNE031",
        title="a grid that is smaller than the number of trials",
        severity="warning",
        explanation=(
            "A grid has one trial for each combination of values, and there are fewer combinations than `trials.max`. "
            "The search ends when the grid is done. Write the number of combinations, or make the steps smaller."
        ),
        bad="tuning: {algorithm: grid, space: {depth: {values: [4, 6]}}, trials: {max: 30}}",
        good="tuning: {algorithm: grid, space: {depth: {values: [4, 6]}}, trials: {max: 2}}",
    ),
    Code(
        code="TUNE032",
        title="early stopping without values to go by",
        severity="warning",
        explanation=(
            "Early stopping compares what a trial has printed so far with other trials. The objective has no "
            "`pattern`, so nothing is read from the program's output while it runs, and no trial is ever stopped. Let "
            "the program print the metric after each epoch, and add a pattern."
        ),
        bad="training: {metrics: {auc: {goal: maximize}}}\ntuning: {objective: auc, early_stopping: medianstop}",
        good="training: {metrics: {auc: {goal: maximize, pattern: 'auc=(\\S+)', sample: 'auc=0.9'}}}\n"
        "tuning: {objective: auc, early_stopping: medianstop}",
    ),
    Code(
        code="TUNE033",
        title="trials do not write what is used of the training",
        explanation=(
            "With `retrain: false` there is no final training: the outputs of the best trial are taken. Something "
            "uses an output that trials do not declare, so it would be missing. Let trials have the training's "
            "outputs, or train again."
        ),
        bad="tuning: {retrain: false, trial: {outputs: null}}\nregistry: {model: m, from: '${training.outputs.model}'}",
        good="tuning: {retrain: false}\nregistry: {model: m, from: '${training.outputs.model}'}",
    ),
    Code(
        code="TUNE034",
        title="another number of trials than hyperband's",
        severity="warning",
        explanation=(
            "`r_l` and `eta` decide how many trials hyperband has: 23 with 9 and 3, in brackets of 9 + 3 + 1, 5 + 2 "
            "and 3. With a smaller `trials.max` the search ends in the middle, and with no more than the first number "
            "no trial is ever given more than the least of the resource. With a larger one it ends with its brackets."
        ),
        bad="tuning: {algorithm: {name: hyperband, settings: {r_l: 9, resource_name: epochs}}, trials: {max: 9}}",
        good="tuning: {algorithm: {name: hyperband, settings: {r_l: 9, resource_name: epochs}}, trials: {max: 23}}",
    ),
)
