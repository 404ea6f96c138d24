import json
from collections import Counter

import pytest

from components.common.errors import UserError
from components.control.contamination import SuiteIndex, most_shared
from components.control.settings import ContaminationSettings, Suite
from tests.benchmarks import bench_contamination
from tests.unit.control.questions import question

STEM = "In which stage of sleep do most vivid dreams occur while the skeletal muscles lose their tone almost completely"
OPTIONS = ("stage N1 sleep", "stage N2 sleep", "slow-wave sleep", "REM sleep")
CASE = (
    "Mina is twenty years old and studies chemistry. Since secondary school she has been afraid that others will find her stupid. Before she "
    "speaks in a seminar she rehearses each sentence in her head, keeps her hands under the table and avoids looking at anyone in the room. "
)


@pytest.fixture
def index(tmp_path):
    plain = [{"question": STEM, "options": dict(zip("ABCD", OPTIONS, strict=True)), "answer": "D"}]
    cases = [
        {
            "id": 1,
            "case_introduction": CASE,
            "questions_and_answers": [
                {"question": "Single choice: Which description fits Mina best", "options": {"A": "shy", "B": "calm"}, "answer": "A"}
            ],
        }
    ]
    (tmp_path / "plain.jsonl").write_text("\n".join(map(json.dumps, plain)))
    (tmp_path / "pceb" / "cases" / "mix" / "demo").mkdir(parents=True)
    (tmp_path / "pceb" / "cases" / "mix" / "demo" / "cases.json").write_text(json.dumps(cases))
    index = SuiteIndex(ContaminationSettings(), seed=42)
    index.load(
        [
            Suite(layout="plain", uri=str(tmp_path / "plain.jsonl"), language="en"),
            Suite(layout="pceb", uri=str(tmp_path / "pceb"), language="en"),
        ]
    )
    return index


@pytest.mark.parametrize(
    ("candidate", "measure"),
    [
        (question(STEM, *OPTIONS), "whole"),
        (question(STEM.upper() + "?!", *(f"{o}." for o in OPTIONS)), "whole"),
        (question(STEM, *reversed(OPTIONS)), "whole"),
        (question(STEM, "dreaming", "waking", "dozing", "resting"), "stem"),
        (
            question("In which phase of sleep do most vivid dreams happen while the muscles of the skeleton lose their tone", *OPTIONS),
            "options",
        ),
        (question(CASE + "What should the counsellor do first?", "listen", "leave"), "case"),
        (question(CASE + "Which description fits Mina best", "shy", "calm"), "whole"),
    ],
)
def test_copies_are_found(index, candidate, measure):
    (overlap,) = index.overlaps([candidate])
    assert overlap.measure == measure
    assert 0 < overlap.value <= 1


@pytest.mark.parametrize(
    "candidate",
    [
        question("Which stage of sleep shows spindles and K-complexes?", "stage N1", "stage N2", "stage N3", "REM"),
        question("Which neurotransmitter is blocked by caffeine?", *OPTIONS[:1], "adenosine", "dopamine"),
        question("Which of these is right?", "shy", "bold"),
        question("", "a", "b"),
    ],
)
def test_other_questions_of_the_same_field_stay(index, candidate):
    assert list(index.overlaps([candidate])) == [None]


def test_without_suites_nothing_overlaps():
    index = SuiteIndex(ContaminationSettings(), seed=42)
    index.load([])
    assert list(index.overlaps([question(STEM)])) == [None]


def test_a_missing_suite_is_named(tmp_path):
    with pytest.raises(UserError, match="nowhere"):
        SuiteIndex(ContaminationSettings(), seed=42).load([Suite(layout="plain", uri=str(tmp_path / "nowhere"))])


@pytest.mark.parametrize("content", ['{"question": "Q?"}', "no JSON", "题目".encode("gb18030")])
def test_a_suite_of_which_nothing_can_be_read_is_named(tmp_path, content):
    """Else nothing of it would be kept out of the training data, and nobody would know."""
    (tmp_path / "a.jsonl").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError, match=r"a\.jsonl gave no item in the layout plain"):
        SuiteIndex(ContaminationSettings(), seed=42).load([Suite(layout="plain", uri=str(tmp_path / "a.jsonl"))])


def test_candidates_do_not_depend_on_the_order_in_which_n_grams_were_met():
    names = [5, 3, 9, 1]
    counts = [Counter({name: 2 if name == 9 else 1 for name in order}) for order in (names, names[::-1])]
    assert most_shared(counts[0], 3) == most_shared(counts[1], 3) == [9, 1, 3]


@pytest.mark.slow
@pytest.mark.skipif(not (bench_contamination.DATA / "cpsyexam").is_dir(), reason="PCEB and CPsyExam are not here (PSYCHE_BENCH_DATA)")
def test_planted_pceb_items_are_found_and_unrelated_questions_stay():
    whole, alone, (_, unrelated) = bench_contamination.measure()
    for rates in (whole, alone):
        shares = {name: share for name, (_, share) in rates.items()}
        assert shares["verbatim"] == shares["punctuation changed"] == shares["options shuffled"] == 1
        assert shares["lightly reworded"] >= 0.9
        assert shares["lightly reworded, other seed"] >= 0.9
    assert whole["rephrased"][1] >= 0.9
    assert unrelated < 0.005
