"""KFP signature of the stage `control`."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Output

from components.common.image import PIPELINE_IMAGE


@dsl.component(base_image=PIPELINE_IMAGE, install_kfp_package=False)
def control(settings: dict, generated: Input[Dataset], bank: Input[Dataset], controlled: Output[Dataset]) -> None:
    """Questions -> without suite overlaps, near duplicates and bad items (paper, data curation step 3)."""
    from components.control.control import run

    run(settings, generated.path, bank.path, controlled.path)
