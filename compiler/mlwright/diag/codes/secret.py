"""SEC: secrets that stand in the file, or are not used."""

from mlwright.diag.codes import Code

CODES = (
    Code(
        code="SEC002",
        title="a secret stands in this file",
        explanation=(
            "The text has the shape of a token, a key or a password in an address. The file is in git and everything "
            "compiled from it too, so whoever can read the repository has the secret. Make it invalid where it comes "
            "from: removing the line does not remove it from history. Then declare its name under `secrets` and refer "
            "to it. The message never shows the secret."
        ),
        bad='steps: {a: {env: {DATABASE: "postgres://app:letmein@db.example.com/app"}}}',
        good='secrets: {db: {keys: [DATABASE]}}\nsteps: {a: {env: {DATABASE: "${secrets.db.DATABASE}"}}}',
    ),
    Code(
        code="SEC003",
        title="a value whose name says that it is secret",
        explanation=(
            "A variable or an option that is called PASSWORD, TOKEN, SECRET or KEY has its value in this file. "
            "Declare its name under `secrets` and refer to it; the value then comes from `.env`, from the cluster's "
            "Secret or from the external store. If it is no secret, give it a name that does not say so."
        ),
        bad="steps: {a: {env: {DB_PASSWORD: letmein}}}",
        good='secrets: {db: {keys: [DB_PASSWORD]}}\nsteps: {a: {env: {DB_PASSWORD: "${secrets.db.DB_PASSWORD}"}}}',
    ),
    Code(
        code="SEC004",
        title="a secret that nothing uses",
        severity="warning",
        explanation=(
            "The secret is declared and nothing refers to it in this environment, so it would be asked for and given "
            "to nobody. Use it, remove it, or set it to null under the environment that does not need it."
        ),
        bad="secrets: {lake: {keys: [TOKEN]}}\nsteps: {a: {command: [echo, a]}}",
        good='secrets: {lake: {keys: [TOKEN]}}\nsteps: {a: {command: [a], env: {TOKEN: "${secrets.lake.TOKEN}"}}}',
    ),
    Code(
        code="SEC005",
        title="a secret that is not declared",
        explanation=(
            "A field names a secret that `secrets` does not have, so nobody would know which values to give. Correct "
            "the name, or declare it with its keys; the values come from `.env`, from the cluster's Secret or from the "
            "external store."
        ),
        bad="data: {clicks: {source: 's3://acme/c.csv', secret: lake-kyes}}\nsecrets: {lake-keys: {keys: [TOKEN]}}",
        good="data: {clicks: {source: 's3://acme/c.csv', secret: lake-keys}}\nsecrets: {lake-keys: {keys: [TOKEN]}}",
    ),
    Code(
        code="SEC006",
        title="a secret without a key that is needed",
        explanation=(
            "Some fields read certain keys of the secret that they name: a webhook reads `secret`, which signs what it "
            "is sent. The secret's declaration does not have that key."
        ),
        bad="tracking: {webhooks: {ci: {secret: hook}}}\nsecrets: {hook: {keys: [token]}}",
        good="tracking: {webhooks: {ci: {secret: hook}}}\nsecrets: {hook: {keys: [secret]}}",
    ),
)
