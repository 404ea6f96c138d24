"""KFP component of the promotion gate."""

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Output

from components.common.image import PIPELINE_IMAGE


@dsl.component(base_image=PIPELINE_IMAGE, install_kfp_package=False)
def gate(
    settings: dict,
    base: Input[Dataset],
    sft: Input[Dataset],
    final: Input[Dataset],
    decision: Output[Artifact],
    champion: Output[Artifact],
) -> str:
    """Results of base, SFT, final and champion -> "promote" or "reject", with every rule's numbers; the champion's results."""
    from components.gate.gate import run

    return run(settings, base.path, sft.path, final.path, decision.path, champion.path)
