import pytest

from components.cleaning.rules.emoji_rules import remove_emoji, remove_emoticons, remove_kaomoji

EMOJI = [
    ("宝宝的笑容真治愈 😊🍼", "宝宝的笑容真治愈 ", 2),
    ("good 👍🏽 job", "good  job", 1),
    ("a family 👨‍👩‍👧 here", "a family  here", 1),
    ("the flag 🇩🇪", "the flag ", 1),
    ("1️⃣女方 2️⃣男方", "1. 女方 2. 男方", 2),
    ("3⃣️. third", "3.  third", 1),
    ("加油❤️", "加油", 1),
    ("Prozac® and ™ stay © 2020", "Prozac® and ™ stay © 2020", 0),
    ("stimulus → response ↔ reward", "stimulus → response ↔ reward", 0),
    ("♀ and ♂ carriers", "♀ and ♂ carriers", 0),
    ("5 * 3 # 2", "5 * 3 # 2", 0),
    ("", "", 0),
]
EMOTICONS = [
    ("唉:-( 好想哭", "唉 好想哭", 1),
    ("I did it :)", "I did it ", 1),
    ("great :D", "great ", 1),
    ("难过T_T", "难过", 1),
    ("无语눈_눈，困", "无语，困", 1),
    ("love you <3", "love you ", 1),
    ("开心^_^", "开心", 1),
    ("p <3 of them", "p  of them", 1),
    ("p<3", "p<3", 0),
    ("the TAT (Thematic Apperception Test)", "the TAT (Thematic Apperception Test)", 0),
    ("答案:D", "答案:D", 0),
    ("at 8:00 and 10:30", "at 8:00 and 10:30", 0),
    ("ratio 3:(4)", "ratio 3:(4)", 0),
    ("function f(x)=[1]", "function f(x)=[1]", 0),
]
KAOMOJI = [
    ("加油 (๑•̀ㅂ•́)و✧ 休息", "加油  休息", 1),
    ("你好(≧∇≦)/", "你好", 1),
    ("唉 (╯°□°)╯︵ ┻━┻", "唉 ", 1),
    ("开心o(╥﹏╥)o", "开心", 1),
    ("希望 (^_-)", "希望 ", 1),
    ("少年！\\(^O^)/", "少年！", 1),
    ("乁(˙ω˙)厂你当时", "你当时", 1),
    ("(●°u°●)」啊", "啊", 1),
    ("动机最重要的是（ ）。", "动机最重要的是（ ）。", 0),
    ("弗洛伊德（Freud, 1900）", "弗洛伊德（Freud, 1900）", 0),
    ("the angle (90°)", "the angle (90°)", 0),
    ("alpha waves (α, β, γ)", "alpha waves (α, β, γ)", 0),
    ("effect size (ω)", "effect size (ω)", 0),
    ("a mean (M = 3.2, SD = 0.4; n > 20)", "a mean (M = 3.2, SD = 0.4; n > 20)", 0),
]


@pytest.mark.parametrize(("text", "expected", "count"), EMOJI)
def test_remove_emoji(text, expected, count):
    assert remove_emoji(text, "zh") == (expected, count)


@pytest.mark.parametrize(("text", "expected", "count"), EMOTICONS)
def test_remove_emoticons(text, expected, count):
    assert remove_emoticons(text, "zh") == (expected, count)


@pytest.mark.parametrize(("text", "expected", "count"), KAOMOJI)
def test_remove_kaomoji(text, expected, count):
    assert remove_kaomoji(text, "zh") == (expected, count)
