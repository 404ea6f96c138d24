"""Synthetic support dialogues of the lengths that real ones have: many short ones, some long; sentences of the sample posts."""

import json
import random
import re

from components.common.question_prompt import system_prompt
from components.common.records import Dialogue, Message
from components.common.storage import PROJECT_ROOT

POSTS = PROJECT_ROOT / "pipelines" / "samples" / "en" / "posts.jsonl"
SENTENCE = re.compile(r"(?<=[.?!])\s+")
MOST_TURNS = 12


def dialogues(count: int, seed: int = 42) -> list[Dialogue]:
    """Returns dialogues of one to twelve exchanges, two sentences a turn; half of them have one or two."""
    rng = random.Random(seed)
    rows = [json.loads(line) for line in POSTS.read_text(encoding="utf-8").splitlines()]
    asked, told = ([s for row in rows for s in SENTENCE.split(row[side])] for side in ("post", "reply"))
    made = []
    for number in range(count):
        exchanges = min(1 + int(rng.expovariate(0.4)), MOST_TURNS)
        turns = [(role, " ".join(rng.sample(pool, 2))) for _ in range(exchanges) for role, pool in (("user", asked), ("assistant", told))]
        made.append(Dialogue(id=str(number), language="en", messages=[Message.model_validate({"role": r, "content": c}) for r, c in turns]))
    return made


def chats(records: list[Dialogue]) -> list[dict]:
    """Returns them as rows of chat messages, with the system prompt that our SFT puts before dialogues."""
    system = {"role": "system", "content": system_prompt("support", "en")}
    return [{"messages": [system, *(m.model_dump() for m in record.messages)]} for record in records]
