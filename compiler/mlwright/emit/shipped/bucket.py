"""Makes the bucket of the artifact store as soon as the store answers. Needs boto3, which the server's image has."""

import os
import sys
import time
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

PATIENCE = 120.0


def main() -> int:
    """0 when the bucket is there, 1 when the store did not answer or refused."""
    bucket = urlsplit(os.environ["MLFLOW_ARTIFACTS_DESTINATION"]).netloc
    address = os.environ["MLFLOW_S3_ENDPOINT_URL"]
    config = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}, connect_timeout=5, read_timeout=30)
    store = boto3.client("s3", endpoint_url=address, config=config)
    end = time.monotonic() + PATIENCE
    while True:
        try:
            if bucket not in {found["Name"] for found in store.list_buckets()["Buckets"]}:
                store.create_bucket(Bucket=bucket)
            sys.stdout.write(f"the bucket {bucket} is there\n")
            return 0
        except (BotoCoreError, ClientError) as error:
            problem = error
        if time.monotonic() > end:
            sys.stderr.write(f"no bucket {bucket} at {address}: {problem}\n")
            return 1
        time.sleep(1)


if __name__ == "__main__":
    sys.exit(main())
