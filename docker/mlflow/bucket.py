"""The bucket of MLflow's artifacts, through the S3 API: create it, or copy it to or from a tar stream.

`bucket.py create | export >tar | import <tar`. Address, keys and name come from MLFLOW_S3_ENDPOINT_URL,
AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and S3_BUCKET.
"""

import os
import sys
import tarfile
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

ATTEMPTS = 13  # with growing pauses: about a minute


class Readable:
    """A stream that can only be read: a tar member claims to be seekable, but in a pipe it is not."""

    def __init__(self, stream: Any) -> None:
        self.read = stream.read


def create(s3: Any, bucket: str) -> None:
    """Create the bucket if it does not exist."""
    try:
        s3.head_bucket(Bucket=bucket)
        print(f"bucket {bucket} is there")
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
        s3.create_bucket(Bucket=bucket)
        print(f"bucket {bucket} made")


def export(s3: Any, bucket: str) -> None:
    """Write every object to stdout as a tar, one at a time; objects deleted meanwhile are left out."""
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as archive:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for entry in page.get("Contents", []):
                try:
                    found = s3.get_object(Bucket=bucket, Key=entry["Key"])
                except s3.exceptions.NoSuchKey:
                    continue
                member = tarfile.TarInfo(entry["Key"])
                member.size = found["ContentLength"]
                member.mtime = int(entry["LastModified"].timestamp())
                archive.addfile(member, found["Body"])


def import_(s3: Any, bucket: str) -> None:
    """Put every file of the tar on stdin into the bucket under its name."""
    count = 0
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as archive:
        for member in archive:
            if (content := archive.extractfile(member)) is not None:
                s3.upload_fileobj(Readable(content), bucket, member.name)
                count += 1
    print(f"{count} objects put into {bucket}")


def main() -> None:
    """Run the action that the command line names."""
    actions = {"create": create, "export": export, "import": import_}
    if len(sys.argv) != 2 or sys.argv[1] not in actions:
        sys.exit(f"usage: bucket.py {' | '.join(actions)}")
    s3 = boto3.client(
        "s3",
        endpoint_url=os.environ["MLFLOW_S3_ENDPOINT_URL"] or None,
        config=Config(connect_timeout=5, retries={"mode": "standard", "total_max_attempts": ATTEMPTS}),
    )
    try:
        actions[sys.argv[1]](s3, os.environ["S3_BUCKET"])
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"S3 bucket {os.environ['S3_BUCKET']!r} at {os.environ['MLFLOW_S3_ENDPOINT_URL']}: {error}")


if __name__ == "__main__":
    main()
