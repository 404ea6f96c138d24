"""One interface for both launchers: a training's output, line by line."""

from collections.abc import Generator
from pathlib import Path

from components.common.errors import UserError
from components.common.launch.settings import LaunchSettings
from components.common.launch.torchrun import run_torchrun


def launch(
    module: str, config: str, settings: LaunchSettings, log_file: Path, stop_seconds: int, name: str, fingerprint: str
) -> Generator[str, None, None]:
    """Starts the training module and yields its output until it has ended well.

    Args:
        module: Python module of the training script.
        config: Path or s3:// URI of its configuration file.
        settings: Which launcher, and how many processes.
        log_file: Receives the output.
        stop_seconds: Time a stopped training gets to save.
        name: Of the TrainJob.
        fingerprint: Of what is trained.

    Raises:
        UserError: The training failed, with the reason.
    """
    if settings.launcher == "torchrun":
        yield from run_torchrun(module, Path(config), settings, log_file, stop_seconds)
        return
    if not config.startswith("s3://"):
        raise UserError(
            "The trainjob launcher needs a model store on S3 that all nodes reach: set PSYCHE_MODEL_STORE to s3://bucket/prefix."
        )
    from components.common.cluster_api import connect
    from components.common.launch.run_trainjob import run_trainjob
    from components.common.launch.trainjob import trainjob_manifest

    cluster = connect(settings.trainjob.namespace)
    manifest = trainjob_manifest(name, cluster.namespace, module, config, settings, stop_seconds, fingerprint)
    log_file.parent.mkdir(parents=True, exist_ok=True)
    with log_file.open("w", encoding="utf-8") as log:
        for line in run_trainjob(cluster, manifest, settings.trainjob.pending_s):
            log.write(line + "\n")
            yield line
