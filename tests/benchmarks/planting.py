"""Benchmark items disguised as training questions: verbatim, with other punctuation, with shuffled options, lightly reworded.

`reworded` is what the thresholds were chosen by; `rephrased` changes other words in another way, and was only measured.
"""

import random
import re

from components.common.records import Option, Question, identify

# What an editor changes without changing the question: one word for another, an opening, a particle.
SYNONYMS = [
    ("下列", "以下"), ("以下", "下面"), ("属于", "算作"), ("包括", "包含"), ("主要", "首要"), ("正确的是", "说法对的是"), ("错误的是", "说法不对的是"),
    ("应该", "应当"), ("可能", "也许"), ("认为", "主张"), ("是指", "指的是"), ("关于", "有关"), ("提出", "首先提出"), ("特点", "特征"), ("影响", "作用"),
    ("方法", "办法"), ("人们", "人"), ("个体", "个人"), ("通过", "借助"), ("能够", "可以"), ("需要", "必须"), ("问题", "困扰"), ("咨询师", "咨询人员"),
    ("求助者", "来访者"), ("表现", "体现"), ("由于", "因为"), ("因此", "所以"), ("进行", "开展"), ("过程", "历程"), ("目的", "目标"), ("称为", "叫做"),
    ("常见", "多见"), ("强调", "看重"), ("反映", "体现"), ("解决", "处理"), ("符合", "合乎"), ("要求", "规定"),
]  # fmt: skip
OTHER_WORDS = [
    ("求助者", "当事人"), ("来访者", "当事人"), ("咨询师", "辅导者"), ("心理问题", "心理困难"), ("症状", "表现"), ("情绪", "情感"), ("原因", "缘由"),
    ("主要", "最重要"), ("不属于", "不能归为"), ("属于", "归为"), ("包括", "有"), ("可能", "大概"), ("正确", "对"), ("错误", "不对"), ("应该", "应"),
    ("采用", "使用"), ("理论", "学说"), ("研究", "探讨"), ("认为", "看来"), ("提出", "给出"), ("影响", "左右"), ("方法", "做法"), ("个体", "人"),
    ("特点", "特色"), ("诊断", "判断"), ("出现", "产生"), ("关系", "联系"), ("行为", "举动"), ("目前", "眼下"), ("一般", "通常"),
]  # fmt: skip
ENDINGS = ["，请选择。", "，答案是哪一项？", "？", "，选出来。"]
OPENINGS = ["请问，", "一般来说，", "在心理学中，", "根据所学知识，"]
WIDTH = str.maketrans("，。？！：；（）“”、", ',.?!:;()"" ')


def verbatim(question: Question, _: random.Random) -> Question:
    """The item as it is."""
    return question


def repunctuated(question: Question, _: random.Random) -> Question:
    """Other marks, other width, spaces here and there, another way to leave the blank."""
    return _changed(question, lambda t: re.sub(r"\(\s*\)", "____", t.translate(WIDTH)).replace("的", "的 ") + "。")


def shuffled(question: Question, rng: random.Random) -> Question:
    """The options in another order under new letters; the key follows."""
    order = question.options[:]
    while len(order) > 1 and order == question.options:
        rng.shuffle(order)
    letters = "ABCDEFGH"
    key = "".join(sorted(letters[i] for i, o in enumerate(order) if o.label in question.key))
    options = [Option(label=letters[i], text=o.text) for i, o in enumerate(order)]
    return identify(question.model_copy(update={"options": options, "key": key}))


def reworded(question: Question, rng: random.Random) -> Question:
    """Up to three synonyms and an opening in the stem, one option reworded, the options shuffled."""
    stem = _synonyms(question.stem, 3)
    stem = rng.choice(OPENINGS) + re.sub(r"^\d+[．.、]\s*", "", stem)
    options = shuffled(question, rng)
    place = rng.randrange(len(options.options))
    texts = [o.text for o in options.options]
    texts[place] = _synonyms(texts[place], 2) if _synonyms(texts[place], 2) != texts[place] else f"{texts[place]}等"
    new = [Option(label=o.label, text=t) for o, t in zip(options.options, texts, strict=True)]
    return identify(options.model_copy(update={"stem": stem, "options": new}))


def rephrased(question: Question, rng: random.Random) -> Question:
    """Up to four other words, a particle dropped and an ending in the stem, two options changed by a word or a sign, the options shuffled."""
    stem = re.sub(r"[（(]\s*[)）]|[。：:]", "", _replaced(question.stem, OTHER_WORDS, 4)).replace("的", "", 1) + rng.choice(ENDINGS)
    options = shuffled(question, rng)
    texts = [o.text for o in options.options]
    for place in rng.sample(range(len(texts)), min(2, len(texts))):
        changed = _replaced(texts[place], OTHER_WORDS, 1)
        texts[place] = changed if changed not in texts else f"{texts[place]}。"
    new = [Option(label=o.label, text=t) for o, t in zip(options.options, texts, strict=True)]
    return identify(options.model_copy(update={"stem": stem, "options": new}))


DISGUISES = {"verbatim": verbatim, "punctuation changed": repunctuated, "options shuffled": shuffled, "lightly reworded": reworded}


def _synonyms(text: str, most: int) -> str:
    return _replaced(text, SYNONYMS, most)


def _replaced(text: str, words: list[tuple[str, str]], most: int) -> str:
    done = 0
    for word, other in words:
        if done < most and word in text and other not in text:
            text, done = text.replace(word, other, 1), done + 1
    return text


def _changed(question: Question, change) -> Question:
    options = [Option(label=o.label, text=change(o.text)) for o in question.options]
    return identify(question.model_copy(update={"stem": change(question.stem), "options": options}))
