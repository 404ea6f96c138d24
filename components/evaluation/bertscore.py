"""BERTScore F1 of case answers (Zhang et al., 2020): each token is matched to its most similar token of the other text."""

from collections.abc import Iterator, Sequence
from typing import Any

from components.common.models import local_model
from components.common.scores import Cell, Sample, Score
from components.common.stage import Stage
from components.evaluation.settings import BertScoreSettings
from components.evaluation.suites.task import FIGURES

NAME = "bertscore"


def add_bertscore(stage: Stage, settings: BertScoreSettings, samples: Sequence[Sample]) -> None:
    """Adds the score `bertscore` to the case questions.

    Raises:
        UserError: The model cannot be had.
    """
    chosen = [s for s in samples if s.kind == "case"]
    if not chosen:
        return
    encoder = Encoder(settings)
    stage.progress.start("BERTScores", len(chosen))
    for batch in _batches(chosen, settings.batch_size):
        answers = encoder.embed([s.final for s in batch])
        references = encoder.embed([s.key for s in batch])
        for sample, answer, reference in zip(batch, answers, references, strict=True):
            sample.other.append(Score(name=NAME, value=f1(answer, reference)))
        stage.progress.advance(len(batch))


def bertscore_figures(samples: Sequence[Sample]) -> FIGURES:
    """Returns the mean BERTScore of the case questions, if it was computed."""
    return {f"essay.{NAME}": [Cell(score=NAME, kind="case")]} if any(s.score(NAME) is not None for s in samples) else {}


def _batches(samples: Sequence[Sample], size: int) -> Iterator[Sequence[Sample]]:
    return (samples[i : i + size] for i in range(0, len(samples), size))


class Encoder:
    """A Hugging Face encoder and its tokenizer."""

    def __init__(self, settings: BertScoreSettings) -> None:
        from transformers import AutoModel, AutoTokenizer

        directory = str(local_model(settings.model))
        self.layer = settings.layer
        self.tokenizer = AutoTokenizer.from_pretrained(directory)
        self.model = AutoModel.from_pretrained(directory).eval()

    def embed(self, texts: list[str]) -> list[Any]:
        """Returns one matrix per text: unit vectors of its tokens without special ones, shape (tokens, width)."""
        import torch

        # RoBERTa's table of positions is two longer than its longest text: the tokenizer knows better, where it knows.
        width = min(getattr(self.model.config, "max_position_embeddings", 512), self.tokenizer.model_max_length)
        batch = self.tokenizer(
            [text or " " for text in texts],
            return_tensors="pt", padding=True, truncation=True, max_length=width, return_special_tokens_mask=True,
        )  # fmt: skip
        special = batch.pop("special_tokens_mask").bool()
        with torch.inference_mode():
            hidden = self.model(**batch, output_hidden_states=True).hidden_states[self.layer]
        unit = torch.nn.functional.normalize(hidden.float(), dim=-1)
        kept = batch["attention_mask"].bool() & ~special
        return [vectors[mask] for vectors, mask in zip(unit, kept, strict=True)]


def f1(answer: Any, reference: Any) -> float:
    """Returns BERTScore F1 of two matrices of unit vectors, 0 if one is empty; no baseline rescaling, no idf weights."""
    if not len(answer) or not len(reference):
        return 0.0
    similarity = answer @ reference.T
    precision, recall = float(similarity.max(dim=1).values.mean()), float(similarity.max(dim=0).values.mean())
    return max(0.0, 2 * precision * recall / (precision + recall)) if precision + recall > 0 else 0.0
