import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.cleaning.clean import run
from components.cleaning.rules.table import RULES, apply_rules
from components.cleaning.settings import CleaningSettings
from components.common.dataset import DatasetWriter, read_records
from components.common.records import Dialogue, Message, Option, Passage, Post, Question, Rejected, identify

KINDS = {"passages": Passage, "questions": Question, "posts": Post, "dialogues": Dialogue}
GROUPS = CleaningSettings().rules


def write(directory, records):
    for name, model in KINDS.items():
        writer = DatasetWriter(directory / name, model, "ingest")
        for record in records.get(name, []):
            writer.add(identify(record))
        writer.close({})


def clean(directory, records, **settings):
    write(directory, records)
    run(settings, *(str(directory / k) for k in KINDS), *(str(directory / f"clean_{k}") for k in KINDS))
    return {k: list(read_records(directory / f"clean_{k}", m)) for k, m in KINDS.items()}


def passage(text, title="Book > Chapter"):
    return Passage(id="", language="en", text=text, title=title)


PROSE = (
    "Memory is the set of processes that encode, store and retrieve information over time in people and in other animals of many kinds. {}"
)


def test_records_are_cleaned_counted_and_sampled(tmp_path):
    records = {
        "passages": [
            passage(PROSE.format("😀!!!")),
            passage(PROSE.format("Two.")),
            passage("Abel, M. (2013). Sleep.", "Book > References"),
        ],
        "posts": [Post(id="", language="zh", text="我很难过(╥﹏╥)", reply="抱抱,会好的.")],
        "questions": [
            Question(
                id="",
                language="zh",
                kind="single",
                stem="注意是（ ）。",
                options=[Option(label="A", text="指向"), Option(label="B", text="记忆")],
                key="A",
            )
        ],
        "dialogues": [
            Dialogue(id="", language="zh", messages=[Message(role="user", content="你好。。。"), Message(role="assistant", content="你好")])
        ],
    }
    out = clean(tmp_path, records)
    assert [p.text for p in out["passages"]] == [PROSE.format("!"), PROSE.format("Two.")]
    assert (out["posts"][0].text, out["posts"][0].reply) == ("我很难过", "抱抱，会好的。")
    assert out["questions"][0].stem == "注意是（ ）。"
    assert out["dialogues"][0].messages[0].content == "你好……"
    assert all(r.steps[-1].stage == "cleaning" for records in out.values() for r in records)
    stats = json.loads((tmp_path / "clean_passages" / "stats.json").read_text())
    assert stats["reasons"] == {"reference_list": 1}
    assert (stats["rule_emoji"], stats["rule_kaomoji"]) == (1, 1)
    assert "😀" in (tmp_path / "clean_passages" / "diff_sample.md").read_text()


def test_running_headers_go_and_copies_are_left_out(tmp_path):
    texts = [f"Psychology today, page {n}\n{PROSE.format('abcdefg'[n])}" for n in range(6)]
    out = clean(tmp_path, {"passages": [passage(t) for t in [*texts, texts[0]]]})
    assert [p.text for p in out["passages"]] == [PROSE.format("abcdefg"[n]) for n in range(6)]
    assert [r.reason for r in read_records(tmp_path / "clean_passages", Rejected, "rejected")] == ["duplicate"]


@pytest.mark.parametrize("text", ["我最近很难过，怎么办？", "我最近很难过\n怎么办？"])
def test_a_post_with_many_replies_is_no_boilerplate(tmp_path, text):
    advice = ["早睡", "运动", "倾诉", "写日记", "看书", "散步"]
    records = [Post(id="", language="zh", text=text, reply=f"抱抱你\n试试{word}。\n本文由平台提供") for word in advice]
    records.append(Post(id="", language="zh", text="考试没考好，我很担心。", reply="抱抱你"))
    out = clean(tmp_path, {"posts": records})
    assert [p.text for p in out["posts"]] == [text] * 6 + ["考试没考好，我很担心。"]
    assert [p.reply for p in out["posts"]] == [f"试试{word}。" for word in advice] + ["抱抱你"]


def test_rule_groups_can_be_switched_off(tmp_path):
    out = clean(tmp_path, {"passages": [passage(PROSE.format("😀!!!"))]}, rules=["punctuation"])
    assert out["passages"][0].text == PROSE.format("😀!")


def test_the_output_is_the_same_every_time(tmp_path):
    records = {"passages": [passage(PROSE.format(f"{n} 😀 https://example.org")) for n in range(40)]}
    for name in ("a", "b"):
        clean(tmp_path / name, records)
    for file in sorted((tmp_path / "a").rglob("*.*")):
        assert file.read_bytes() == (tmp_path / "b" / file.relative_to(tmp_path / "a")).read_bytes(), file


TEXT = st.text(
    alphabet=st.one_of(st.characters(codec="utf-8"), st.sampled_from("。，！？()（）[]《》:;.?!~…\n \t@1234567890ABab心理学(╯°□°)😀﹏ω")),
    max_size=120,
)


@settings(max_examples=300, deadline=None)
@given(TEXT, st.sampled_from(["en", "zh"]), st.sampled_from(["prose", "talk", "item"]))
def test_any_text_can_be_cleaned(text, language, kind):
    counts = {}
    cleaned = apply_rules(text, language, kind, GROUPS, counts)
    assert cleaned == cleaned.strip()
    assert set(counts) <= {rule.name for rule in RULES}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(TEXT, max_size=8))
def test_no_record_is_lost(tmp_path_factory, texts):
    directory = tmp_path_factory.mktemp("any")
    records = {
        "passages": [passage(t) for t in texts],
        "posts": [Post(id="", language="zh", text=t, reply=t) for t in texts],
        "dialogues": [
            Dialogue(id="", language="en", messages=[Message(role="user", content=t), Message(role="assistant", content="ok")])
            for t in texts
        ],
    }
    out = clean(directory, records)
    for name in records:
        rejected = list(read_records(directory / f"clean_{name}", Rejected, "rejected"))
        assert len(out[name]) + len(rejected) == len(texts)


@pytest.mark.parametrize("bad", [{"rules": ["emojis"]}, {"unknown": 1}, {"boilerplate_records": 1}])
def test_settings_refuse_what_they_do_not_know(bad):
    with pytest.raises(ValueError, match="validation error"):
        CleaningSettings.model_validate(bad)
