"""Remote URIs to local files: what sources and benchmark suites name is downloaded into the cache, here and nowhere else."""

import hashlib
import io
import os
import shutil
import urllib.parse
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path

from components.common.errors import UserError
from components.common.storage import alone, cache_dir, download_dir, local_path, put_bytes, s3_version, split_s3

# Suffixes of the types that servers name where the address has no telling suffix.
BY_CONTENT_TYPE = {
    "application/epub+zip": ".epub",
    "application/json": ".json",
    "application/pdf": ".pdf",
    "application/x-ndjson": ".jsonl",
    "application/zip": ".zip",
    "text/csv": ".csv",
    "text/html": ".html",
    "text/markdown": ".md",
    "text/plain": ".txt",
}
HTTP_TIMEOUT_S = 60
LONGEST_NAME = 200  # bytes; file systems take 255, a suffix may come behind
# What a URI on another machine begins with.
REMOTE = ("s3://", "http://", "https://", "hf://")


def fetch_root(uri: str, suffixes: Collection[str]) -> Path:
    """Returns the local file or folder of a URI; what is remote is downloaded into the cache, zip archives are unpacked.

    Args:
        uri: A path, samples://, s3://, http(s):// or hf://datasets/org/name[/folder].
        suffixes: Formats that the caller reads; an address with another suffix is named by the server's content type.

    Raises:
        UserError: It cannot be had, with the reason.
    """
    if uri.startswith("s3://"):
        return _from_s3(uri)
    if uri.startswith(("http://", "https://")):
        return _from_http(uri, suffixes)
    if uri.startswith("hf://"):
        return _from_hub(uri)
    if "://" in uri and not uri.startswith(("samples://", "file://")):
        raise UserError(f"{uri} has an unknown scheme: use a path, samples://, s3://, http(s):// or hf://datasets/.")
    return local_path(uri)


def _cached(uri: str, version: str) -> Path:
    """Returns the cache's folder for one version of a source: what another run is reading is never replaced."""
    return cache_dir("sources") / f"{_hash(uri.encode())}-{version}"


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _from_s3(uri: str) -> Path:
    directory = _cached(uri, s3_version(uri))
    with alone(directory):
        if not directory.exists():
            download_dir(uri, directory)
    single = directory / Path(split_s3(uri)[1]).name
    return single if single.suffix and single.is_file() else directory


def _from_http(uri: str, suffixes: Collection[str]) -> Path:
    import requests

    try:
        response = requests.get(uri, timeout=HTTP_TIMEOUT_S)
        response.raise_for_status()
    except requests.RequestException as error:
        raise UserError(f"{uri} cannot be fetched ({error}): check the address and the network.") from error
    name, directory = _file_name(uri), _cached(uri, _hash(response.content))
    suffix = Path(name).suffix.lower()
    if suffix not in suffixes and suffix != ".zip":
        suffix = BY_CONTENT_TYPE.get(response.headers.get("content-type", "").split(";")[0].strip(), suffix)
    if suffix == ".zip":
        with alone(directory):
            return directory if directory.exists() else _unpack(uri, response.content, directory)
    # The name is kept: CPsyExam's files tell domain and subject by it.
    path = (directory / name).with_suffix(suffix)
    put_bytes(str(path), response.content)
    return path


def _file_name(uri: str) -> str:
    """Returns the name that an address ends in, as one that every file system takes."""
    name = Path(urllib.parse.unquote(urllib.parse.urlparse(uri).path)).name
    if name in ("", "..") or "\0" in name:
        return "index"
    stem, suffix = Path(name).stem, Path(name).suffix
    return stem.encode()[: LONGEST_NAME - len(suffix.encode())].decode(errors="ignore") + suffix


def _unpack(uri: str, content: bytes, directory: Path) -> Path:
    """Unpacks an archive; zipfile itself keeps its members inside the folder."""
    part = directory.with_name(f"{directory.name}.part{os.getpid()}")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            archive.extractall(part)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError) as error:
        shutil.rmtree(part, ignore_errors=True)
        raise UserError(f"{uri} is no zip archive that can be unpacked ({error}): check the address.") from error
    part.rename(directory)
    return directory


def _from_hub(uri: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    parts = uri.removeprefix("hf://").removeprefix("datasets/").strip("/").split("/")
    if len(parts) < 2:
        raise UserError(f"{uri} is no hf://datasets/org/name[/folder]: complete it.")
    name, folder = "/".join(parts[:2]), "/".join(parts[2:])
    patterns = [f"{folder}/*" if folder else "*", folder or "*"]
    try:
        directory = Path(snapshot_download(name, repo_type="dataset", allow_patterns=patterns))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        reason = type(error).__name__
        raise UserError(f"{uri} cannot be fetched from the hub ({reason}): check the name, the network and HF_TOKEN.") from error
    return directory / folder
