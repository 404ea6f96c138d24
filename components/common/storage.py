"""One place for URIs: local paths, `s3://`, `http(s)://`, `hf://datasets/...` and `samples://` (the project's own).

S3 access reads the usual AWS_* variables; `AWS_ENDPOINT_URL` names any S3-compatible server (SeaweedFS, MinIO, Ceph).
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from components.common.errors import UserError

PROJECT_ROOT = Path(__file__).parents[2]


def cache_dir(kind: str) -> Path:
    """Returns (and makes) a cache folder below PSYCHE_HOME, `~/.cache/psyche` unless set.

    Raises:
        UserError: The folder cannot be written.
    """
    path = Path(os.environ.get("PSYCHE_HOME") or "~/.cache/psyche") / kind
    try:
        path = path.expanduser()
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError) as error:  # RuntimeError: a user id without a home
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"The cache folder {path} cannot be made ({reason}): set PSYCHE_HOME to a folder with free space.") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise UserError(f"The cache folder {path} cannot be written: set PSYCHE_HOME to a folder of your own.")
    return path


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Lets one process at a time make a folder of the cache: two runs on one machine share it."""
    from filelock import FileLock

    with FileLock(f"{directory}.lock"):
        yield


@cache
def s3_client() -> Any:
    """Returns the process's boto3 S3 client; retries are botocore's own (standard mode, 8 attempts).

    Raises:
        UserError: AWS_ENDPOINT_URL is no address.
    """
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
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    try:
        return boto3.client("s3", config=config, region_name=region)
    except ValueError as error:
        raise UserError(f"The S3 client cannot be made ({error}): write AWS_ENDPOINT_URL as http(s)://host:port.") from error


@contextmanager
def _s3_errors(uri: str, done: str) -> Iterator[None]:
    """Turns what boto3 raises while an object is `done` (read, written ...) into one sentence."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (Boto3Error, BotoCoreError, ClientError) as error:
        raise UserError(f"{uri} cannot be {done} ({error}): check the bucket, AWS_ENDPOINT_URL and the keys.") from error


def split_s3(uri: str) -> tuple[str, str]:
    """Splits `s3://bucket/key` into bucket and key (without slashes around it); `#` and `?` are letters like any other."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or not bucket:
        raise UserError(f"{uri!r} is not an s3://bucket/key URI.")
    return bucket, key.strip("/")


def list_s3(uri: str) -> list[str]:
    """Returns the URIs of all objects at or below `uri`, sorted, without the empty ones that stand for folders.

    Raises:
        UserError: The bucket or the server cannot be reached.
    """
    bucket = split_s3(uri)[0]
    return [f"s3://{bucket}/{key}" for key in _objects(uri) if not key.endswith("/")]


def s3_version(uri: str) -> str:
    """Returns a hash of the names and contents below `uri`: another one means that something was replaced."""
    return hashlib.sha256(json.dumps(_objects(uri)).encode()).hexdigest()[:16]


def _objects(uri: str) -> dict[str, str]:
    """Returns the entity tags of all objects at or below `uri` by their keys, sorted."""
    bucket, prefix = split_s3(uri)
    tags: dict[str, str] = {}
    with _s3_errors(uri, "listed"):
        for page in s3_client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            tags |= {item["Key"]: item["ETag"] for item in page.get("Contents", [])}
    # A prefix also matches siblings ("sft" and "sft-old"): keep the object itself and what is below it.
    return {k: tags[k] for k in sorted(tags) if not prefix or k == prefix or k.startswith(prefix + "/")}


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
    bucket = split_s3(uri)[0]
    for key in _objects(uri):
        with _s3_errors(uri, "deleted"):
            s3_client().delete_object(Bucket=bucket, Key=key)


def upload_dir(directory: str | Path, uri: str) -> int:
    """Uploads a directory to `s3://...` or copies it to a local path; returns the number of bytes.

    Raises:
        UserError: The store refuses a file.
    """
    directory = Path(directory)
    files = sorted(p for p in directory.rglob("*") if p.is_file())
    if not uri.startswith("s3://"):
        shutil.copytree(directory, uri, dirs_exist_ok=True)
    else:
        bucket, prefix = split_s3(uri)
        for path in files:
            with _s3_errors(uri, "written"):
                s3_client().upload_file(str(path), bucket, f"{prefix}/{path.relative_to(directory).as_posix()}".lstrip("/"))
    return sum(p.stat().st_size for p in files)


def download_dir(uri: str, directory: Path) -> Path:
    """Downloads all objects below `s3://...` into `directory`, complete or not at all.

    Raises:
        UserError: Nothing is there, it cannot be read, or an object's name leads out of the directory.
    """
    bucket, prefix = split_s3(uri)
    keys = [key for key in _objects(uri) if not key.endswith("/")]
    if not keys:
        raise UserError(f"{uri} holds no objects: check the URI, or run the stage that makes it.")
    part = directory.with_name(f"{directory.name}.part{os.getpid()}")
    shutil.rmtree(part, ignore_errors=True)
    try:
        for key in keys:
            target = part / _place(key, prefix)
            target.parent.mkdir(parents=True, exist_ok=True)
            with _s3_errors(f"s3://{bucket}/{key}", "downloaded"):
                s3_client().download_file(bucket, key, str(target))
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)  # gigabytes that nobody would look for
        raise
    shutil.rmtree(directory, ignore_errors=True)
    part.rename(directory)
    return directory


def _place(key: str, prefix: str) -> str:
    """Returns the path of an object below its prefix."""
    path = key[len(prefix) :].lstrip("/") or PurePosixPath(key).name
    if ".." in PurePosixPath(path).parts:
        raise UserError(f"The object {key!r} would be written outside of its folder: rename it.")
    return path


def put_bytes(uri: str, data: bytes) -> None:
    """Writes one object (or local file, beside and renamed)."""
    if uri.startswith("s3://"):
        bucket, key = split_s3(uri)
        with _s3_errors(uri, "written"):
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
        with _s3_errors(uri, "read"):
            return bytes(s3_client().get_object(Bucket=bucket, Key=key)["Body"].read())
    return Path(uri).read_bytes()


def local_path(uri: str) -> Path:
    """Resolves `samples://` and plain paths; other schemes must be fetched first."""
    if uri.startswith("samples://"):
        return PROJECT_ROOT / "pipelines" / "samples" / uri.removeprefix("samples://")
    return Path(uri.removeprefix("file://")).expanduser()
