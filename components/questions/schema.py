"""The JSON schema that the teacher answers in.

Right and wrong options come in two lists of fixed length. So the size of the key is right by construction, no letter
can contradict a text, and the place of the key is ours to choose.
"""

from typing import Any

from components.questions.settings import QuestionsSettings


def reply_schema(settings: QuestionsSettings, n: int, right: int, sentences: int) -> dict[str, Any]:
    """Returns the schema of one reply.

    Args:
        settings: Number of options, tags and length limits.
        n: Questions in the reply.
        right: Right options per question.
        sentences: Number of sentences of the passage.
    """
    text = {"type": "string", "minLength": 1, "maxLength": settings.max_text_chars}
    properties = {
        "sentences": {
            "type": "array",
            "items": {"type": "integer", "enum": list(range(1, sentences + 1))},
            "minItems": 1,
            "maxItems": min(settings.max_span_sentences, sentences),
        },
        "question": {**text, "minLength": 10},
        "right_options": {"type": "array", "items": text, "minItems": right, "maxItems": right},
        "wrong_options": {"type": "array", "items": text, "minItems": settings.options - right, "maxItems": settings.options - right},
        "explanation": text,
        "difficulty": {"type": "string", "enum": settings.difficulties},
    }
    item = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    questions = {"type": "array", "items": item, "minItems": n, "maxItems": n}
    return {"type": "object", "properties": {"questions": questions}, "required": ["questions"], "additionalProperties": False}
