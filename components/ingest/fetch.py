"""Source URIs to local files."""

import logging
from dataclasses import dataclass
from pathlib import Path

from components.common.errors import UserError
from components.common.fetch import fetch_root
from components.ingest.readers import images
from components.ingest.readers.formats import SUFFIXES

log = logging.getLogger("psyche")
# Files about the data, not data.
NOT_DATA = {"readme", "license", "licence", "notice", "changelog", "contributing"}


@dataclass(frozen=True)
class SourceFile:
    """A local file and the URI under which its records name it."""

    path: Path
    uri: str


def fetch(uri: str) -> list[SourceFile]:
    """Returns the data files of a source, sorted by URI, downloaded to the cache if they are remote.

    Images are pages if a folder holds nothing else; beside texts they are figures, and no data.

    Raises:
        UserError: The source cannot be reached or holds no file in a known format.
    """
    root = fetch_root(uri, SUFFIXES)
    if not root.exists():
        raise UserError(f"Source {uri} does not exist: check the path in ingest.sources.")
    if root.is_file():
        if root.suffix.lower() not in SUFFIXES:
            raise UserError(f"Source {uri} has the unknown format {root.suffix!r}: use one of {', '.join(SUFFIXES)}.")
        return [SourceFile(root, uri)]
    found = [p for p in sorted(root.rglob("*")) if _is_data(p, root)]
    files = [SourceFile(p, f"{uri.rstrip('/')}/{p.relative_to(root).as_posix()}") for p in found if p.suffix.lower() in SUFFIXES]
    others = [p.name for p in found if p.suffix.lower() not in SUFFIXES]
    if others:
        log.warning("%s: %d files in formats that are not read are left out: %s", uri, len(others), ", ".join(others[:5]))
    texts = [file for file in files if file.path.suffix.lower() not in images.SUFFIXES]
    if not files:
        raise UserError(f"Source {uri} holds no file in a known format: put {', '.join(SUFFIXES)} files there, or correct the path.")
    return texts or files


def _is_data(path: Path, root: Path) -> bool:
    hidden = any(part.startswith((".", "_")) for part in path.relative_to(root).parts)
    return path.is_file() and not hidden and path.stem.lower() not in NOT_DATA
