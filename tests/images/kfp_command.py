"""The command by which KFP starts a stage, taken from the compiled pipeline, with outputs below /tmp/out."""

import json
from typing import Any

import yaml

from pipelines.compile import manifests
from pipelines.recipe import Recipe

OUT = "/tmp/out"


def kfp_command(recipe: Recipe, stage: str, parameters: dict[str, Any], outputs: dict[str, str]) -> list[str]:
    """Returns the command of a stage without input artifacts.

    Args:
        recipe: Any recipe; it is compiled.
        stage: Name of the component.
        parameters: Its parameters.
        outputs: Output artifact -> its KFP type, for instance {"passages": "Dataset"}.
    """
    version = list(yaml.safe_load_all(manifests(recipe)))[1]
    container = version["spec"]["pipelineSpec"]["deploymentSpec"]["executors"][f"exec-{stage}"]["container"]
    artifacts = {
        name: {"artifacts": [{"name": name, "type": {"schemaTitle": f"system.{kind}"}, "uri": f"{OUT}/{name}", "metadata": {}}]}
        for name, kind in outputs.items()
    }
    executor_input = {
        "inputs": {"parameterValues": parameters},
        "outputs": {"outputFile": f"{OUT}/executor_output.json", "artifacts": artifacts},
    }
    return [*container["command"], *(a.replace("{{$}}", json.dumps(executor_input)) for a in container["args"])]
