"""ROUGE and BLEU of a case answer against its reference (spec section 5)."""

import logging
from functools import cache
from typing import Any

from components.common.records import Language

EMPTY = {"rouge1": 0.0, "rougeL": 0.0, "bleu4": 0.0}


@cache
def _segmenter() -> Any:
    import jieba

    jieba.setLogLevel(logging.WARNING)
    return jieba.Tokenizer()


def words(text: str, language: Language) -> list[str]:
    """Returns the words of a text: by jieba for Chinese, by blanks and in lower case for English."""
    if language == "en":
        return text.lower().split()
    return [w for w in _segmenter().cut(text) if w.strip()]


def text_scores(answer: str, reference: str, language: Language) -> dict[str, float]:
    """Returns ROUGE-1 F1, ROUGE-L F1 and sentence BLEU-4 (NLTK smoothing method 1), each in 0..1."""
    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
    from rouge_chinese import Rouge

    ours, theirs = words(answer, language), words(reference, language)
    if not ours or not theirs:
        return dict(EMPTY)
    rouge = Rouge(metrics=["rouge-1", "rouge-l"]).get_scores(" ".join(ours), " ".join(theirs))[0]
    bleu = sentence_bleu([theirs], ours, smoothing_function=SmoothingFunction().method1)
    return {"rouge1": float(rouge["rouge-1"]["f"]), "rougeL": float(rouge["rouge-l"]["f"]), "bleu4": float(bleu)}
