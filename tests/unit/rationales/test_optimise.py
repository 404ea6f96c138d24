"""The paper's loop, round by round, against a teacher that answers by script."""

import asyncio
import itertools
import json

import pytest

from components.common.llm import LLM, LLMSettings
from components.common.records import Option, Question, Round
from components.rationales.optimise import leaks_key, optimise
from components.rationales.requests import plan
from components.rationales.settings import RationalesSettings
from tests.stub_llm import Stub


def question(key: str = "B") -> Question:
    options = [Option(label=c, text=t) for c, t in zip("ABCD", ("Encoding", "Rehearsal", "Decay", "Chunking"), strict=True)]
    return Question(
        id="1", language="en", kind="single" if len(key) == 1 else "multi", stem="What keeps it active?", options=options, key=key
    )


class Teacher:
    """Answers runs of a prompt from `answers` in order, proposals with a numbered prompt; remembers what it saw."""

    def __init__(self, answers: list[str], output: str = "schema", proposals: list[str] | None = None) -> None:
        self.answers, self.output, self.runs, self.proposed_from = iter(answers), output, [], []
        self.proposals = (
            iter(proposals) if proposals is not None else (json.dumps({"prompt": f"Prompt number {n}"}) for n in itertools.count(1))
        )

    def __call__(self, body: dict) -> str:
        text = body["messages"][0]["content"]
        if text.startswith("You improve"):
            self.proposed_from.append(text)
            return next(self.proposals)
        self.runs.append(text)
        letters = next(self.answers)
        if letters == "!":
            return "no JSON and no answer"
        n = len(self.runs)
        if self.output == "schema":
            return json.dumps(
                {"rationale": f"Reasoning of run {n}, long enough.", "answer": letters if len(letters) == 1 else list(letters)}
            )
        return f"<think>Reasoning of run {n}</think>\nAnswer: {letters}"


def history(serve, teacher: Teacher, asked: Question, **more: object) -> list[Round]:
    url = serve(Stub(answer=teacher))
    llm = LLMSettings(model="m", base_urls=[url])
    settings = RationalesSettings(teacher=llm, output=teacher.output, **more)

    async def scene() -> list[Round]:
        async with LLM(llm) as client:
            return await optimise(asked, client, client, settings)

    return asyncio.run(scene())


def rows(found: list[Round]) -> list[tuple[int, str, bool]]:
    return [(r.round, r.answer, r.accepted) for r in found]


@pytest.mark.parametrize("pattern", list(itertools.product([True, False], repeat=3)), ids=lambda p: "".join("ur"[not x] for x in p))
@pytest.mark.parametrize("output", ["schema", "think"])
def test_each_round_updates_when_the_answer_is_the_key_and_reverts_otherwise(serve, pattern, output):
    teacher = Teacher(["B", *("B" if good else "C" for good in pattern)], output)
    found = history(serve, teacher, question(), rounds=3)
    assert rows(found) == [(0, "B", True), *((n, "B" if good else "C", good) for n, good in enumerate(pattern, 1))]
    # Every proposal starts from the instance: the last accepted prompt and its rationale.
    for n, seen in enumerate(teacher.proposed_from, 1):
        instance = [r for r in found[:n] if r.accepted][-1]
        assert f"Current instruction:\n{instance.prompt}\n" in seen
        assert instance.rationale in seen
    assert [r.prompt for r in found[1:]] == [f"Prompt number {n}" for n in (1, 2, 3)]
    assert [run.split("\n")[0] for run in teacher.runs[1:]] == [f"Prompt number {n}" for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("answers", "attempts", "expected"),
    [
        (["C", "B"], 2, [(0, "C", False), (0, "B", True)]),
        (["B"], 2, [(0, "B", True)]),
        (["C", "D"], 2, [(0, "C", False), (0, "D", False)]),
        (["!", "!", "!"], 3, [(0, "", False)] * 3),
        (["!", "A", "B"], 3, [(0, "", False), (0, "A", False), (0, "B", True)]),
    ],
)
def test_the_base_prompt_is_tried_k_times_until_it_matches(serve, answers, attempts, expected):
    teacher = Teacher(answers)
    assert rows(history(serve, teacher, question(), attempts=attempts, rounds=0)) == expected
    assert len(set(teacher.runs)) == 1


def test_without_a_match_no_prompt_is_proposed(serve):
    teacher = Teacher(["A", "C"])
    history(serve, teacher, question(), attempts=2, rounds=3)
    assert not teacher.proposed_from


@pytest.mark.parametrize(("answer", "accepted"), [("ACD", True), ("DCA", True), ("AC", False), ("ABCD", False), ("A", False)])
def test_a_key_of_several_letters_must_be_met_exactly(serve, answer, accepted):
    assert history(serve, Teacher([answer]), question("ACD"), attempts=1, rounds=0)[0].accepted is accepted


@pytest.mark.parametrize(
    "proposal",
    [
        "not JSON",
        "[" + "1" * 5000,
        "{}",
        "[]",
        '{"prompt": ""}',
        '{"prompt": null}',
        '{"prompt": ["Weigh it."]}',
        '{"prompt": "The answer is B."}',
        '{"prompt": "Think of rehearsal here."}',
    ],
)
def test_a_useless_or_leaking_proposal_is_reverted_without_a_run(serve, proposal):
    teacher = Teacher(["B", "B"], proposals=[proposal, json.dumps({"prompt": "A good prompt"})])
    found = history(serve, teacher, question(), rounds=2)
    assert rows(found) == [(0, "B", True), (1, "", False), (2, "B", True)]
    assert len(teacher.runs) == 2


def test_think_tags_inside_a_rationale_go(serve):
    class Tagged(Teacher):
        def __call__(self, body: dict) -> str:
            return json.dumps({"rationale": "<think>It is kept active.</think> So B.", "answer": "B"})

    assert history(serve, Tagged([]), question(), attempts=1, rounds=0)[0].rationale == "It is kept active. So B."


def test_a_reply_that_thinks_without_reasoning_is_no_rationale(serve):
    teacher = Teacher([])
    teacher.output = "think"
    teacher.__class__ = type("Blunt", (Teacher,), {"__call__": lambda self, body: "Answer: B"})
    assert rows(history(serve, teacher, question(), attempts=1, rounds=0)) == [(0, "B", False)]


@pytest.mark.parametrize(
    ("prompt", "leaks"),
    [
        ("Weigh each option.", False),
        ("Answer: B", True),
        ("The correct option is B", True),
        ("REHEARSAL is what counts", True),
        ("Consider A first", False),
    ],
)
def test_a_prompt_that_gives_the_key_away_is_seen(prompt, leaks):
    assert leaks_key(prompt, question()) is leaks


def test_the_plan_is_the_most_that_can_be_asked(serve):
    settings = RationalesSettings(teacher={"model": "m", "base_urls": ["http://x/v1"]}, attempts=2, rounds=3)
    assert len(list(plan(question(), settings))) == 2 + 2 * 3
