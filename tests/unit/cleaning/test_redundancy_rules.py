import pytest

from components.cleaning.rules.redundancy_rules import (
    drop_page_numbers,
    drop_reference_lists,
    drop_repeated_lines,
    drop_repeated_sentences,
    is_reference_entry,
    is_reference_title,
    shorten_repeated_characters,
)

TEXTS = [
    (drop_repeated_lines, "A long line here\nother\nA long line here", "A long line here\nother", 1),
    (drop_repeated_lines, "yes\nyes\nno\nyes", "yes\nno\nyes", 1),
    (drop_repeated_lines, "a\n\n\nb", "a\n\n\nb", 0),
    (drop_repeated_sentences, "我的无奈谁懂？我的无奈谁懂？从小", "我的无奈谁懂？从小", 1),
    (drop_repeated_sentences, "No. No. No.", "No. No. No.", 0),
    (drop_repeated_sentences, "It works well. It fails. It works well.", "It works well. It fails. It works well.", 0),
    (shorten_repeated_characters, "啊啊啊啊啊啊啊", "啊啊啊", 1),
    (shorten_repeated_characters, "好累好累好累", "好累", 1),
    (shorten_repeated_characters, "人人平等，2000000", "人人平等，2000000", 0),
    (drop_page_numbers, "text\n第 12 页\nmore", "text\n\nmore", 1),
    (drop_page_numbers, "text\nPage 3 of 10\nmore", "text\n\nmore", 1),
    (drop_page_numbers, "text\n- 17 -\nmore\n18\nend", "text\n\nmore\n\nend", 2),
    (drop_page_numbers, "text\n12 / 340\nmore", "text\n\nmore", 1),
    (drop_page_numbers, "42", "42", 0),
    (drop_page_numbers, "12 people took part\nin 2010", "12 people took part\nin 2010", 0),
    (drop_reference_lists, "Body.\n\n参考文献\n[1] 张三. 心理学[M]. 北京, 2001.", "Body.\n", 2),
    (drop_reference_lists, "Body.\n\n### References\n\nSmith, A.\n\n### Next\n\nMore.", "Body.\n\n### Next\n\nMore.", 2),
    (drop_reference_lists, "See the references for details.", "See the references for details.", 0),
]
ENTRIES = [
    "Abel, M., & Bäuml, K.-H. T. (2013). Sleep can reduce proactive interference. Memory, 22(4), 332–339.",
    "- Specimen, C. (2016). Mood and anxiety: a short guide for students. Demo Journal, 4(2), 11-29.",
    "American Psychiatric Association. (2013). Diagnostic and statistical manual of mental disorders (5th ed.).",
    "Cheit, R. E. (2007). The recovered memory project.",
    "[3] 李四, 王五. 工作记忆的研究进展[J]. 心理学报, 2010, 42(1): 1-10.",
]
NOT_ENTRIES = [
    "In a later study, Abel and Bäuml (2013) found that sleep reduces interference.",
    "Freud (1900) held that dreams fulfil wishes. Later authors disagreed.",
    "Working memory has three parts (Baddeley & Hitch, 1974).",
    "皮亚杰（1952）提出了认知发展的四个阶段。",
    "",
]


@pytest.mark.parametrize(("rule", "text", "expected", "count"), TEXTS)
def test_rules(rule, text, expected, count):
    assert rule(text, "zh") == (expected, count)


@pytest.mark.parametrize("line", ENTRIES)
def test_bibliography_entries_are_seen(line):
    assert is_reference_entry(line)


@pytest.mark.parametrize("line", NOT_ENTRIES)
def test_prose_with_citations_is_no_entry(line):
    assert not is_reference_entry(line)


def test_a_run_of_entries_goes_without_a_heading():
    text = "Prose (Abel, 2013).\n\n" + "\n\n".join(ENTRIES) + "\n\nProse again."
    assert drop_reference_lists(text, "en") == ("Prose (Abel, 2013).\n\nProse again.", 5)


def test_two_entries_alone_may_be_quoted():
    text = "\n".join(ENTRIES[:2])
    assert drop_reference_lists(text, "en") == (text, 0)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Memory > Introduction > References", True),
        ("心理学 > 参考文献", True),
        ("心理学 > 【参考书目】：", True),
        ("References", True),
        ("Memory > 7. Further Reading", True),
        ("Memory > Summary", False),
        ("Reference groups", False),
        ("Memory > Frames of reference", False),
        ("", False),
    ],
)
def test_reference_titles(title, expected):
    assert is_reference_title(title) is expected
