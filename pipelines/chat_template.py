"""What a model's chat template puts in front of its answer."""

import json
import re
from pathlib import Path

from components.common.errors import UserError

_OPENS = re.compile(r"<think(?:ing)?>\s*\Z", re.IGNORECASE)
# Marks of the training template that only transformers knows; they print nothing.
_TRAINING_MARKS = re.compile(r"{%-?\s*(?:end)?generation\s*-?%}")


def opens_thinking(model_dir: Path) -> bool:
    """Returns whether the template itself opens the think block, so that an answer begins inside it without a tag.

    Raises:
        UserError: The template cannot be read.
    """
    template = _template(model_dir)
    return "<think" in template and bool(_OPENS.search(_prompt(template, _special_tokens(model_dir), model_dir)))


def _template(model_dir: Path) -> str:
    """Returns the template as vLLM would find it; empty if the model has none."""
    for name in ("chat_template.jinja", "chat_template.json", "tokenizer_config.json"):
        path = model_dir / name
        if not path.exists():
            continue
        if path.suffix == ".jinja":
            return path.read_text(encoding="utf-8")
        template = _json(path).get("chat_template") or ""
        if isinstance(template, list):
            template = next((t["template"] for t in template if t["name"] == "default"), "")
        if template:
            return str(template)
    return ""


def _special_tokens(model_dir: Path) -> dict[str, str]:
    path = model_dir / "tokenizer_config.json"
    tokens = _json(path) if path.exists() else {}
    named = {name: token["content"] if isinstance(token, dict) else token for name, token in tokens.items() if name.endswith("_token")}
    return {name: token for name, token in named.items() if isinstance(token, str)}


def _json(path: Path) -> dict[str, object]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise UserError(f"{path} is no JSON object ({error}): fetch the model again.") from error


def _prompt(template: str, tokens: dict[str, str], model_dir: Path) -> str:
    from jinja2 import TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"])
    environment.globals.update(strftime_now=lambda _: "", raise_exception=str)
    turns = [{"role": "user", "content": "Hello."}]
    try:
        return environment.from_string(_TRAINING_MARKS.sub("", template)).render(messages=turns, add_generation_prompt=True, **tokens)
    except (TemplateError, TypeError, ValueError) as error:
        raise UserError(f"The chat template of {model_dir} cannot be read ({error}): mend it, or serve another model.") from error
