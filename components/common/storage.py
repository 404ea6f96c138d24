"""One place for URIs: local paths, `s3://`, `http(s)://`, `hf://datasets/...` and `samples://` (the project's own).

S3 access reads the usual AWS_* variables; `AWS_ENDPOINT_URL` names any S3-compatible server (SeaweedFS, MinIO, Ceph).
"""

import os
import shutil
import urllib.parse
from functools import cache
from pathlib import Path
from typing import Any

from components.common.errors import UserError

PROJECT_ROOT = Path(__file__).parents[2]


def cache_dir(kind: str) -> Path:
    """Returns (and makes) a cache folder below PSYCHE_HOME, `~/.cache/psyche` unless set.

    Raises:
        UserError: The folder cannot be written.
    """
    home = Path(os.environ.get("PSYCHE_HOME") or Path.home() / ".cache" / "psyche")
    path = home / kind
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"The cache folder {path} cannot be made ({error.strerror}): set PSYCHE_HOME to a folder with free space."
        ) from error
    return path


@cache
def s3_client() -> Any:
    """Returns the process's boto3 S3 client; retries are botocore's own (standard mode, 8 attempts)."""
    import boto3
    from botocore.config import Config

    # Older S3 servers refuse the CRC trailers that botocore adds by default since 1.36.
    config = Config(
        retries={"mode": "standard", "max_attempts": 8},
        s3={"addressing_style": "path"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        connect_timeout=10,
    )
    return boto3.client("s3", config=config, region_name=os.environ.get("AWS_REGION", "us-east-1"))


def split_s3(uri: str) -> tuple[str, str]:
    """Splits `s3://bucket/key` into bucket and key (without a trailing slash)."""
    parsed = urllib.parse.urlparse(uri)
    if parsed.scheme != "s3" or not parsed.netloc:
        raise UserError(f"{uri!r} is not an s3://bucket/key URI.")
    return parsed.netloc, parsed.path.strip("/")


def list_s3(uri: str) -> list[str]:
    """Returns the URIs of all objects at or below `uri`, sorted.

    Raises:
        UserError: The bucket or the server cannot be reached.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, prefix = split_s3(uri)
    keys: list[str] = []
    try:
        for page in s3_client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            keys += [item["Key"] for item in page.get("Contents", [])]
    except (BotoCoreError, ClientError) as error:
        raise UserError(f"{uri} cannot be listed ({error}): check the bucket, AWS_ENDPOINT_URL and the keys.") from error
    # A prefix also matches siblings ("sft" and "sft-old"): keep the object itself and what is below it.
    return [f"s3://{bucket}/{k}" for k in sorted(keys) if not prefix or k == prefix or k.startswith(prefix + "/")]


def list_files(uri: str) -> list[str]:
    """Returns the URIs of all objects or files below `s3://...` or a local directory, sorted; none if it is not there."""
    if uri.startswith("s3://"):
        return list_s3(uri)
    return sorted(str(p) for p in Path(uri).rglob("*") if p.is_file())


def delete_dir(uri: str) -> None:
    """Deletes all objects or files below `s3://...` or a local directory."""
    if not uri.startswith("s3://"):
        shutil.rmtree(uri, ignore_errors=True)
        return
    for item in list_s3(uri):
        bucket, key = split_s3(item)
        s3_client().delete_object(Bucket=bucket, Key=key)


def upload_dir(directory: str | Path, uri: str) -> int:
    """Uploads a directory to `s3://...` or copies it to a local path; returns the number of bytes."""
    directory = Path(directory)
    files = sorted(p for p in directory.rglob("*") if p.is_file())
    if not uri.startswith("s3://"):
        shutil.copytree(directory, uri, dirs_exist_ok=True)
    else:
        bucket, prefix = split_s3(uri)
        for path in files:
            s3_client().upload_file(str(path), bucket, f"{prefix}/{path.relative_to(directory).as_posix()}")
    return sum(p.stat().st_size for p in files)


def download_dir(uri: str, directory: Path) -> Path:
    """Downloads all objects below `s3://...` into `directory`, complete or not at all.

    Raises:
        UserError: Nothing is there.
    """
    objects = list_s3(uri)
    if not objects:
        raise UserError(f"{uri} holds no objects: check the URI, or run the stage that makes it.")
    part = directory.with_name(f"{directory.name}.part{os.getpid()}")
    shutil.rmtree(part, ignore_errors=True)
    bucket, prefix = split_s3(uri)
    for item in objects:
        key = split_s3(item)[1]
        target = part / (key[len(prefix) :].lstrip("/") or Path(key).name)
        target.parent.mkdir(parents=True, exist_ok=True)
        s3_client().download_file(bucket, key, str(target))
    shutil.rmtree(directory, ignore_errors=True)
    part.rename(directory)
    return directory


def put_bytes(uri: str, data: bytes) -> None:
    """Writes one object (or local file, beside and renamed)."""
    if uri.startswith("s3://"):
        bucket, key = split_s3(uri)
        s3_client().put_object(Bucket=bucket, Key=key, Body=data)
        return
    path = Path(uri)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part{os.getpid()}")
    part.write_bytes(data)
    part.rename(path)


def get_bytes(uri: str) -> bytes:
    """Reads one object or local file."""
    if uri.startswith("s3://"):
        bucket, key = split_s3(uri)
        return bytes(s3_client().get_object(Bucket=bucket, Key=key)["Body"].read())
    return Path(uri).read_bytes()


def local_path(uri: str) -> Path:
    """Resolves `samples://` and plain paths; other schemes must be fetched first."""
    if uri.startswith("samples://"):
        return PROJECT_ROOT / "pipelines" / "samples" / uri.removeprefix("samples://")
    return Path(uri.removeprefix("file://")).expanduser()
