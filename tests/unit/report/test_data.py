"""What the report reads from datasets: counts, reasons, samples, votes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.common.dataset import DatasetWriter
from components.common.errors import UserError
from components.common.records import Option, Passage, Question, Vote
from components.report.datasets import TABLES, draw_rejected, draw_samples, read_flows, reject_reasons
from components.report.distributions import FieldCount, agreement, count_fields, quality_histogram, stage_counts
from components.report.votes import count_votes
from tests.report_run import write_datasets


def question(i, **right):
    votes = [Vote(selector=s, reply="", answer="A" if r else "", correct=r) for s, r in right.items()]
    options = [Option(label="A", text="yes")]
    return Question(id=str(i), language="en", kind="single", stem="?", options=options, key="A", votes=votes)


def test_counts_are_those_of_the_datasets(tmp_path):
    flows = read_flows(write_datasets(tmp_path, records=5))
    assert [f.table for f in flows] == list(TABLES)
    assert {f.records for f in flows} == {5}
    assert all(f.rejected == sum(f.reasons.values()) for f in flows)
    for track in ("questions", "dialogues"):
        widths = [f.share + f.rejected_share for f in flows if f.table.track == track]
        assert max(widths) == pytest.approx(1.0), "the longest bar of a track fills its place"
    reasons = reject_reasons(flows)
    assert sum(n for _, _, n in reasons) == sum(f.rejected for f in flows)
    assert [n for _, _, n in reasons] == sorted((n for _, _, n in reasons), reverse=True)


def test_empty_run_has_no_division_by_zero(tmp_path):
    for table in TABLES:
        writer = DatasetWriter(tmp_path / table.name, table.record, table.stage)
        writer.close({})
    flows = read_flows({t.name: str(tmp_path / t.name) for t in TABLES})
    assert {(f.share, f.rejected_share) for f in flows} == {(0.0, 0.0)}
    assert reject_reasons(flows) == []


def test_missing_dataset_is_said(tmp_path):
    with pytest.raises(UserError, match="no dataset of a stage"):
        read_flows({t.name: str(tmp_path / t.name) for t in TABLES})


def test_samples_do_not_depend_on_the_order_of_the_records(tmp_path):
    records = [Passage(id=str(i), language="en", text=str(i)) for i in range(50)]
    for name, order in (("a", records), ("b", records[::-1])):
        writer = DatasetWriter(tmp_path / name, Passage, "ingest")
        for record in order:
            writer.add(record)
        writer.close({})
    drawn = draw_samples(str(tmp_path / "a"), Passage, 10, seed=1)
    assert drawn == draw_samples(str(tmp_path / "b"), Passage, 10, seed=1)
    assert drawn != draw_samples(str(tmp_path / "a"), Passage, 10, seed=2)
    assert len(drawn) == 10


def test_votes_matrix_counts_pairs():
    votes = count_votes([question(1, a=True, b=True), question(2, a=True, b=False), question(3, a=False, b=False), question(4)])
    assert votes.selectors == ["a", "b"]
    assert votes.questions == 3
    assert votes.both == [[2, 1], [1, 1]]
    assert votes.right == [2, 1]
    assert votes.by_count == [1, 1, 1]
    assert votes.unparsable == [1, 2]


def test_several_samples_of_a_selector_count_as_right_once():
    many = question(1)
    many.votes = [Vote(selector="a", reply="", answer=x, correct=x == "A") for x in ("B", "A", "A")]
    votes = count_votes([many])
    assert (votes.right, votes.samples, votes.by_count) == ([1], [3], [0, 1])


@given(st.lists(st.dictionaries(st.sampled_from("abcd"), st.booleans(), min_size=1), max_size=20))
def test_votes_always_add_up(rows):
    votes = count_votes([question(i, **row) for i, row in enumerate(rows)])
    assert sum(votes.by_count) == votes.questions == len(rows)
    assert sum(n * k for k, n in enumerate(votes.by_count)) == sum(votes.right)
    for i in range(len(votes.selectors)):
        for j in range(len(votes.selectors)):
            assert votes.both[i][j] == votes.both[j][i] <= min(votes.right[i], votes.right[j])


def test_distributions_come_from_records_and_stats(tmp_path):
    flows = read_flows(write_datasets(tmp_path))
    assert quality_histogram(flows) == [("clarity", [0, 0, 2, 0, 9]), ("correctness", [0, 0, 0, 11, 0])]
    assert agreement(flows)[0]["same_answer"] == 0.5
    assert stage_counts(flows) == [("cleaning", "rule_emoji", 7), ("cleaning", "rule_links", 3), ("control", "suite_rows_unreadable", 0)]


def test_fields_are_counted_by_type_and_difficulty():
    def of(field, kind):
        return question(0).model_copy(update={"field": field, "kind": kind})

    rest = [of("learning", "single"), of("learning", "multi"), of("", "single")]
    rows = count_fields(rest, [of("learning", "single"), of("social", "multi")])
    assert rows == [FieldCount("learning", 2, 1, 1), FieldCount("not stated", 1, 0, 0), FieldCount("social", 0, 1, 1)]


def test_rejected_samples_are_drawn_too(tmp_path):
    paths = write_datasets(tmp_path)
    flow = read_flows(paths)[0]
    drawn = draw_rejected(paths["passages"], 10, seed=1)
    assert len(drawn) == flow.rejected
    assert {r.reason for r in drawn} == set(flow.reasons)
