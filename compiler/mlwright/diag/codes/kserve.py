"""KSERVE: endpoints and routes on KServe."""

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="KSERVE001",
        title="a model that KServe cannot fetch",
        explanation=(
            "With `storage: direct`, and for every format that only a server of KServe's loads, KServe itself fetches "
            "the model: from s3, gs, http(s), hf, pvc, oci and hdfs addresses. An address that begins with "
            "`mlflow-artifacts:` is known to MLflow's tracking server only, and the lock has such a one where the "
            "server keeps its files itself. Fetch it through the server (`storage: proxied`, the default), or let the "
            "server keep files in an object store and lock the model again."
        ),
        bad="serving: {online: {model: '${registry.m@champion}', storage: direct}}",
        good="serving: {online: {model: '${registry.m@champion}', storage: proxied}}",
    ),
    Code(
        code="KSERVE002",
        title="an MLflow model in KServe's own server",
        severity="warning",
        explanation=(
            "KServe's runtime for the format `mlflow` is MLServer 1.7.1, which has MLflow 2: it reads models that "
            "MLflow 2 wrote. Today's MLflow writes scikit-learn models in the format skops, on which it ends with "
            "`Unrecognized serialization format: skops`; it does not install what a model requires either. With the "
            "training's image, MLflow's own scoring server serves the model, from the same store. A `runtime` of the "
            "platform that reads today's models is fine, too. Nothing that is locked says in which format a model is."
        ),
        bad="serving: {online: {model: 's3://b/m', format: mlflow, storage: direct, protocols: [open-inference-v2]}}",
        good="serving: {online: {model: 's3://b/m', format: mlflow, storage: direct, image: 'acme/churn:1'}}",
    ),
    Code(
        code="KSERVE003",
        title="a format or protocol that its server does not have",
        explanation=(
            "Who loads a model also decides what is spoken: MLflow's scoring server speaks `mlflow`, KServe's servers "
            "speak the first or second version of the Open Inference Protocol, some of them gRPC, and those of large "
            "language models OpenAI's. Formats that KServe has a server for: sklearn, xgboost, lightgbm, catboost, "
            "tensorflow, pytorch, onnx, triton, tensorrt, openvino, paddle, pmml, autogluon, predictiveserver, mlflow, "
            "huggingface and vllm. For any other, name the platform's `runtime`, or bring an image and a command."
        ),
        bad="serving: {online: {model: 'gs://b/m', format: tensorflow, protocols: [open-inference-v2]}}",
        good="serving: {online: {model: 'gs://b/m', format: tensorflow, protocols: [open-inference-v1]}}",
    ),
    Code(
        code="KSERVE004",
        title="requests that cannot be put together",
        explanation=(
            "KServe's batcher joins the `instances` of requests to `/v1/models/NAME:predict`, the first version of the "
            "Open Inference Protocol, and lets all others through one by one. With any other protocol it would do "
            "nothing at all."
        ),
        bad="serving: {online: {model: 's3://b/m', format: mlflow, batcher: {max_size: 32}}}",
        good="serving: {online: {model: 's3://b/m', format: xgboost, batcher: {max_size: 32}}}",
    ),
    Code(
        code="KSERVE005",
        title="requests that KServe cannot keep there",
        explanation=(
            "KServe sends requests and answers to an address, as CloudEvents, and since 0.16 writes them into S3. It "
            "knows no other store. Name a collector (`to: http://collector.ml/`), or a storage of type s3."
        ),
        bad="serving: {online: {model: 's3://b/m', format: xgboost, log: {to: '${storage.warehouse}/logs'}}}\n"
        "storage: {warehouse: {type: gs, uri: 'gs://acme'}}",
        good="serving: {online: {model: 's3://b/m', format: xgboost, log: {to: 'http://collector.ml/'}}}",
    ),
    Code(
        code="KSERVE006",
        title="what a large language model on KServe cannot do",
        explanation=(
            "With `protocols: [openai]` or `engine: vllm`, KServe 0.16 and later serve a model by LLMInferenceService: "
            "over several GPUs and nodes (`parallel`), with adapters and groups of copies (`roles`). It has no "
            "transformer, explainer, variants, batcher or log, and its copies are a number. Other servers have those, "
            "but spread a model over the GPUs of one pod only. Which it is, is the platform's to say: "
            "`kserve: {language_models: false}` takes the Hugging Face server."
        ),
        bad="serving: {chat: {model: 'hf://acme/chat', protocols: [openai], replicas: {min: 0, max: 3}}}",
        good="serving: {chat: {model: 'hf://acme/chat', protocols: [openai], replicas: 2}}",
    ),
    Code(
        code="KSERVE007",
        title="a mirror behind KServe's router",
        explanation=(
            "Copies of requests are made by a Gateway or by the mesh. Where the platform has neither, KServe's own "
            "router shares requests among variants, each request to one of them."
        ),
        bad="serving: {online: {model: x, variants: {shadow: {model: y, traffic: mirror}}}}",
        good="serving: {online: {model: x, variants: {shadow: {model: y, traffic: 0}}}}",
    ),
    Code(
        code="KSERVE008",
        title="a variable that KServe does not allow",
        explanation=(
            "Since 0.18, KServe refuses every container with the variable PYTHONPATH: who may change it could let a "
            "server load code of theirs. Install modules into the image instead."
        ),
        bad="serving: {online: {image: x, command: [serve], env: {PYTHONPATH: /app}}}",
        good="serving: {online: {image: x, command: 'PYTHONPATH=/app exec serve'}}",
    ),
    Code(
        code="KSERVE009",
        title="pods of KServe's that the namespace does not let start",
        severity="warning",
        explanation=(
            "Sequences, ensembles and switches, and shares without a Gateway or mesh, are InferenceGraphs: KServe "
            "starts a router for each, and its pods name no seccomp profile, which Kubernetes' level restricted asks "
            "for. Nothing in an InferenceGraph can add it. Ops say with `pod_security: baseline` that the namespace "
            "lets such pods start. A large language model that takes several pods a copy gets rights from KServe's "
            "configuration, for fast networks among GPUs, that need `pod_security: privileged`."
        ),
        bad="# the platform file\npod_security: restricted",
        good="# the platform file\npod_security: baseline",
    ),
    Code(
        code="KSERVE010",
        title="a model in stages, without the configuration that KServe needs for it",
        severity="warning",
        explanation=(
            "KServe makes the pods of a large language model out of an LLMInferenceServiceConfig of its own for each "
            "way to spread it. Up to 0.21 it comes with one for `tensor` and one for `data`, and none for stages "
            "(`pipeline`): the service then stays without pods, and its status says ConfigNotFound. Ops can add one of "
            "the name that KServe looks for."
        ),
        bad="serving: {chat: {model: 'hf://acme/chat', protocols: [openai], parallel: {tensor: 4, pipeline: 2}}}",
        good="serving: {chat: {model: 'hf://acme/chat', protocols: [openai], parallel: {tensor: 8}}}",
    ),
)
