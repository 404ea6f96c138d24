"""The file that CPsyExam's site scores, for its test split whose keys are withheld."""

import json
from pathlib import Path

from components.common.dataset import write_text
from components.common.scores import Sample
from components.evaluation.suites.cpsyexam import CPsyExam
from components.evaluation.suites.task import Suite

TYPES = {"single": "单项选择题", "multi": "多项选择题"}


def write_submission(suite: Suite, samples: list[Sample], results: Path) -> None:
    """Writes `submission-<suite>.json` beside the scores if the suite's keys are withheld.

    Form: {"zero_shot" | "five_shot": {task file: [{"question_id": ..., "prediction": "AC"}]}}. The site wants both settings
    in one file: merge the two objects.
    """
    if not isinstance(suite, CPsyExam) or not suite.settings.withheld_keys:
        return
    tasks: dict[str, list[dict[str, str]]] = {}
    for sample in samples:
        task = f"{sample.domain}-{sample.subject}-{TYPES[sample.kind]}"
        tasks.setdefault(task, []).append({"question_id": sample.number, "prediction": sample.letters})
    shots = {0: "zero_shot", 5: "five_shot"}.get(suite.settings.shots, f"{suite.settings.shots}_shot")
    write_text(results / f"submission-{suite.name}.json", json.dumps({shots: tasks}, ensure_ascii=False, indent=1))
