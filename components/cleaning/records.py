"""The rules on records: each record type has its texts, and its reasons to be left out.

Every function returns the cleaned record, or the reason why nothing of it is left.
"""

import re
from collections.abc import Callable

from components.cleaning.rules.redundancy_rules import is_reference_title
from components.cleaning.rules.table import TextKind
from components.common.records import Dialogue, Language, Message, Option, Passage, Post, Question, Record, identify

Clean = Callable[[str, Language, TextKind], str]
TOKEN = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+")


def clean_passage(passage: Passage, clean: Clean, min_tokens: int, drop_references: bool) -> Passage | str:
    """Cleans a passage; one below a reference heading, or too short afterwards, is left out."""
    if drop_references and is_reference_title(passage.title):
        return "reference_list"
    text = clean(passage.text, passage.language, "prose")
    if not text:
        return "empty"
    if len(TOKEN.findall(text)) < min_tokens:
        return "too_short"
    return identify(passage.model_copy(update={"text": text, "title": clean(passage.title, passage.language, "prose")}))


def clean_question(question: Question, clean: Clean) -> Question | str:
    """Cleans stem, options and explanation of a question; its options must stay filled and distinct."""
    options = [Option(label=o.label, text=clean(o.text, question.language, "item")) for o in question.options]
    stem = clean(question.stem, question.language, "item")
    if not stem or not all(o.text for o in options):
        return "empty"
    if len({o.text for o in options}) < len(options):
        return "options_not_distinct"
    texts = {name: clean(getattr(question, name), question.language, "item") for name in ("explanation", "span")}
    return identify(question.model_copy(update={"stem": stem, "options": options, **texts}))


def clean_post(post: Post, clean: Clean) -> Post | str:
    """Cleans post and reply."""
    text, reply = (clean(t, post.language, "talk") for t in (post.text, post.reply))
    return identify(post.model_copy(update={"text": text, "reply": reply})) if text and reply else "empty"


def clean_dialogue(dialogue: Dialogue, clean: Clean) -> Dialogue | str:
    """Cleans the turns; a turn of nothing but emoji goes, and its neighbours of one role become one turn."""
    turns: list[Message] = []
    for message in dialogue.messages:
        content = clean(message.content, dialogue.language, "talk")
        if not content:
            continue
        if turns and turns[-1].role == message.role:
            turns[-1] = Message(role=message.role, content=f"{turns[-1].content}\n{content}")
        else:
            turns.append(Message(role=message.role, content=content))
    if not {"user", "assistant"} <= {t.role for t in turns}:
        return "empty"
    return identify(dialogue.model_copy(update={"messages": turns}))


def cleaned_texts(record: Record) -> list[str]:
    """Returns the texts of a passage or a post as the rules get them, one by one."""
    return [record.text, record.reply] if isinstance(record, Post) else [text_of(record)]


def text_of(record: Record) -> str:
    """Returns all text of a record, for the diff sample and the counts of lines."""
    match record:
        case Passage():
            return record.text
        case Question():
            return "\n".join([record.stem, *(f"{o.label}. {o.text}" for o in record.options), record.explanation])
        case Post():
            return f"{record.text}\n{record.reply}"
        case Dialogue():
            return "\n".join(f"{m.role}: {m.content}" for m in record.messages)
        case _:
            raise TypeError(f"{type(record).__name__} has no text")
