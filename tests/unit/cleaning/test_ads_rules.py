import pytest

from components.cleaning.rules.ads_rules import remove_links, remove_promotions

LINKS = [
    ("see https://example.org/a?b=1 now", " now", 1),
    ("Read more at www.example.com.", "Read more .", 1),
    ("详见 https://example.cn/x，谢谢", "，谢谢", 1),
    ("(http://www.nami.org/).", ".", 1),
    ("[the APA](https://apa.org/help) helps", "the APA helps", 1),
    ("before ![figure 1](img/a.png) after", "before  after", 1),
    ("Memory, 22(4), 332. doi:10.1080/09658211.2013.785570.", "Memory, 22(4), 332. ", 1),
    ("<https://example.org>", "", 1),
    ("https://en.wikipedia.org/wiki/Memory_(psychology) is", " is", 1),
    ("visit openstax.org/l/memory today", " today", 1),
    ("e.g. this, i.e. that, etc. and U.S.A.", "e.g. this, i.e. that, etc. and U.S.A.", 0),
    ("p = .05 and 3.14", "p = .05 and 3.14", 0),
    ("Smith et al.(2010)", "Smith et al.(2010)", 0),
    ("call f(a)[0]", "call f(a)[0]", 0),
]
ADS = [
    ("正文。更多资料请加微信 xinli_demo123", "正文。", 1),
    ("请关注我们的公众号“心理学”。正文继续。", "正文继续。", 1),
    ("关注公众号“心理学堂”，回复666领取资料。情绪是一种体验。", "情绪是一种体验。", 1),
    ("后台回复“抑郁”即可免费获取量表。情绪是一种体验。", "情绪是一种体验。", 1),
    ("我关注公众号“心理学堂”很久了，他总不回复我。", "我关注公众号“心理学堂”很久了，他总不回复我。", 0),
    ("扫码领取免费课程！抑郁的核心症状是情绪低落。", "抑郁的核心症状是情绪低落。", 1),
    ("咨询热线：400-123-4567\n第二段", "\n第二段", 1),
    ("限时优惠，立即报名！", "", 1),
    ("版权所有 某某出版社", "", 1),
    ("Follow us at  for more! Memory is a process.", "Memory is a process.", 1),
    ("Click here to learn more. Sleep has stages.", "Sleep has stages.", 1),
    ("Access for free at openstax. Next.", "Next.", 1),
    ("他突然加我微信好友怎么办？", "他突然加我微信好友怎么办？", 0),
    ("我可以加他的微信聊天吗？", "我可以加他的微信聊天吗？", 0),
    ("减少关注微博、新闻等渠道的消息。", "减少关注微博、新闻等渠道的消息。", 0),
    ("我们班的微信群里没有人理我。", "我们班的微信群里没有人理我。", 0),
    ("注意是心理活动对一定对象的指向和集中。", "注意是心理活动对一定对象的指向和集中。", 0),
    ("Advertising uses classical conditioning. Buyers follow others.", "Advertising uses classical conditioning. Buyers follow others.", 0),
]


@pytest.mark.parametrize(("text", "expected", "count"), LINKS)
def test_remove_links(text, expected, count):
    assert remove_links(text, "zh") == (expected, count)


@pytest.mark.parametrize(("text", "expected", "count"), ADS)
def test_remove_promotions(text, expected, count):
    assert remove_promotions(text, "zh") == (expected, count)
