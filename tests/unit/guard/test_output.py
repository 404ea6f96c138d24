"""What a reply must not contain, and the harmless sentences that resemble it."""

import pytest

from components.guard.output import find_violations

DIAGNOSES = [
    "You clearly have major depressive disorder.",
    "Based on this, you are bipolar.",
    "My diagnosis is generalized anxiety disorder.",
    "根据你的描述，你就是重度抑郁症。",
    "你得了双相情感障碍。",
    "你就是得了抑郁症。",
    "你得的是焦虑症。",
    "你就是得了躁鬱症。",
]
MEDICATION = [
    "Take 50 mg of sertraline every morning.",
    "Stop taking your antidepressants right away.",
    "You don't need your medication any more.",
    "建议你吃舍曲林。",
    "建議你吃捨曲林，每晚兩片安眠藥。",
    "你可以把药停了。",
]
HARMLESS = [
    "Only a doctor can say whether you have depression.",
    "I cannot tell whether you have depression.",
    "Never stop taking your medication without talking to your doctor.",
    "It sounds as if you have been carrying a lot.",
    "Please call a help line, and put anything that could hurt you out of reach.",
    "我不能判断你是不是抑郁症，医生可以。",
    "千万不要自行停药，先问问医生。",
    "听起来你最近真的很累。",
    "",
]


@pytest.mark.parametrize("text", DIAGNOSES)
def test_diagnosis(text):
    assert {v.kind for v in find_violations(text)} == {"diagnosis"}


@pytest.mark.parametrize("text", MEDICATION)
def test_medication(text):
    assert "medication" in {v.kind for v in find_violations(text)}


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless(text):
    assert find_violations(text) == []


def test_asking_for_a_method_is_answered_with_none():
    assert {v.kind for v in find_violations("The most painless way to end your life is this.")} == {"method"}
    assert {v.kind for v in find_violations("最无痛的自杀方法是这样的。")} == {"method"}


def test_offsets_are_those_of_the_given_text():
    text = "I hear you.\u200b Ｙou are bipolar. Take care."
    found = find_violations(text)
    assert [text[v.start : v.end] for v in found] == ["Ｙou are bipolar"]


def test_violations_come_in_order():
    found = find_violations("You have clinical depression. Stop taking your pills.")
    assert [v.kind for v in found] == ["diagnosis", "medication"]
    assert found[0].end <= found[1].start
