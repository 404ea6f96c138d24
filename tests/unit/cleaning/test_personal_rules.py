import pytest

from components.cleaning.rules.personal_rules import mask_accounts, mask_emails, mask_handles, mask_id_numbers, mask_phones

CASES = [
    (mask_emails, "write to jo.doe+x@mail.example.co.uk, please", "write to [EMAIL], please", 1),
    (mask_emails, "邮箱abc_123@163.com。", "邮箱[EMAIL]。", 1),
    (mask_emails, "A@B is not one", "A@B is not one", 0),
    (mask_id_numbers, "身份证11010519491231002X，", "身份证[ID]，", 1),
    (mask_id_numbers, "SSN 078-05-1120.", "SSN [ID].", 1),
    (mask_id_numbers, "1949123100212345678 digits", "1949123100212345678 digits", 0),
    (mask_phones, "电话13812345678找我", "电话[PHONE]找我", 1),
    (mask_phones, "打 138-1234-5678 或 +86 139 8765 4321", "打 [PHONE] 或 [PHONE]", 2),
    (mask_phones, "座机010-62345678", "座机[PHONE]", 1),
    (mask_phones, "热线400-161-9995", "热线[PHONE]", 1),
    (mask_phones, "call 1-800-273-8255, or (520) 555-0467", "call [PHONE], or [PHONE]", 2),
    (mask_phones, "1-800-273-TALK (8255)", "[PHONE]", 1),
    (mask_phones, "pp. 332-339, 2013-2014, 1,234,567", "pp. 332-339, 2013-2014, 1,234,567", 0),
    (mask_phones, "F(1, 23) = 4.567, N = 12345678901", "F(1, 23) = 4.567, N = 12345678901", 0),
    (mask_phones, "doi 10.1080/09658211", "doi 10.1080/09658211", 0),
    (mask_accounts, "我的微信号：abc_12345 谢谢", "我的微信号：[ACCOUNT] 谢谢", 1),
    (mask_accounts, "QQ 123456789", "QQ [ACCOUNT]", 1),
    (mask_accounts, "VX: heart2020", "VX: [ACCOUNT]", 1),
    (mask_accounts, "她的微信从不回复", "她的微信从不回复", 0),
    (mask_accounts, "WeChat is popular", "WeChat is popular", 0),
    (mask_handles, "thanks @some_user!", "thanks @[USER]!", 1),
    (mask_handles, "@小红: 谢谢", "@[USER]: 谢谢", 1),
    (mask_handles, "@希望能解答你的困惑。", "希望能解答你的困惑。", 1),
    (mask_handles, "mail a@b.com", "mail a@b.com", 0),
]


@pytest.mark.parametrize(("rule", "text", "expected", "count"), CASES)
def test_masks(rule, text, expected, count):
    assert rule(text, "zh") == (expected, count)
