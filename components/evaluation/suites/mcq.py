"""Plain multiple-choice questions as JSON lines."""

from collections.abc import Iterator
from dataclasses import dataclass

from components.common.benchmarks import BadRow, load_questions
from components.common.benchmarks.settings import SuiteSettings
from components.common.llm import Reply
from components.common.scores import Sample
from components.evaluation.suites.choice import choice_figures, choice_tasks, score_choice
from components.evaluation.suites.task import FIGURES, Failure, Task


@dataclass(frozen=True)
class MCQ:
    """Rows of `question`, `options`, `answer` and optionally `type`, `field`, `context`, `language`."""

    settings: SuiteSettings

    @property
    def name(self) -> str:
        """Name in scores and gate rules."""
        return self.settings.name

    def tasks(self) -> Iterator[Task | BadRow]:
        """Returns the questions one by one."""
        return choice_tasks(load_questions("plain", self.settings.uri, self.settings.language))

    def score(self, task: Task, replies: list[Reply | Failure]) -> Sample:
        """Scores one item."""
        return score_choice(self.name, task, replies)

    def figures(self, samples: list[Sample]) -> FIGURES:
        """Returns the figures per field and type."""
        return choice_figures(samples)
