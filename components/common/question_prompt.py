"""How a question is put to a model: the one form in which SFT trains, GRPO samples, and evaluation and selection ask.

Spec section 4: two system prompts ask for reasoning inside think tags, one for general questions, one for cases. The
third, for support dialogues, asks for no reasoning, because their targets hold none.
"""

from typing import Literal

from components.common.prompts import load_prompt
from components.common.records import Language, Question

SystemKind = Literal["question", "case", "support"]
_ANSWER_LINE = {"en": "Answer: ", "zh": "答案："}  # the end of the form that prompts/question.*.j2 asks for


def system_prompt(kind: SystemKind, language: Language) -> str:
    """Returns the system prompt of a general question, a case question or a support dialogue."""
    return load_prompt("common", f"system_{kind}", language).render()


def render_question(question: Question, context: str = "") -> str:
    """Returns the user turn that asks a question: case text if any, stem, options, and the form of the answer."""
    prompt = load_prompt("common", "question", question.language)
    return prompt.render(stem=question.stem, options=question.options, multi=question.kind == "multi", context=context)


def question_messages(question: Question, context: str = "") -> list[dict[str, str]]:
    """Returns system and user turn of a question, ready for a chat template or a chat completion."""
    system = system_prompt("case" if context else "question", question.language)
    return [{"role": "system", "content": system}, {"role": "user", "content": render_question(question, context)}]


def reasoned_answer(rationale: str, letters: str, language: Language) -> str:
    """Returns the reply that is trained for: a think block with the rationale, then the line with the letters."""
    return f"<think>\n{rationale.strip()}\n</think>\n{_ANSWER_LINE[language]}{letters}"
