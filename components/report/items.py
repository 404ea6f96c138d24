"""The evaluated items for the error browser: question, key, and what each model said, packed to fit the page."""

import base64
import gzip
import json
from dataclasses import dataclass
from typing import Any

from components.common.dataset import read_records
from components.common.scores import Sample

LONGEST_TEXTS = (100_000, 8000, 4000, 2000, 1000, 500, 250, 100)  # characters, tried in turn until the page is small enough
ERROR_ROOM = 2  # items are halved at the end of that list; at least so many stay


@dataclass(frozen=True)
class Packed:
    """Items as base64 of gzipped JSON, which the browser unpacks.

    Attributes:
        data: The text to embed.
        longest: Texts longer than this many characters were cut.
        shown: Items in it.
        total: Items there are.
        cut: Texts that were cut.
    """

    data: str
    longest: int
    shown: int
    total: int
    cut: int


def read_items(results: dict[str, str]) -> list[dict[str, Any]]:
    """Joins the samples of all models by suite and id, in the order of the first model."""
    items: dict[tuple[str, str], dict[str, Any]] = {}
    for model, directory in results.items():
        for sample in read_records(directory, Sample):
            item = items.setdefault((sample.suite, sample.id), _question(sample))
            item["models"][model] = _reply(sample)
    return list(items.values())


def _question(sample: Sample) -> dict[str, Any]:
    names = ("id", "suite", "domain", "kind", "language", "subject", "exam", "number", "prompt", "key")
    return {**{name: getattr(sample, name) for name in names}, "models": {}}


def _reply(sample: Sample) -> dict[str, Any]:
    outcome = sample.strict if sample.strict is not None else sample.score("passed")
    first = sample.replies[0]
    # A reply that was cut inside its think block has neither answer nor reasoning: then the raw text is all there is.
    return {
        "outcome": outcome,
        "letters": sample.letters,
        "reasoning": sample.reasoning,
        "final": sample.final or ("" if sample.reasoning else first.text),
        "truncated": bool(sample.truncated),
        "well_formed": sample.well_formed,
        "error": first.error,
        "scores": {s.name: round(s.value, 4) for s in sample.other},
    }


def pack_items(items: list[dict[str, Any]], room: int) -> Packed:
    """Packs the items into at most `room` bytes: cuts long texts first, then leaves items out, those that are right first."""
    # Stable: within right and wrong the items keep their order.
    kept = sorted(items, key=_all_right)
    while True:
        for longest in LONGEST_TEXTS:
            packed = _pack(kept, longest, len(items))
            if len(packed.data) <= room:
                return packed
        if len(kept) <= ERROR_ROOM:
            return packed
        kept = kept[: len(kept) // 2]


def _all_right(item: dict[str, Any]) -> bool:
    return all(reply["outcome"] == 1 for reply in item["models"].values())


def _pack(items: list[dict[str, Any]], longest: int, total: int) -> Packed:
    cut = 0

    def short(text: str) -> str:
        nonlocal cut
        if len(text) <= longest:
            return text
        cut += 1
        return f"{text[:longest]} [...]"

    rows = []
    for item in items:
        models = {
            name: {**reply, "reasoning": short(reply["reasoning"]), "final": short(reply["final"])}
            for name, reply in item["models"].items()
        }
        rows.append({**item, "prompt": short(item["prompt"]), "key": short(item["key"]), "models": models})
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    data = base64.b64encode(gzip.compress(text.encode("utf-8", "replace"), compresslevel=9, mtime=0)).decode()
    return Packed(data, longest, len(items), total, cut)
