"""QTY, IMG, URI, CRON: quantities, times, images, addresses and schedules."""

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="QTY001",
        title="not an amount of processors",
        explanation=(
            "Processors are counted in cores, as a number (`2`, `0.5`), or in thousandths with `m` (`500m`). "
            "Other units and words are refused, as Kubernetes would refuse them. Write one of these forms."
        ),
        bad="steps: {a: {command: [python, a.py], resources: {cpu: 2 cores}}}",
        good="steps: {a: {command: [python, a.py], resources: {cpu: 2}}}",
    ),
    Code(
        code="QTY002",
        title="not an amount of memory",
        explanation=(
            "Memory and disk space are a number and a unit: Ki, Mi, Gi, Ti are powers of 1024; k, M, G, T are "
            "powers of 1000. Write for example `512Mi` or `2Gi`."
        ),
        bad="steps: {a: {command: [python, a.py], resources: {memory: plenty}}}",
        good="steps: {a: {command: [python, a.py], resources: {memory: 2Gi}}}",
    ),
    Code(
        code="QTY003",
        title="not a unit of memory",
        explanation=(
            "Kubernetes knows Ki, Mi, Gi, Ti (powers of 1024) and k, M, G, T (powers of 1000), with exactly "
            "these letters. `GB`, `gb` and `gi` are refused instead of guessed, because the two readings differ"
            " by seven percent and more. Write the unit that is meant."
        ),
        bad="steps: {a: {command: [python, a.py], resources: {memory: 2GB}}}",
        good="steps: {a: {command: [python, a.py], resources: {memory: 2Gi}}}",
    ),
    Code(
        code="QTY004",
        title="thousandths of a byte",
        explanation=(
            "`m` means milli to Kubernetes, so `512m` of memory is half a byte: it accepts that and then kills "
            "the container. Docker reads the same text as mebibytes. Write `512Mi`."
        ),
        bad="steps: {a: {command: [python, a.py], resources: {memory: 512m}}}",
        good="steps: {a: {command: [python, a.py], resources: {memory: 512Mi}}}",
    ),
    Code(
        code="QTY005",
        title="an amount below or at zero",
        explanation=("An amount that is asked for must be above zero. To ask for nothing, leave the field out."),
        bad="steps: {a: {command: [python, a.py], resources: {cpu: 0}}}",
        good="steps: {a: {command: [python, a.py], resources: {cpu: 1}}}",
    ),
    Code(
        code="QTY006",
        title="finer than a thousandth of a core",
        explanation=("Kubernetes divides processors no finer than thousandths. Round the amount."),
        bad="steps: {a: {command: [python, a.py], resources: {cpu: 0.0005}}}",
        good="steps: {a: {command: [python, a.py], resources: {cpu: 1m}}}",
    ),
    Code(
        code="QTY007",
        title="memory without its unit",
        explanation=(
            "A bare number is a number of bytes, and less than a mebibyte is never enough for a container: the "
            "unit is missing. Write for example `512Mi`."
        ),
        bad="steps: {a: {command: [python, a.py], resources: {memory: 512}}}",
        good="steps: {a: {command: [python, a.py], resources: {memory: 512Mi}}}",
    ),
    Code(
        code="QTY008",
        title="more than any machine has",
        explanation=(
            "The amount does not fit into 64 bits. Most likely a digit or a unit slipped in. Write a smaller amount."
        ),
        bad="steps: {a: {command: [python, a.py], resources: {memory: 9000000Ei}}}",
        good="steps: {a: {command: [python, a.py], resources: {memory: 64Gi}}}",
    ),
    Code(
        code="QTY009",
        title="not a number of GPUs",
        explanation=(
            "GPUs are given to one container whole, so their number is whole and not below zero. To share a "
            "GPU, ask the platform's owner for an extended resource and name that. Write a whole number."
        ),
        bad="steps: {a: {command: [python, a.py], resources: {gpu: 0.5}}}",
        good="steps: {a: {command: [python, a.py], resources: {gpu: 1}}}",
    ),
    Code(
        code="QTY010",
        title="not a length of time",
        explanation=(
            "Lengths of time are a number and a unit, from the largest unit to the smallest: `250ms`, `30s`, "
            "`10m`, `1h30m`, `2d`. Words, clock times and capital letters are refused. Write one of these "
            "forms."
        ),
        bad="steps: {a: {command: [python, a.py], timeout: 2 hours}}",
        good="steps: {a: {command: [python, a.py], timeout: 2h}}",
    ),
    Code(
        code="QTY011",
        title="a length of time without a unit",
        explanation=(
            "A bare number could be seconds, minutes or milliseconds: tools differ, and the wrong guess ends a "
            "training too early or never. Write the unit."
        ),
        bad="steps: {a: {command: [python, a.py], timeout: 3600}}",
        good="steps: {a: {command: [python, a.py], timeout: 1h}}",
    ),
    Code(
        code="IMG001",
        title="not an image reference",
        explanation=(
            "An image reference is `registry/repository:tag@digest`; registry, tag and digest can be left out. "
            "Spaces and empty parts are refused. Write for example `ghcr.io/acme/churn:1.4.2`."
        ),
        bad='steps: {a: {command: [python, a.py], image: "my image"}}',
        good='steps: {a: {command: [python, a.py], image: "ghcr.io/acme/churn:1.4.2"}}',
    ),
    Code(
        code="IMG002",
        title="an image reference with a scheme",
        explanation=(
            "Container engines take image references without `https://` or `docker://`. Leave the scheme out."
        ),
        bad='steps: {a: {command: [python, a.py], image: "https://ghcr.io/acme/churn:1.4.2"}}',
        good='steps: {a: {command: [python, a.py], image: "ghcr.io/acme/churn:1.4.2"}}',
    ),
    Code(
        code="IMG003",
        title="capital letters in an image's name",
        explanation=(
            "Registries accept lower-case letters only in the repository part of a reference; tags may have "
            "capitals. Write it in lower case."
        ),
        bad='steps: {a: {command: [python, a.py], image: "ghcr.io/Acme/churn:1.4.2"}}',
        good='steps: {a: {command: [python, a.py], image: "ghcr.io/acme/churn:1.4.2"}}',
    ),
    Code(
        code="IMG004",
        title="not an image tag",
        explanation=(
            "A tag has letters, digits, `_`, `.` and `-`, at most 128, and does not begin with `.` or `-`. "
            "Correct the tag."
        ),
        bad='steps: {a: {command: [python, a.py], image: "acme/churn:-1"}}',
        good='steps: {a: {command: [python, a.py], image: "acme/churn:1.4.2"}}',
    ),
    Code(
        code="IMG005",
        title="not an image digest",
        explanation=(
            "After `@` comes `sha256:` and 64 hexadecimal digits in lower case. A shortened digest does not "
            "identify an image. Copy the whole digest; `mlwright lock` writes it to the lock file for you."
        ),
        bad='steps: {a: {command: [python, a.py], image: "acme/churn@sha256:abc"}}',
        good=(
            "steps: {a: {command: [python, a.py], image: "
            '"acme/churn@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}}'
        ),
    ),
    Code(
        code="URI001",
        title="not an address",
        explanation=(
            "An address begins with a scheme and `://`: s3, gs, abfss, https, http, file, pvc, hf, oci, git. "
            "Paths in this repository are written without a scheme where they are allowed. Write one of these."
        ),
        bad="storage: {w: {type: s3, uri: acme-ml}}",
        good='storage: {w: {type: s3, uri: "s3://acme-ml"}}',
    ),
    Code(
        code="URI002",
        title="a scheme that cannot be read",
        explanation=(
            "The launcher and the targets know how to read certain schemes; for others every step would have to"
            " bring its own reader. The help names the scheme that most likely is meant, or all of them."
        ),
        bad='data: {customers: {source: "s3a://acme-lake/customers.parquet"}}',
        good='data: {customers: {source: "s3://acme-lake/customers.parquet"}}',
    ),
    Code(
        code="URI003",
        title="an incomplete address",
        explanation=(
            "Every scheme has its own shape: a bucket for s3 and gs, a container and an account for abfss, a "
            "claim for pvc, an organisation and a name for hf. A part is missing or has characters that cannot "
            "be there. The help shows the shape."
        ),
        bad='data: {customers: {source: "s3:///customers.parquet"}}',
        good='data: {customers: {source: "s3://acme-lake/customers.parquet"}}',
    ),
    Code(
        code="URI004",
        title="a path of one machine",
        explanation=(
            "Paths are relative to the project file and written with `/`, so that they mean the same in every "
            "clone and every container. Absolute paths, `~` and drive letters are places of one machine. Move "
            "the file beside the project, or write a `file://` address in a local environment."
        ),
        bad='data: {customers: {source: "/home/ann/customers.csv"}}',
        good='data: {customers: {source: "data/customers.csv"}}',
    ),
    Code(
        code="URI005",
        title="not an address of a git repository",
        explanation=(
            "A repository is `https://host/path`, `ssh://git@host/path` or `git@host:path`. Copy it from your git host."
        ),
        bad='gitops: {repo: "s3://acme-ml/churn"}',
        good='gitops: {repo: "https://git.example.com/acme/churn"}',
    ),
    Code(
        code="URI006",
        title="a password in an address",
        explanation=(
            "An address stands in git, in logs and in the compiled output; a password in it is public. Take it "
            "out, change it, and name a secret with `secret:` instead."
        ),
        bad='data: {customers: {source: "https://ann:hunter2@files.example.com/c.csv"}}',
        good='data: {customers: {source: "https://files.example.com/c.csv"}}',
    ),
    Code(
        code="URI007",
        title="not a place to mount",
        explanation=(
            "Mounts are keyed by the absolute path inside the container. `/` itself, `..`, `:` and `,` cannot "
            "be mounted on by every engine. Write for example `/data`."
        ),
        bad="steps: {a: {command: [python, a.py], mounts: {data: ./conf}}}",
        good="steps: {a: {command: [python, a.py], mounts: {/data: ./conf}}}",
    ),
    Code(
        code="CRON001",
        title="not a schedule",
        explanation=(
            "A schedule has five fields: minute, hour, day of the month, month, day of the week. Macros such as"
            " `@daily` are not understood by every platform. Write the five fields."
        ),
        bad='training: {command: [python, train.py]}\npipelines: {main: {run: [training], schedule: "@daily"}}',
        good='training: {command: [python, train.py]}\npipelines: {main: {run: [training], schedule: "0 0 * * *"}}',
    ),
    Code(
        code="CRON002",
        title="six fields in a schedule",
        explanation=(
            "Some systems put seconds first or years last; Kubernetes, Argo and most others have five fields. "
            "Leave the extra field out; where a platform needs seconds, they are added for you."
        ),
        bad='training: {command: [python, train.py]}\npipelines: {main: {run: [training], schedule: "0 0 3 * * 1"}}',
        good='training: {command: [python, train.py]}\npipelines: {main: {run: [training], schedule: "0 3 * * 1"}}',
    ),
    Code(
        code="CRON003",
        title="a field of a schedule is wrong",
        explanation=(
            "Each field is `*`, a number, a range, or a list of these, with an optional step: `*/15`, `1-5`, "
            "`MON,WED`. Numbers have bounds, ranges go upwards, Sunday is 0. The caret shows the item."
        ),
        bad='training: {command: [python, train.py]}\npipelines: {main: {run: [training], schedule: "0 25 * * *"}}',
        good='training: {command: [python, train.py]}\npipelines: {main: {run: [training], schedule: "0 5 * * *"}}',
    ),
    Code(
        code="CRON004",
        title="a schedule that never comes",
        explanation=(
            "The day does not exist in any of the months, such as 30 February. Kubernetes accepts it and never "
            "starts anything. Correct the day or the month."
        ),
        bad='training: {command: [python, train.py]}\npipelines: {main: {run: [training], schedule: "0 0 30 2 *"}}',
        good='training: {command: [python, train.py]}\npipelines: {main: {run: [training], schedule: "0 0 28 2 *"}}',
    ),
    Code(
        code="CRON005",
        title="not a time zone",
        explanation=(
            "Time zones are names of the IANA database, such as `Europe/Berlin`; they know about daylight "
            "saving. Offsets and abbreviations do not, and most platforms refuse them. The help names the "
            "nearest zone."
        ),
        bad=(
            "training: {command: [python, train.py]}\n"
            'pipelines: {main: {run: [training], schedule: {cron: "0 3 * * 1", timezone: Berlin}}}'
        ),
        good=(
            "training: {command: [python, train.py]}\n"
            'pipelines: {main: {run: [training], schedule: {cron: "0 3 * * 1", timezone: Europe/Berlin}}}'
        ),
    ),
)
