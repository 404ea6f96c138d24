"""Source URIs to local files."""

import hashlib
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

from components.common.errors import UserError
from components.common.storage import cache_dir, download_dir, local_path, split_s3
from components.ingest.readers.formats import SUFFIXES

# Files about the data, not data.
NOT_DATA = {"readme", "license", "licence", "notice", "changelog", "contributing"}
HTTP_SUFFIX = {"text/html": ".html", "text/markdown": ".md", "text/plain": ".txt", "application/pdf": ".pdf", "application/json": ".json",
               "application/epub+zip": ".epub", "text/csv": ".csv", "application/x-ndjson": ".jsonl"}  # fmt: skip


@dataclass(frozen=True)
class SourceFile:
    """A local file and the URI under which its records name it."""

    path: Path
    uri: str


def fetch(uri: str) -> list[SourceFile]:
    """Returns the data files of a source, sorted by URI, downloaded to the cache if they are remote.

    Raises:
        UserError: The source cannot be reached or holds no file in a known format.
    """
    root = fetch_root(uri)
    if not root.exists():
        raise UserError(f"Source {uri} does not exist: check the path in ingest.sources.")
    if root.is_file():
        if root.suffix.lower() not in SUFFIXES:
            raise UserError(f"Source {uri} has the unknown format {root.suffix!r}: use one of {', '.join(SUFFIXES)}.")
        return [SourceFile(root, uri)]
    files = [SourceFile(p, f"{uri.rstrip('/')}/{p.relative_to(root).as_posix()}") for p in sorted(root.rglob("*")) if _is_data(p, root)]
    if not files:
        raise UserError(f"Source {uri} holds no file in a known format: put {', '.join(SUFFIXES)} files there, or correct the path.")
    return files


def _is_data(path: Path, root: Path) -> bool:
    hidden = any(part.startswith((".", "_")) for part in path.relative_to(root).parts)
    return path.is_file() and not hidden and path.suffix.lower() in SUFFIXES and path.stem.lower() not in NOT_DATA


def fetch_root(uri: str) -> Path:
    """Returns the local file or folder of a source; remote ones are downloaded into the cache."""
    if uri.startswith("s3://"):
        return _from_s3(uri)
    if uri.startswith(("http://", "https://")):
        return _from_http(uri)
    if uri.startswith("hf://"):
        return _from_hub(uri)
    if "://" in uri and not uri.startswith(("samples://", "file://")):
        raise UserError(f"Source {uri} has an unknown scheme: use a path, samples://, s3://, http(s):// or hf://datasets/.")
    return local_path(uri)


def _cached(uri: str) -> Path:
    return cache_dir("sources") / hashlib.sha256(uri.encode()).hexdigest()[:16]


def _from_s3(uri: str) -> Path:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        directory = download_dir(uri, _cached(uri))
    except (BotoCoreError, ClientError) as error:
        raise UserError(f"Source {uri} cannot be downloaded ({error}): check the bucket, AWS_ENDPOINT_URL and the keys.") from error
    single = directory / Path(split_s3(uri)[1]).name
    return single if single.suffix and single.is_file() else directory


def _from_http(uri: str) -> Path:
    import requests

    try:
        response = requests.get(uri, timeout=60)
        response.raise_for_status()
    except requests.RequestException as error:
        raise UserError(f"Source {uri} cannot be fetched ({error}): check the address and the network.") from error
    suffix = Path(urllib.parse.urlparse(uri).path).suffix.lower()
    if suffix not in SUFFIXES:
        suffix = HTTP_SUFFIX.get(response.headers.get("content-type", "").split(";")[0].strip(), suffix)
    path = _cached(uri).with_suffix(suffix)
    path.write_bytes(response.content)
    return path


def _from_hub(uri: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    parts = uri.removeprefix("hf://").removeprefix("datasets/").strip("/").split("/")
    if len(parts) < 2:
        raise UserError(f"Source {uri} is no hf://datasets/org/name[/folder]: complete it.")
    name, folder = "/".join(parts[:2]), "/".join(parts[2:])
    patterns = [f"{folder}/*" if folder else "*", folder or "*"]
    try:
        directory = Path(snapshot_download(name, repo_type="dataset", allow_patterns=patterns))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        reason = type(error).__name__
        raise UserError(f"Source {uri} cannot be fetched from the hub ({reason}): check the name, the network and HF_TOKEN.") from error
    return directory / folder
