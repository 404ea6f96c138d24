"""Records to a tokenised training set: what training reads, what is left out and why, and how long samples are."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from components.common.dataset import DatasetWriter, read_records
from components.common.records import Dialogue, Question
from components.common.stage import Stage
from components.sft.examples import Example, dialogue_example, dialogues_to_keep, question_example
from components.sft.settings import SFTSettings
from components.sft.tokens import Tokens, tokenize, truncate

log = logging.getLogger("psyche")


class TokenizedExample(BaseModel):
    """One row of the training set."""

    id: str
    kind: str
    input_ids: list[int]
    labels: list[int]


def prepare(stage: Stage, settings: SFTSettings, rest: str, dialogues: str, tokenizer: Any, output: Path) -> list[int]:
    """Writes the training set and returns the length of each of its samples in tokens."""
    out = stage.writer(output, TokenizedExample)
    lengths: list[int] = []
    truncated = 0
    for example in _examples(stage, settings, rest, dialogues, out):
        tokens = tokenize(tokenizer, [m.model_dump() for m in example.messages])
        if len(tokens.input_ids) > settings.max_length:
            truncated += 1
            tokens = truncate(tokens, settings.max_length)
            if settings.overlong == "reject" or not _learns(tokens):
                out.reject(example, "too_long", f"more than {settings.max_length} tokens")
                stage.reject()
                continue
        out.add(TokenizedExample(id=example.id, kind=example.kind, input_ids=tokens.input_ids, labels=tokens.labels))
        stage.keep()
        stage.extra[f"{example.kind}s"] = stage.extra.get(f"{example.kind}s", 0) + 1
        lengths.append(len(tokens.input_ids))
    out.close({"stage": stage.name})
    stage.extra |= {**length_statistics(lengths), "overlong": truncated}
    if truncated:
        done = "left out" if settings.overlong == "reject" else "cut"
        log.warning("%d samples are longer than max_length %d tokens and were %s", truncated, settings.max_length, done)
    return lengths


def _examples(stage: Stage, settings: SFTSettings, rest: str, dialogues: str, out: DatasetWriter) -> Iterator[Example]:
    """Yields the examples of both inputs; what cannot become one is rejected with a reason."""
    questions = 0
    for question in stage.read(rest, Question):
        example = question_example(question)
        if example is None:
            out.reject(question, "no_rationale")
            stage.reject()
            continue
        questions += 1
        yield example
    ids = (d.id for d in read_records(dialogues, Dialogue))
    wanted = dialogues_to_keep(ids, questions, settings.dialogue_ratio, settings.seed)
    for dialogue in stage.read(dialogues, Dialogue):
        example = dialogue_example(dialogue)
        if example is None or dialogue.id not in wanted:
            out.reject(dialogue, "no_assistant_turn" if example is None else "over_dialogue_ratio")
            stage.reject()
            continue
        yield example


def _learns(tokens: Tokens) -> bool:
    return any(label >= 0 for label in tokens.labels)


def length_statistics(lengths: list[int]) -> dict[str, int]:
    """Returns total, median, 95th percentile and maximum of sample lengths in tokens.

    >>> length_statistics([4, 1, 3, 2])
    {'tokens': 10, 'tokens_p50': 3, 'tokens_p95': 4, 'tokens_max': 4}
    """
    ordered = sorted(lengths) or [0]
    rank = {f"tokens_p{p}": ordered[min(len(ordered) * p // 100, len(ordered) - 1)] for p in (50, 95)}
    return {"tokens": sum(lengths), **rank, "tokens_max": ordered[-1]}
