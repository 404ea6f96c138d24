"""Metric of the task: our answer parser, their aggregation."""

from components.common.answers import parse_reply


def process_results(doc: dict, results: list[str]) -> dict[str, float]:
    """Returns the scores of one item; lm-evaluation-harness calls it."""
    letters = parse_reply(results[0], doc["labels"]).letters
    return {"strict": float(letters == doc["key"]), "answered": float(bool(letters))}
