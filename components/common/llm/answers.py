"""Multiple-choice answers under a JSON schema: for models too small to keep to a form of answer by themselves."""

from typing import Any

from components.common.answers import Parsed, parse_reply
from components.common.llm.client import LLMError, Reply
from components.common.records import Question


def answer_schema(question: Question, reasoning_chars: int) -> dict[str, Any]:
    """Returns the schema of a reply to a question.

    Args:
        question: Its letters and kind: an SMCQ gets one letter, an MMCQ a list.
        reasoning_chars: Longest reasoning, which stands before the answer so that the answer can follow from it; 0: none.
    """
    letter = {"type": "string", "enum": [o.label for o in question.options]}
    several = {"type": "array", "items": letter, "minItems": 1, "maxItems": len(question.options)}
    reasoning = {"rationale": {"type": "string", "minLength": 20, "maxLength": reasoning_chars}} if reasoning_chars else {}
    properties = {**reasoning, "answer": several if question.kind == "multi" else letter}
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def parse_structured(reply: Reply, labels: str) -> Parsed:
    """Parses a reply to `answer_schema` by the one answer parser; an unusable one has no letters.

    Args:
        reply: The reply.
        labels: Letters that the question offers.
    """
    try:
        fields = reply.json()
        answer = fields["answer"]
        letters = parse_reply(answer if isinstance(answer, str) else "".join(sorted(set(answer))), labels).letters
        return Parsed(letters, str(fields.get("rationale", "")).strip(), reply.text, False)
    except (LLMError, KeyError, TypeError, AttributeError):
        return Parsed("", "", reply.text, False)
