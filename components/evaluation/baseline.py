r"""Any other endpoint on the same suites, and all models side by side.

    python -m components.evaluation.baseline evaluation.yaml --baseline deepseek=http://host/v1 --results out \
        --with final=runs/x/evaluation-final/results --suite pceb

`evaluation.yaml` holds evaluation settings as in a recipe. Prints the paper's table with the published rows, and paired tests.
"""

import argparse
import json
import os
import urllib.request
from pathlib import Path
from typing import Any

import yaml

from components.common.errors import UserError
from components.common.llm import LLMSettings
from components.common.scores.compare import Comparison, compare_models, markdown_table, pceb_table
from components.common.scores.headlines import headlines
from components.common.scores.results import Results, load_results, write_names
from components.evaluation.evaluate import run
from components.evaluation.settings import EvaluationSettings


def split_pair(text: str) -> tuple[str, str]:
    """Splits "name=value".

    Raises:
        UserError: It has no name or no value.
    """
    name, _, value = text.partition("=")
    if not name or not value:
        raise UserError(f"{text!r} must be name=value, for instance deepseek=http://host:8000/v1.")
    return name, value


def endpoint_of(name: str, url: str, api_key_env: str = "") -> LLMSettings:
    """Returns the settings of an endpoint; it must serve one model, or one that is called `name`.

    Raises:
        UserError: It does not answer, or serves several models of other names.
    """
    key = os.environ.get(api_key_env, "").strip()  # a line break would be refused with a message that shows the key
    request = urllib.request.Request(f"{url.rstrip('/')}/models", headers={"Authorization": f"Bearer {key}"} if key else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            served = [str(model["id"]) for model in json.load(response)["data"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"Baseline {name}: {url}/models does not answer ({error}): check the URL and the key.") from error
    if len(served) != 1 and name not in served:
        raise UserError(f"Baseline {name}: {url} serves {', '.join(served) or 'nothing'}: name the baseline after one of them.")
    return LLMSettings(name=name, model=name if name in served else served[0], base_urls=[url], api_key_env=api_key_env)


def evaluate_baseline(settings: EvaluationSettings, name: str, url: str, results: Path, api_key_env: str = "") -> Results:
    """Asks an endpoint every item of the suites and returns its results."""
    chosen = settings.model_copy(update={"llm": endpoint_of(name, url, api_key_env)})
    run(chosen, name, "", str(results / name))
    return load_results(name, results / name)


def run_all(settings: dict[str, Any] | EvaluationSettings, results: str) -> dict[str, float]:
    """Asks every endpoint of the settings' `baselines`; returns the headline figures as {"<name>.<figure>": value}.

    Args:
        settings: Validated or raw settings.
        results: Directory that receives one folder of results per endpoint.

    Raises:
        SystemExit: An endpoint or a suite cannot be used; the sentence is on stderr.
    """
    chosen = EvaluationSettings.model_validate(settings)
    figures: dict[str, float] = {}
    for llm in chosen.baselines:
        found = run(chosen.model_copy(update={"llm": llm, "predictions": ""}), llm.name, "", str(Path(results) / llm.name))
        figures |= {f"{llm.name}.{figure}": value for figure, value in found.items()}
    write_names(results, [llm.name for llm in chosen.baselines])
    return figures


def comparison_text(models: list[Results], suite: str) -> str:
    """Returns the table and the paired tests of the last model against each other one, as Markdown."""
    lines = [markdown_table(pceb_table({m.name: m.figures for m in models}, suite))]
    *others, last = models
    for other in others:
        found = compare_models(last, other, list(headlines(last.figures)))
        lines += [f"{last.name} against {other.name}, same items, p corrected by Holm:", "", *map(_comparison_line, found), ""]
    return "\n".join(lines)


def _comparison_line(c: Comparison) -> str:
    span = f"{100 * c.low:+.1f} to {100 * c.high:+.1f}"
    return (
        f"- {c.metric}: {100 * c.difference:+.2f} ({span}), p = {c.p_holm:.3g}, detectable from {100 * c.minimum_detectable:.1f}, n = {c.n}"
    )


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m components.evaluation.baseline")
    parser.add_argument("settings", type=Path)
    parser.add_argument("--baseline", action="append", default=[], metavar="NAME=URL")
    parser.add_argument("--with", dest="known", action="append", default=[], metavar="NAME=RESULTS")
    parser.add_argument("--results", type=Path, default=Path("baselines"))
    parser.add_argument("--suite", default="pceb")
    parser.add_argument("--api-key-env", default="")
    chosen = parser.parse_args(arguments)
    raw: Any = yaml.safe_load(chosen.settings.read_text(encoding="utf-8"))
    settings = EvaluationSettings.model_validate(raw)
    models = [evaluate_baseline(settings, *split_pair(b), chosen.results, chosen.api_key_env) for b in chosen.baseline]
    models += [load_results(*split_pair(known)) for known in chosen.known]
    print(comparison_text(models, chosen.suite))


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        raise SystemExit(f"error: {error}") from error
