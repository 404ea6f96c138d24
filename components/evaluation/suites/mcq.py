"""Plain multiple-choice questions as JSON lines."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from components.common.benchmarks import BadRow, BenchmarkItem, load_questions
from components.common.benchmarks.settings import SuiteSettings
from components.common.llm import Reply
from components.common.scores import Sample
from components.evaluation.suites.choice import choice_figures, choice_task, score_choice
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
        """Yields the questions."""
        seen: Counter[str] = Counter()
        for item in load_questions("plain", self.settings.uri, self.settings.language):
            if isinstance(item, BenchmarkItem):
                seen[item.id] += 1
                yield choice_task(item, seen[item.id])
            else:
                yield item

    def score(self, task: Task, replies: list[Reply | Failure]) -> Sample:
        """Scores one item."""
        return score_choice(self.name, task, replies)

    def figures(self, samples: list[Sample]) -> FIGURES:
        """Returns the figures per field and type."""
        return choice_figures(samples)
