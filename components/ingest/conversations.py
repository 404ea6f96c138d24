"""Rows and text files to Post and Dialogue records."""

import re
from collections.abc import Iterator
from typing import Any

from components.common.benchmarks import BadRow
from components.common.records import Dialogue, Language, Message, Post
from components.ingest.language import detect_language
from components.ingest.rows import Row, bad, first_text

POST = ("post", "text", "question", "content", "description")
REPLY = ("reply", "answer", "response")
TOPIC = ("topic", "field", "title")
# Roles of the layouts: SMILECHAT (client, counselor), CPsyCounD (its two Chinese labels), OpenAI messages.
ROLES = {
    "client": "user", "seeker": "user", "user": "user", "human": "user", "\u6765\u8bbf\u8005": "user", "\u6c42\u52a9\u8005": "user",
    "counselor": "assistant", "counsellor": "assistant", "supporter": "assistant", "assistant": "assistant", "gpt": "assistant",
    "\u5fc3\u7406\u54a8\u8be2\u5e08": "assistant", "\u54a8\u8be2\u5e08": "assistant", "system": "system",
}  # fmt: skip
SPEAKER = re.compile(
    r"^\s*(\u6765\u8bbf\u8005|\u6c42\u52a9\u8005|\u5fc3\u7406\u54a8\u8be2\u5e08|\u54a8\u8be2\u5e08|[Cc]lient|[Cc]ounsell?or)\s*[:\uff1a]\s*(.*)$"
)


def posts_of(row: Row, language: Language | None) -> Iterator[Post | BadRow]:
    """Yields a post per reply of a row `{post, reply, topic?}`; `reply` may be a list of replies."""
    text = first_text(row, POST)
    replies = next((row[n] for n in ("replies", *REPLY) if isinstance(row.get(n), list)), None)
    texts = [first_text(row, REPLY)] if replies is None else [_reply_text(r) for r in replies] or [""]
    if not text:
        yield bad(row, "no_post")
        return
    for reply in texts:
        if not reply:
            yield bad(row, "no_reply")
            continue
        spoken = language or detect_language(text + reply)
        yield Post(id=Post.make_id(text, reply), language=spoken, field=first_text(row, TOPIC), text=text, reply=reply)


def _reply_text(reply: Any) -> str:
    value = reply.get("content", "") if isinstance(reply, dict) else reply
    return value.strip() if isinstance(value, str) else ""


def dialogue_of(row: Row, language: Language | None) -> Dialogue | BadRow:
    """Makes a dialogue of a row with `messages` (also `dialog`, `conversations`): a list of `{role, content}`."""
    raw = next((row[n] for n in ("messages", "dialog", "dialogue", "conversations") if isinstance(row.get(n), list)), None)
    if not raw:
        return bad(row, "no_messages")
    turns: list[Message] = []
    for item in raw:
        message = _message(item)
        if isinstance(message, str):
            return bad(row, message, str(item)[:200])
        if turns and turns[-1].role == message.role:  # one speaker, two bubbles
            turns[-1] = Message(role=message.role, content=f"{turns[-1].content}\n{message.content}")
        else:
            turns.append(message)
    if not {"user", "assistant"} <= {t.role for t in turns}:
        return bad(row, "one_sided", f"{len(turns)} turns")
    spoken = language or detect_language("".join(t.content for t in turns))
    return Dialogue(id=Dialogue.make_id(turns), language=spoken, field=first_text(row, TOPIC), messages=turns)


def _message(item: Any) -> Message | str:
    """Returns the message, or the reason why there is none."""
    if not isinstance(item, dict):
        return "not_a_message"
    role = ROLES.get(str(item.get("role", item.get("from", ""))).strip().lower())
    content = first_text(item, ("content", "value"))
    if role is None:
        return "unknown_role"
    return Message(role=role, content=content) if content else "empty_turn"  # type: ignore[arg-type]


def transcript_row(text: str) -> Row:
    """Makes a row with `messages` of a transcript: lines that open with a speaker's name (CPsyCounD)."""
    turns: list[dict[str, str]] = []
    for line in text.splitlines():
        match = SPEAKER.match(line)
        if match:
            turns.append({"role": match.group(1).lower(), "content": match.group(2).strip()})
        elif line.strip() and turns:
            turns[-1]["content"] = f"{turns[-1]['content']}\n{line.strip()}".strip()
    return {"messages": turns}


def is_transcript(text: str) -> bool:
    """Tells whether at least half of the first lines with text open with a speaker's name."""
    lines = [line for line in text.splitlines() if line.strip()][:10]
    return bool(lines) and sum(bool(SPEAKER.match(line)) for line in lines) * 2 >= len(lines)
