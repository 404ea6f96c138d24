"""The evaluated items for the error browser: question, key, and what each model said, packed to fit the page."""

import base64
import gzip
import json
from dataclasses import dataclass
from typing import Any

from components.common.dataset import read_records
from components.common.scores import Sample

LONGEST_TEXTS = (
    100_000,
    8000,
    4000,
    3000,
    2000,
    1500,
    1000,
    700,
    500,
    350,
    250,
    100,
)  # characters, tried in turn until the page is small enough


@dataclass(frozen=True)
class Packed:
    """Items as base64 of gzipped JSON, which the browser unpacks.

    Attributes:
        data: The text to embed.
        longest: Texts longer than this many characters were cut, those of right replies at a quarter of it.
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
        if len(kept) < 2:
            return packed
        kept = kept[: len(kept) // 2]


def _all_right(item: dict[str, Any]) -> bool:
    return all(reply["outcome"] == 1 for reply in item["models"].values())


def _pack(items: list[dict[str, Any]], longest: int, total: int) -> Packed:
    cuts: list[int] = []
    text = json.dumps([_shortened(item, longest, cuts) for item in items], ensure_ascii=False, separators=(",", ":"))
    data = base64.b64encode(gzip.compress(text.encode("utf-8", "replace"), compresslevel=6, mtime=0)).decode()
    return Packed(data, longest, len(items), total, len(cuts))


def _shortened(item: dict[str, Any], longest: int, cuts: list[int]) -> dict[str, Any]:
    """Returns the item with its long texts cut; readers come for the errors, so right replies get a quarter of the length."""
    models = {}
    for name, reply in item["models"].items():
        room = max(LONGEST_TEXTS[-1], longest // 4) if reply["outcome"] == 1 else longest
        models[name] = {**reply, "reasoning": _cut(reply["reasoning"], room, cuts), "final": _cut(reply["final"], room, cuts)}
    return {**item, "prompt": _cut(item["prompt"], longest, cuts), "key": _cut(item["key"], longest, cuts), "models": models}


def _cut(text: str, longest: int, cuts: list[int]) -> str:
    if len(text) <= longest:
        return text
    cuts.append(len(text))
    return f"{text[:longest]} [...]"
