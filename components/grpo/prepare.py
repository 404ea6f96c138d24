"""Challenging questions to GRPO prompts; a prompt that is too long is left out and counted (TRL no longer does it)."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from components.common.question_prompt import question_messages
from components.common.records import Language, Message, Question
from components.common.stage import Stage


class Prompt(BaseModel):
    """One row of the prompt set: the chat prompt and what the rewards need to know."""

    id: str
    prompt: list[Message]
    key: str
    labels: str
    language: Language


def question_prompt(question: Question) -> Prompt:
    """Returns the prompt of one question."""
    messages = [Message.model_validate(m) for m in question_messages(question)]
    labels = "".join(o.label for o in question.options)
    return Prompt(id=question.id, prompt=messages, key=question.key, labels=labels, language=question.language)


def prepare(stage: Stage, challenging: str, tokenizer: Any, max_tokens: int, output: Path) -> int:
    """Writes the prompt set and returns the number of prompts."""
    out = stage.writer(output, Prompt)
    for question in stage.read(challenging, Question):
        prompt = question_prompt(question)
        messages = [m.model_dump() for m in prompt.prompt]
        tokens = len(tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=True, return_dict=True)["input_ids"])
        if tokens > max_tokens:
            out.reject(question, "prompt_too_long", f"{tokens} tokens, the limit is {max_tokens}")
            stage.reject()
            continue
        out.add(prompt)
        stage.keep()
    out.close({"stage": stage.name})
    return out.kept.count
