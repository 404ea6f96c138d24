import pytest

from components.cleaning.rules.punctuation_rules import (
    collapse_repeated_marks,
    drop_empty_brackets,
    drop_invisible,
    fix_spaces,
    fix_width,
    join_wrapped_lines,
    unify_quotes,
)

CASES = [
    (fix_width, "zh", "焦虑,抑郁.", "焦虑，抑郁。"),
    (fix_width, "zh", "你好吗?好!", "你好吗？好！"),
    (fix_width, "zh", "注意:分配;转移", "注意：分配；转移"),
    (fix_width, "zh", "时间是10:30,共3,000人", "时间是10:30，共3,000人"),
    (fix_width, "zh", "弗洛伊德(Freud)认为", "弗洛伊德（Freud）认为"),
    (fix_width, "zh", "“自我”（ego）与“本我”(id)", "“自我”（ego）与“本我”（id）"),
    (fix_width, "zh", "ＡＢＣ１２３", "ABC123"),
    (fix_width, "zh", "the DSM-5 (APA, 2013) says", "the DSM-5 (APA, 2013) says"),
    (fix_width, "zh", "相关系数r=0.85,p<0.01", "相关系数r=0.85,p<0.01"),
    (fix_width, "zh", "3.14是圆周率", "3.14是圆周率"),
    (fix_width, "zh", "IQ为100,属于正常", "IQ为100，属于正常"),
    (fix_width, "en", "Well，it works。Yes（really）！", "Well, it works. Yes(really)!"),
    (fix_width, "en", "At 10:30, we met.", "At 10:30, we met."),
    (collapse_repeated_marks, "zh", "太好了！！！", "太好了！"),
    (collapse_repeated_marks, "zh", "为什么？？！！", "为什么？"),
    (collapse_repeated_marks, "zh", "我...不知道", "我……不知道"),
    (collapse_repeated_marks, "zh", "唉。。。", "唉……"),
    (collapse_repeated_marks, "zh", "好吧…", "好吧……"),
    (collapse_repeated_marks, "zh", "省略……号", "省略……号"),
    (collapse_repeated_marks, "zh", "好的~~~", "好的"),
    (collapse_repeated_marks, "zh", "填空____处", "填空____处"),
    (collapse_repeated_marks, "en", "Stop!!! Why??", "Stop! Why?"),
    (collapse_repeated_marks, "en", "well . . . maybe....", "well ... maybe..."),
    (collapse_repeated_marks, "en", "a ________ is", "a ________ is"),
    (collapse_repeated_marks, "en", "C++ and 1,000 and a--b", "C++ and 1,000 and a--b"),
    (unify_quotes, "zh", '"分离焦虑"的问题', "“分离焦虑”的问题"),
    (unify_quotes, "zh", "「自我」與『本我』", "“自我”與‘本我’"),
    (unify_quotes, "zh", "it's John's", "it's John's"),
    (unify_quotes, "en", "“It’s fine,” she said", '"It\'s fine," she said'),
    (fix_spaces, "zh", "心 理 学", "心理学"),
    (fix_spaces, "zh", "使用 SPSS 软件", "使用 SPSS 软件"),
    (fix_spaces, "zh", "注意 ，转移", "注意，转移"),
    (fix_spaces, "zh", "最重要的是（ ）。", "最重要的是（ ）。"),
    (fix_spaces, "zh", "最重要的是(  )。", "最重要的是(  )。"),
    (fix_spaces, "en", "one  two ,three .", "one two ,three."),
    (fix_spaces, "en", "a\n\n\n\nb", "a\n\nb"),
    (fix_spaces, "en", "- item\n  - nested", "- item\n  - nested"),
    (drop_invisible, "zh", "多孩子\ufeff常常\u200b没有", "多孩子常常没有"),
    (drop_invisible, "en", "a\u00a0b\u3000c\td", "a b c d"),
    (drop_invisible, "en", "a\r\nb\rc", "a\nb\nc"),
    (
        join_wrapped_lines,
        "en",
        "Memory is an active pro-\ncess that we use\nevery day.",
        "Memory is an active process that we use every day.",
    ),
    (
        join_wrapped_lines,
        "zh",
        "记忆是人脑对过去经验的保持和再现，\n它包括识记、保持、回\n忆三个环节。",
        "记忆是人脑对过去经验的保持和再现，它包括识记、保持、回忆三个环节。",
    ),
    (join_wrapped_lines, "en", "One sentence ends here.\nAnother begins.", "One sentence ends here.\nAnother begins."),
    (drop_empty_brackets, "en", "a biscuit (). Then", "a biscuit. Then"),
    (drop_empty_brackets, "en", "as shown (; , )", "as shown"),
    (drop_empty_brackets, "en", "a call f(x)", "a call f(x)"),
]


@pytest.mark.parametrize(("rule", "language", "text", "expected"), CASES)
def test_rules(rule, language, text, expected):
    fixed, count = rule(text, language)
    assert fixed == expected
    assert (count > 0) == (text != expected)


@pytest.mark.parametrize(("rule", "language", "expected"), dict.fromkeys((r, lang, e) for r, lang, _, e in CASES))
def test_rules_leave_clean_text_alone(rule, language, expected):
    assert rule(expected, language)[0] == expected
