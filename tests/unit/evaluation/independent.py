"""The scores of PCEB and CPsyExam once more, from the raw files, in exact fractions, without a line of the product's code."""

import json
import re
from fractions import Fraction
from pathlib import Path


def pceb_questions(folder: Path):
    """Yields (domain, kind, stem, key) in the order of the paths."""
    for path in sorted(folder.rglob("*.json")):
        parts = path.relative_to(folder).parts
        for row in json.loads(path.read_text(encoding="utf-8")):
            if parts[0] == "cases":
                for question in row["questions_and_answers"] if parts[1] == "mix" else []:
                    multi = question["question"].startswith("多选")
                    yield "case", "multi" if multi else "single", question["question"], question["answer"].strip()
            elif row["answer"].strip():
                yield parts[0], {"single": "single", "multiple": "multi"}[parts[1]], row["question"], row["answer"].strip()


def strict(letters: str, key: str) -> Fraction:
    return Fraction(int(sorted(set(letters)) == sorted(set(key))))


def elastic(letters: str, key: str) -> Fraction:
    if not letters or set(letters) - set(key):
        return Fraction(0)
    return Fraction(len(set(letters)), len(set(key)))


def mean(values) -> Fraction:
    values = list(values)
    return sum(values, Fraction(0)) / len(values)


def pceb_scores(items):
    """Items are (domain, kind, key, letters), letters "" where unanswered; returns figure -> exact value."""
    out = {}
    for suffix, used in (("", items), ("_answered", [i for i in items if i[3]])):
        cells = {}
        for domain in ("moral", "theory", "case"):
            for kind in ("single", "multi"):
                cell = [(key, letters) for d, k, key, letters in used if (d, k) == (domain, kind)]
                cells[domain, kind, "strict"] = mean(strict(letters, key) for key, letters in cell)
                cells[domain, kind, "elastic"] = mean(elastic(letters, key) for key, letters in cell)
                out[f"{domain}.{kind}.strict{suffix}"] = cells[domain, kind, "strict"]
                if kind == "multi":
                    out[f"{domain}.{kind}.elastic{suffix}"] = cells[domain, kind, "elastic"]
        out[f"avg{suffix}"] = mean(v for (_, _, score), v in cells.items() if score == "strict")
        out[f"avg_elastic{suffix}"] = mean(
            v for (_, kind, score), v in cells.items() if (kind, score) in (("single", "strict"), ("multi", "elastic"))
        )
    out["all.strict"] = mean(strict(letters, key) for _, _, key, letters in items)
    return out


def cpsyexam_questions(folder: Path):
    """Yields (task, type, key) of the usable rows: the key's letters are offered, and several for a multi question."""
    for path in sorted(folder.glob("*.json")):
        for row in json.loads(path.read_text(encoding="utf-8")):
            key = row["answer"]
            offered = {label for label, text in row["options"].items() if text.strip()}
            well_formed = re.fullmatch("[A-E]+", key) and set(key) <= offered
            if well_formed and (len(key) == 1) == (row["question_type"] == "single"):
                # The row's own type counts: five multi questions stand in a file of single ones.
                yield path.stem.rpartition("-")[0], row["question_type"], key


def cpsyexam_scores(items):
    """Items are (task, type, key, letters); returns figure -> exact value, pooled and as the mean over tasks."""
    out = {}
    for domain in ("KG", "CA", ""):
        pooled, by_task = {}, {}
        for kind in ("single", "multi"):
            chosen = [i for i in items if i[0].startswith(domain) and i[1] == kind]
            tasks = sorted({item[0] for item in chosen})
            pooled[kind] = mean(strict(letters, key) for _, _, key, letters in chosen)
            by_task[kind] = mean(mean(strict(letters, key) for t, _, key, letters in chosen if t == task) for task in tasks)
            out[f"{domain or 'all'}.{kind}.strict_by_subject"] = by_task[kind]
            if domain:
                out[f"{domain}.{kind}.strict"] = pooled[kind]
        prefix = f"{domain}." if domain else ""
        out[f"{prefix}mean_of_types"] = mean(pooled.values())
        out[f"{prefix}mean_of_types_by_subject"] = mean(by_task.values())
    return out
