"""Rule group "personal_data": what identifies a person is masked, so that sentences stay whole (our choice)."""

import re

from components.common.records import Language

_NOT_DIGIT_BEFORE, _NOT_DIGIT_AFTER = r"(?<![\d.\-])", r"(?![\d\-])"
EMAIL = re.compile(r"[A-Za-z0-9._%+\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)*\.[A-Za-z]{2,}")
ID_NUMBER = re.compile(
    rf"{_NOT_DIGIT_BEFORE}(?:[1-9]\d{{5}}(?:18|19|20)\d{{2}}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{{3}}[\dXx]|\d{{3}}-\d{{2}}-\d{{4}}){_NOT_DIGIT_AFTER}"
)
PHONE = re.compile(
    _NOT_DIGIT_BEFORE
    + r"(?:(?:\+?86[\- ]?)?1[3-9]\d[\- ]?\d{4}[\- ]?\d{4}"  # Chinese mobile
    + r"|0\d{2,3}[\- ]\d{7,8}(?:-\d{1,5})?|[48]00[\- ]?\d{3}[\- ]?\d{4}"  # Chinese landline and service numbers
    + r"|(?:\+?1[\-. ])?(?:\(\d{3}\) ?|\d{3}[\-.])\d{3}[\-.](?:\d{4}|[A-Z]{4})(?: ?\(\d{4}\))?"  # North American
    + r"|\+\d{1,3}(?:[\- ]?\d{2,4}){3,5})"
    + _NOT_DIGIT_AFTER
)
_SERVICE = r"\u5fae\u4fe1|\u5fae\u535a|wechat|weixin|[vw]x|qq|telegram|whatsapp|line id"
_IS = r"(?:\u53f7\u7801?|\u7fa4|\u662f| id| number)?\s*(?:[:\uff1a]|\u662f|is)?\s*"
ACCOUNT = re.compile(rf"((?:{_SERVICE}){_IS})(?=[A-Za-z0-9_\-]*\d)[A-Za-z0-9_][A-Za-z0-9_\-]{{4,19}}(?![A-Za-z0-9])", re.IGNORECASE)
# A Chinese name ends at a space or colon only: without one, nothing tells where the name stops and the sentence begins.
HANDLE = re.compile(r"(?<![\w.@/])@(?:[A-Za-z0-9_][A-Za-z0-9_\-]{1,29}|[\u4e00-\u9fff\w\-]{1,12}(?=[\s:\uff1a]))")
ORPHAN = re.compile(r"(?<![\w.@/])@(?=[\u4e00-\u9fff])")


def mask_emails(text: str, language: Language) -> tuple[str, int]:
    """Masks e-mail addresses."""
    return EMAIL.subn("[EMAIL]", text)


def mask_id_numbers(text: str, language: Language) -> tuple[str, int]:
    """Masks Chinese identity card numbers and US social security numbers."""
    return ID_NUMBER.subn("[ID]", text)


def mask_phones(text: str, language: Language) -> tuple[str, int]:
    """Masks telephone numbers. Years, page ranges and statistics do not look like one."""
    return PHONE.subn("[PHONE]", text)


def mask_accounts(text: str, language: Language) -> tuple[str, int]:
    """Masks messenger accounts (WeChat, QQ, ...) behind the service's name."""
    return ACCOUNT.subn(r"\1[ACCOUNT]", text)


def mask_handles(text: str, language: Language) -> tuple[str, int]:
    """Masks @handles; an @ whose name was taken out before goes."""
    text, handles = HANDLE.subn("@[USER]", text)
    text, orphans = ORPHAN.subn("", text)
    return text, handles + orphans
