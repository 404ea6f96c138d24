"""Near-duplicate search at the paper's scale and above: a million synthetic Chinese questions, a tenth of them planted copies.

A copy repeats an earlier question with a few characters replaced, dropped or added, and its options shuffled. Found are
copies that the search left out. Recall counts the copies whose exact Jaccard similarity to their source reaches the
threshold. Precision recomputes the exact similarity of what was left out to what stands for it, from the texts.
PSYCHE_BENCH_QUESTIONS sets another size. The search runs in a process of its own, whose peak memory is reported.
"""

import json
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator

from components.common.records import Option, Question
from components.control.duplicates import DuplicateSearch
from components.control.settings import DuplicateSettings
from components.control.text import jaccard, question_shingles
from tests.benchmarks.harness import machine

COPIES, SAMPLE, BATCH = 0.1, 20_000, 2000
FORMS = [
    "下列关于{}的说法中，正确的是（ ）。", "{}的主要特点包括（ ）。", "根据{}的观点，{}取决于（ ）。", "在{}的条件下，个体的{}往往表现为（ ）。",
    "研究者让被试先{}，再{}，结果发现（ ）。", "{}与{}的区别在于（ ）。", "小{}近来总是{}，对此较恰当的解释是（ ）。", "属于{}的是（ ）。",
]  # fmt: skip
# 3,000 ideographs in 60,000 words of two to four: shingles repeat across questions as they do in real text.
SIGNS = [chr(0x4E00 + 7 * n % 20900) for n in range(3000)]
_DRAW = random.Random(0)
WORDS = ["".join(_DRAW.choices(SIGNS, k=_DRAW.choice([2, 2, 3, 4]))) for _ in range(60_000)]


def phrase(rng: random.Random, words: int) -> str:
    """Returns some words."""
    return "".join(rng.choices(WORDS, k=words))


def original(number: int) -> Question:
    """Returns synthetic question `number`, always the same."""
    rng = random.Random(number)
    form = rng.choice(FORMS)
    stem = form.format(*(phrase(rng, 5) for _ in range(form.count("{}"))))
    options = [Option(label=label, text=phrase(rng, 2)) for label in "ABCD"]
    return Question(id=str(number), language="zh", kind="single", stem=stem, options=options, key="A")


def copy_of(number: int, source: Question) -> Question:
    """Returns a copy of `source` with one to three edits in the stem and its options shuffled."""
    rng = random.Random(-number)
    stem = list(source.stem)
    for _ in range(rng.choice([1, 1, 1, 2, 2, 3])):
        place = rng.randrange(len(stem))
        stem[place] = rng.choice(["", rng.choice(SIGNS), stem[place] + rng.choice(SIGNS)])
    texts = [o.text for o in source.options]
    rng.shuffle(texts)
    options = [Option(label=label, text=text) for label, text in zip("ABCD", texts, strict=True)]
    return source.model_copy(update={"id": str(number), "stem": "".join(stem), "options": options})


def source_of(number: int, count: int) -> int | None:
    """Returns the number of the question that question `number` copies, or None for an original."""
    first_copy = round(count * (1 - COPIES))
    return None if number < first_copy else random.Random(number * 31).randrange(first_copy)


def question(number: int, count: int) -> Question:
    """Returns question `number` of `count`."""
    source = source_of(number, count)
    return original(number) if source is None else copy_of(number, original(source))


def batches(count: int) -> Iterator[list[Question]]:
    """Yields all questions."""
    for start in range(0, count, BATCH):
        yield [question(n, count) for n in range(start, min(start + BATCH, count))]


def similarity(one: Question, other: Question) -> float:
    """Returns the exact Jaccard similarity from the texts."""
    s = DuplicateSettings()
    return jaccard(question_shingles(one, s.characters, s.words), question_shingles(other, s.characters, s.words))


def measure(count: int) -> dict[str, float]:
    """Runs the search and returns its figures; seconds are those of the search alone, without making the questions."""
    search, seconds = DuplicateSearch(DuplicateSettings(), seed=42), 0.0
    for batch in batches(count):
        started = time.perf_counter()
        search.add(batch)
        seconds += time.perf_counter() - started
    started = time.perf_counter()
    found = search.find()
    seconds += time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"questions": count, "left out": len(found), "seconds": seconds, "GB": peak, **_rates(found, count)}


def _rates(found: dict, count: int) -> dict[str, float]:
    rng, threshold = random.Random(7), DuplicateSettings().jaccard
    copies = rng.sample(range(round(count * (1 - COPIES)), count), min(SAMPLE, round(count * COPIES)))
    similar = [n for n in copies if similarity(question(n, count), question(source_of(n, count), count)) >= threshold]
    gone = rng.sample(sorted(found), min(SAMPLE, len(found)))
    right = sum(similarity(question(n, count), question(found[n].representative, count)) >= threshold for n in gone)
    return {"recall": sum(n in found for n in similar) / len(similar), "precision": right / len(gone)}


def run() -> str:
    """Returns the table."""
    count = int(os.environ.get("PSYCHE_BENCH_QUESTIONS", 1_000_000))
    done = subprocess.run([sys.executable, "-m", "tests.benchmarks.bench_dedup", str(count)], capture_output=True, text=True, check=True)
    figures = json.loads(done.stdout)
    head = "| questions | left out | recall | precision | seconds | peak memory |\n|---:|---:|---:|---:|---:|---:|\n"
    row = "| {questions:,} | {left out:,} | {recall:.4f} | {precision:.4f} | {seconds:.0f} | {GB:.2f} GB |".format(**figures)
    return f"### Near duplicates, a tenth of the questions planted\n\n{head}{row}\n\n{machine(('rensa', 'numpy'))}\n"


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
