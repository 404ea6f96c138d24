"""Prompts are files; their hash is part of every record they helped to make."""

import pytest
from jinja2 import UndefinedError

from components.common.errors import UserError
from components.common.prompts import load_prompt


def test_version_names_stage_prompt_language_and_hash():
    assert load_prompt("common", "question", "en").version.startswith("common/question.en@")


def test_the_two_languages_are_two_versions():
    assert load_prompt("common", "question", "en").version != load_prompt("common", "question", "zh").version


def test_a_missing_value_is_an_error_not_an_empty_string():
    with pytest.raises(UndefinedError):
        load_prompt("common", "question", "en").render()


def test_an_unknown_prompt_names_what_there_is():
    with pytest.raises(UserError, match=r"no prompt riddle.en.j2 \(it has: .*question.en.j2"):
        load_prompt("common", "riddle", "en")
