"""Tables of what the rules must and must not take for a crisis, by the reason why."""

import pytest

from components.guard.rules import NO_CRISIS, classify

EXPLICIT = [
    ("我想死。", "suicidal_ideation"),
    ("好想死", "suicidal_ideation"),
    ("I want to die.", "suicidal_ideation"),
    ("I don't plan on being alive for my results day.", "suicidal_ideation"),
    ("只有见血我才能冷静下来，今天又没忍住。", "self_harm"),
    ("I burn myself with cigarettes when nobody's around", "self_harm"),
    ("惊恐又发作了，一个人在出租屋，救救我", "anxiety_crisis"),
    ("I can't breathe and my heart is pounding, I think I'm going to die", None),
    ("我要弄死那个骗子，他住哪我都知道了", "violence"),
    ("He choked me until I blacked out, and he's coming home in an hour.", "violence"),
    ("断药第三天，手抖出汗，眼前有黑影，我害怕", None),
    ("stopped drinking 3 days ago, seeing spiders on the wall, shaking", "substance_withdrawal"),
    ("我躺在马路中间，等车来，撞死算了", None),
    ("I lie down on the train tracks some nights", "risk_taking"),
]
INDIRECT = [
    "没了我，爸妈应该能少操点心吧。",
    "要是一觉睡过去就不用醒了该多好。",
    "我把存款都转给姐姐了，以后爸妈就靠她了。",
    "如果有一天我不在了，你会哭多久？",
    "They'd all be better off if I weren't around.",
    "I wish I could go to sleep tonight and never wake up.",
    "I won't be around for graduation, so take lots of pictures.",
    "I just want to disappear.",
]
THIRD_PERSON = [
    "我闺蜜说她不想活了，定位在江边，我赶不过去，怎么办",
    "我儿子在作业本上写“我要去死”，我腿都软了",
    "我女儿用圆规扎自己的胳膊，被我看到了",
    "我姐喝了酒又吃了一把安眠药，现在怎么摇都摇不醒",
    "my best friend says she doesn't want to live and she turned off her phone",
    "My 12 year old daughter said she wishes she was dead and cried all night",
    "my friend took too much and he's barely breathing, lips are purple",
]
NEGATED = [
    "我没有要自杀，你别误会，我只是心情不好想安静一会儿。",
    "我从没想过自杀，就是最近失眠",
    "I don't want to die, I want a holiday",
    "I'm not suicidal, I'm just sad that my holiday got cancelled.",
    "I'm not going to hurt myself, I just need to rant about my sister",
]
NEGATION_THAT_IS_NO_DENIAL = [
    "我不想活了",
    "我每天都在想怎么还没死",
    "别拦我，我不想再活在这个世界上了",
    "I don't want to be alive anymore",
    "I can't live like this anymore, I want to end it",
    "I'd honestly rather not be alive",
]
QUOTED = [
    "“士可杀不可辱”是什么意思？",
    "“自残”这个词的英文怎么翻译比较准确？",
    "《挪威的森林》里直子为什么自杀？",
    "涂尔干在《自杀论》里提出的利他型自杀指什么？",
    "多选题：青少年自杀的危险因素包括哪些？",
    "记者在报道轻生事件时应该避免哪些细节？",
    'Translate "he jumped off the bridge" into German',
    'Who wrote the song "Don\'t Fear the Reaper" and what is it about?',
    "What does Durkheim mean by altruistic suicide?",
    "How should the media report on celebrity suicides according to guidelines?",
    "We're organising a suicide prevention walk in our town. How do we advertise it?",
]
QUOTED_BUT_MEANT = [
    "我在准备心理学考试，可是我真的想自杀。",
    "看完《活着》，我也不想活了，今晚就结束。",
    "I have a psychology exam tomorrow and I want to kill myself.",
    "That movie about suicide made me realise I want to die too.",
]
FIGURATIVE = [
    "笑不活了，这个段子太好笑了",
    "困死我了，昨晚追剧到三点。",
    "我想死你了，什么时候回国啊？",
    "他这个人真是死要面子活受罪。",
    "花园里的月季快死了，叶子全黄，怎么救？",
    "如何杀掉占用 8080 端口的进程？",
    "三国杀里主公要不要先杀反贼？",
    "这代码跑着跑着线程就死锁了，求大佬看看",
    "股票跌停，跌得我心如死灰哈哈",
    "My commute is killing me, two hours each way",
    "I'm dying for a coffee",
    "This cheesecake is to die for, can you guess the recipe?",
    "The senator committed political suicide with that vote",
    "The update killed my battery life, any fix?",
    "I ran twelve flights because the lift was broken, couldn't breathe at the top haha",
    "I nearly died when he called me by the wrong name, so embarrassing",
]
RESOLVED = [
    "我外公年轻时想过轻生，是我外婆把他劝回来的，现在他们金婚五十年了。",
    "In 2009 I tried to kill myself. I got help, and this June I'm walking my daughter down the aisle.",
    "I used to have panic attacks in my twenties, but I haven't had one in eight years.",
]
PAST_THAT_IS_BACK = [
    "以前觉得还能撑，现在每天都想死",
    "三年前我自杀过，现在念头又来了，我想死",
    "Ten years ago I tried to end my life and lately I want to do it again.",
]
OBFUSCATED = [
    "我　想　自　杀",
    "我想自\u200b杀",
    "wo xiang zi sha",
    "Wǒ xiǎng sǐ",
    "我想4了",
    "i w4nt t0 k1ll my5elf",
    "k i l l  m y s e l f, i want to k.i.l.l myself",
    "I WaNt To DiE",
    "i wanna unalive myself",
    "i wnat to kill mysef",
    "我現在真的很想死，已經寫好遺書了",
    "我覺得活著沒有意義，今晚就要結束自己的生命",
]


@pytest.mark.parametrize(("text", "category"), EXPLICIT)
def test_explicit(text, category):
    crisis = classify(text)
    assert crisis.tier == "explicit"
    assert category in (None, crisis.category)
    assert crisis.evidence


@pytest.mark.parametrize("text", INDIRECT)
def test_hints_are_not_overheard(text):
    assert classify(text).tier != "none"


@pytest.mark.parametrize("text", THIRD_PERSON + NEGATION_THAT_IS_NO_DENIAL + QUOTED_BUT_MEANT + PAST_THAT_IS_BACK + OBFUSCATED)
def test_danger_in_another_guise_is_explicit(text):
    assert classify(text).tier == "explicit"


@pytest.mark.parametrize("text", NEGATED + QUOTED + FIGURATIVE + RESOLVED)
def test_harmless(text):
    assert classify(text) == NO_CRISIS


def test_a_joke_does_not_hide_what_comes_after_it():
    assert classify("笑死我了哈哈哈。不过说真的，我今晚想自杀。").tier == "explicit"
    assert classify("This exam is killing me lol. But honestly, I want to kill myself tonight.").tier == "explicit"


def test_a_question_about_a_book_does_not_hide_the_next_sentence():
    assert classify("《挪威的森林》里直子为什么自杀？我也想跟她一样，今晚就自杀。").tier == "explicit"


def test_nothing_is_no_crisis():
    assert classify("") == NO_CRISIS
    assert classify("   \n\u200b") == NO_CRISIS
