"""Prompts are files: `components/<stage>/prompts/<name>.<language>.j2`, rendered by Jinja.

A prompt's version is `name.language@hash`: it goes into the `steps` of every record that the prompt helped to make.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from components.common.errors import UserError

_ENVIRONMENT = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=False)


@dataclass(frozen=True)
class Prompt:
    """A loaded template and its version."""

    version: str
    template: Template

    def render(self, **values: Any) -> str:
        """Fills the template; a value that is missing is an error, not an empty string."""
        return self.template.render(**values).strip()


@cache
def load_prompt(stage: str, name: str, language: str) -> Prompt:
    """Loads a prompt of a stage.

    Raises:
        UserError: There is no such prompt in that language.
    """
    directory = Path(__file__).parents[1] / stage / "prompts"
    path = directory / f"{name}.{language}.j2"
    if not path.exists():
        have = ", ".join(sorted(p.name for p in directory.glob("*.j2"))) or "none"
        raise UserError(f"Stage {stage} has no prompt {path.name} (it has: {have}): add the file or change the language.")
    text = path.read_text(encoding="utf-8")
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return Prompt(version=f"{stage}/{name}.{language}@{digest}", template=_ENVIRONMENT.from_string(text))
