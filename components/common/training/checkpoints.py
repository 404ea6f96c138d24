"""Checkpoints in the model store: a checkpoint is complete or absent, and the newest complete one is resumed.

Layout: `<uri>/<fingerprint>/checkpoint-<step>/` holds the files, and one marker per node, written after the node's
files. With ZeRO every node holds shards that no other has, so a checkpoint is complete when all nodes' markers are there.
"""

import json
import re
import shutil
from pathlib import Path

from components.common.storage import delete_dir, download_dir, list_files, put_bytes, upload_dir

_MARKER = re.compile(r"/checkpoint-(\d+)/complete-(\d+)-of-(\d+)\.json$")


def complete_steps(uri: str) -> list[int]:
    """Returns the steps of the complete checkpoints below `uri`, oldest first."""
    seen: dict[tuple[int, int], set[int]] = {}
    for item in list_files(uri):
        match = _MARKER.search(item)
        if match:
            step, node, nodes = (int(g) for g in match.groups())
            seen.setdefault((step, nodes), set()).add(node)
    return sorted({step for (step, nodes), found in seen.items() if len(found) == nodes})


def upload_checkpoint(directory: Path, uri: str, step: int, node: int, nodes: int) -> None:
    """Uploads this node's files of one checkpoint, then its marker."""
    target = f"{uri}/checkpoint-{step}"
    size = upload_dir(directory, target)
    put_bytes(f"{target}/complete-{node}-of-{nodes}.json", json.dumps({"step": step, "bytes": size}).encode())


def prune_checkpoints(uri: str, keep: int) -> None:
    """Deletes all but the newest `keep` complete checkpoints, and incomplete ones that are older than the newest."""
    complete = complete_steps(uri)
    if not complete:
        return
    kept = set(complete[-keep:])
    present = {int(m[1]) for item in list_files(uri) if (m := re.search(r"/checkpoint-(\d+)/", item))}
    for step in present:
        if step not in kept and step < complete[-1]:
            delete_dir(f"{uri}/checkpoint-{step}")


def fetch_newest(uri: str, directory: Path) -> Path | None:
    """Returns a local copy of the newest complete checkpoint, or None if there is none."""
    complete = complete_steps(uri)
    if not complete:
        return None
    name = f"checkpoint-{complete[-1]}"
    target = directory / name
    if uri.startswith("s3://"):
        return download_dir(f"{uri}/{name}", target)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(Path(uri) / name, target)
    return target
