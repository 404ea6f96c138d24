"""Stage `cleaning`: the paper's rules on every record, with counters, reasons and a sample of what changed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from components.cleaning.boilerplate import count_lines, drop_boilerplate
from components.cleaning.diff_sample import DiffSample
from components.cleaning.records import Clean, clean_dialogue, clean_passage, clean_post, clean_question, cleaned_texts, text_of
from components.cleaning.rules.table import TextKind, apply_rules
from components.cleaning.settings import CleaningSettings
from components.common.dataset import read_records
from components.common.records import Dialogue, Language, Passage, Post, Question, Record, Step
from components.common.stage import Stage, open_stage

R = TypeVar("R", bound=Record)


def run(
    settings: dict[str, Any] | CleaningSettings,
    passages: str,
    questions: str,
    posts: str,
    dialogues: str,
    clean_passages: str,
    clean_questions: str,
    clean_posts: str,
    clean_dialogues: str,
) -> None:
    """Cleans the four datasets of `ingest` (paper, data curation step 1)."""
    settings = settings if isinstance(settings, CleaningSettings) else CleaningSettings.model_validate(settings)
    references = "redundancy" in settings.rules
    counts: dict[str, int] = {}

    def plain(text: str, language: Language, kind: TextKind) -> str:
        return apply_rules(text, language, kind, settings.rules, counts)

    with open_stage("cleaning", settings) as stage:
        prose = _without_boilerplate(plain, passages, Passage, settings, counts)
        _clean_all(stage, passages, clean_passages, Passage, lambda p: clean_passage(p, prose, settings.min_tokens, references), settings)
        _clean_all(stage, questions, clean_questions, Question, lambda q: clean_question(q, plain), settings)
        talk = _without_boilerplate(plain, posts, Post, settings, counts)
        _clean_all(stage, posts, clean_posts, Post, lambda p: clean_post(p, talk), settings)
        _clean_all(stage, dialogues, clean_dialogues, Dialogue, lambda d: clean_dialogue(d, plain), settings)
        stage.extra.update({f"rule_{name}": n for name, n in sorted(counts.items())})


def _without_boilerplate(clean: Clean, directory: str, model: type[R], settings: CleaningSettings, counts: dict[str, int]) -> Clean:
    """Returns `clean` with recurring lines dropped first; counts them over the whole dataset."""
    if "redundancy" not in settings.rules:
        return clean
    texts = (text for record in read_records(directory, model) for text in cleaned_texts(record))
    lines = count_lines(texts, settings.boilerplate_characters)

    def cleaned(text: str, language: Language, kind: TextKind) -> str:
        text, dropped = drop_boilerplate(text, lines, settings.boilerplate_records)
        counts["boilerplate"] = counts.get("boilerplate", 0) + dropped
        return clean(text, language, kind)

    return cleaned


def _clean_all(stage: Stage, source: str, target: str, model: type[R], change: Callable[[R], R | str], settings: CleaningSettings) -> None:
    writer, sample = stage.writer(target, model), DiffSample(settings.diff_samples, settings.seed)
    seen: set[int] = set()
    for record in stage.read(source, model):
        result = change(record)
        if not isinstance(result, str) and _is_copy(result, seen):
            result = "duplicate"
        if isinstance(result, str):
            writer.reject(record, result)
            stage.reject()
            continue
        sample.offer(record.id, text_of(record), text_of(result))
        writer.add(result.model_copy(update={"steps": [*record.steps, Step(stage="cleaning")]}))
        stage.keep()
    sample.write(Path(target) / "diff_sample.md")


def _is_copy(record: Record, seen: set[int]) -> bool:
    """Tells whether the text came before; copies of questions are left to `control`, which names what they copy."""
    key = int(record.id, 16)
    copy = key in seen and not isinstance(record, Question)
    seen.add(key)
    return copy
