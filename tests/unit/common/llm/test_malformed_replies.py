"""10,000 generated replies of which most are malformed: no stage crashes, none loses a record."""

import json
import random
import threading

import pytest

from components.common.dataset import DatasetWriter, count_records
from components.common.records import Dialogue, Option, Passage, Post, Question
from components.dialogues.synthesise import run as run_dialogues
from components.questions.generate import run as run_questions
from components.rationales.rationalise import run as run_rationales
from components.selection.select import run as run_selection
from tests.stub_llm import Stub, scripted_reply

REPLIES_PER_STAGE = 2500
VALUES = [
    None,
    True,
    -1,
    0,
    3,
    1e308,
    float("inf"),
    "",
    "B",
    "AB",
    "\ud800",
    "\x00",
    "\u202e",
    "A" * 5000,
    [],
    ["A", "A"],
    ["A", None],
    {},
    {"a": {"b": []}},
    "以上都对",
]


class Garbage:
    """Damages the scripted reply in a random way, another one for each request."""

    def __init__(self) -> None:
        self.draw, self.lock, self.given = random.Random(7), threading.Lock(), 0

    def __call__(self, body: dict) -> str:
        with self.lock:
            self.given += 1
            return self.damage(scripted_reply(body))

    def damage(self, text: str) -> str:
        kind = self.draw.randrange(6)
        if kind == 0:
            return text
        if kind == 1:
            return text[: self.draw.randrange(len(text))]
        if kind == 2:
            at = self.draw.randrange(len(text))
            return text[:at] + chr(self.draw.randrange(1, 0x3000)) + text[at + 1 :]
        if kind == 3:
            return json.dumps(self.draw.choice(VALUES))
        if kind == 4:
            return self.draw.choice(
                [
                    "<think>",
                    "<think></think>",
                    "</think>",
                    "Answer:",
                    "Answer: A or B",
                    "答案：",
                    "{}",
                    "[]",
                    "null",
                    "NaN",
                    "[1e999]",
                    "[" + "1" * 5000,
                    "{" * 3000,
                ]
            )
        return json.dumps(self.replaced(json.loads(text))) if text.startswith("{") else text[::-1]

    def replaced(self, value):
        """Replaces a part of the reply somewhere below its top."""
        if isinstance(value, dict) and value and self.draw.random() < 0.8:
            key = self.draw.choice(list(value))
            return {**value, key: self.replaced(value[key])}
        if isinstance(value, list) and value and self.draw.random() < 0.8:
            at = self.draw.randrange(len(value))
            return [*value[:at], self.replaced(value[at]), *value[at + 1 :]]
        return self.draw.choice(VALUES)


def write(folder, model, records) -> str:
    writer = DatasetWriter(folder, model, "test")
    for record in records:
        writer.add(record)
    writer.close({})
    return str(folder)


def question(n: int) -> Question:
    options = [Option(label=c, text=f"{c}{n}") for c in "ABCD"]
    return Question(
        id=str(n), language="en", kind="multi" if n % 2 else "single", stem=f"Why {n}?", options=options, key="AC" if n % 2 else "B"
    )


@pytest.fixture
def endpoint(serve):
    garbage = Garbage()
    url = serve(Stub(answer=garbage, keep_requests=False))
    return garbage, {"model": "m", "base_urls": [url], "retries": 0}


def account(folder, records: int) -> None:
    stats = json.loads((folder / "stats.json").read_text())
    assert stats["in"] == records == stats["kept"] + stats["rejected_inputs"]
    assert stats["records"] == count_records(folder)
    assert stats["rejected"] == count_records(folder, "rejected") == sum(stats["reasons"].values())


@pytest.mark.slow
def test_questions(endpoint, tmp_path):
    garbage, teacher = endpoint
    n = REPLIES_PER_STAGE // 2
    texts = [f"Passage {i} is about memory. It has a second sentence. And a third." for i in range(n)]
    passages = write(tmp_path / "in", Passage, (Passage(id=Passage.make_id(t), language="en", text=t) for t in texts))
    run_questions({"teacher": teacher}, passages, str(tmp_path / "out"))
    account(tmp_path / "out", n)
    assert garbage.given == REPLIES_PER_STAGE


@pytest.mark.slow
@pytest.mark.parametrize("output", ["schema", "think"])
def test_rationales(endpoint, tmp_path, output):
    garbage, teacher = endpoint
    n = REPLIES_PER_STAGE // 4
    run_rationales({"teacher": teacher, "output": output}, write(tmp_path / "in", Question, map(question, range(n))), str(tmp_path / "out"))
    account(tmp_path / "out", n)
    assert garbage.given >= REPLIES_PER_STAGE // 4


@pytest.mark.slow
@pytest.mark.parametrize("way", ["full", "opening"])
def test_dialogues(endpoint, tmp_path, way):
    garbage, teacher = endpoint
    n = REPLIES_PER_STAGE // 2
    posts = [
        Post(id=str(i), language="en", text=f"I worry about exam {i}. I sleep badly.", reply="Study one chapter per day. Rest.")
        for i in range(n)
    ]
    sources = write(tmp_path / "posts", Post, posts), write(tmp_path / "dialogues", Dialogue, [])
    run_dialogues({"teacher": teacher, "attempts": 2, "rewrite": way, "min_score": 1}, *sources, str(tmp_path / "out"))
    account(tmp_path / "out", n)
    assert garbage.given >= REPLIES_PER_STAGE


@pytest.mark.slow
@pytest.mark.parametrize("output", ["schema", "text"])
def test_selection(endpoint, tmp_path, output):
    garbage, llm = endpoint
    n = REPLIES_PER_STAGE // 2
    selectors = [
        {"llm": {**llm, "name": name}, "style": style, "output": output} for name, style in (("a", "zero_shot"), ("b", "reasoning"))
    ]
    run_selection(
        {"selectors": selectors}, write(tmp_path / "in", Question, map(question, range(n))), str(tmp_path / "hard"), str(tmp_path / "rest")
    )
    counts = [count_records(tmp_path / name) for name in ("hard", "rest")]
    assert sum(counts) == n
    assert all(counts)
    assert garbage.given == REPLIES_PER_STAGE
