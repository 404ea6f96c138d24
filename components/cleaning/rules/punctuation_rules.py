"""Rule group "punctuation": consistent punctuation (paper, cleaning)."""

import re

from components.common.records import Language

CJK = r"\u3400-\u9fff\uf900-\ufaff"
CJK_MARK = r"\u3001\u3002\uff0c\uff1a\uff1b\uff1f\uff01\u201c\u201d\u2018\u2019\uff08\uff09\u300a\u300b\u3010\u3011\u2026"
INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u00ad\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
ODD_SPACE = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\t]")
LETTERS_AND_DIGITS = {
    code: code - 0xFEE0 for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B), 0xFF05, 0xFF1D, 0xFF0B)
}
TO_FULL = {",": "\uff0c", ":": "\uff1a", ";": "\uff1b", "?": "\uff1f", "!": "\uff01"}
TO_HALF = {v: k for k, v in TO_FULL.items()} | {"\u3002": ".", "\uff08": "(", "\uff09": ")", "\u3001": ","}
HALF_AFTER_CJK = re.compile(rf"(?<=[{CJK}\u201d\u2019\uff09\u300b])[,:;?!](?![/\d)])|(?<=[{CJK}\u201d\u2019\uff09\u300b])[,;?!](?=\d)")
HALF_BEFORE_CJK = re.compile(rf"(?<=[A-Za-z0-9%)])[,;?!](?=[{CJK}\u201c\u2018\uff08\u300a])")
STOP_AFTER_CJK = re.compile(rf"(?<=[{CJK}\u201d\u2019\uff09\u300b])\.(?=\s|$|[{CJK}\u201d\u2019\"])")
PARENTHESES = re.compile(r"\(([^()\uff08\uff09\n]*)[)\uff09]|\uff08([^()\uff08\uff09\n]*)\)")
FULL_IN_ENGLISH = re.compile("([\uff0c\uff1a\uff1b\uff1f\uff01\u3002\u3001\uff09])(?=(\\S?))|\uff08")
STRAIGHT_PAIR = re.compile(r'"([^"\n]{1,200})"')
STRAIGHT_SINGLE_PAIR = re.compile(rf"(?<![A-Za-z])'([^'\n]*[{CJK}][^'\n]*)'(?![A-Za-z])")
REPEATED = (
    (re.compile(r"([!\uff01?\uff1f,\uff0c;\uff1b:\uff1a\u3001])(?:\s?\1)+"), r"\1"),
    (re.compile(r"[!\uff01]*(?:[?\uff1f][!\uff01]+|[!\uff01]+[?\uff1f])[!\uff01?\uff1f]*"), "\uff1f"),
    (re.compile(r"[~\uff5e\u301c]{2,}"), ""),
    (re.compile(r"(?<![\u2026.])\u2026(?!\u2026)|\u2026{3,}|\u3002{3,}|\u00b7{3,}|\.{4,}(?!\d)|(?<=[" + CJK + r"])\.{3}"), "\u2026\u2026"),
    (re.compile(r"\u3002{2}"), "\u3002"),
    (re.compile(r"\u2014{3,}|(?<=[" + CJK + r"])-{2,}(?=[" + CJK + r"])"), "\u2014\u2014"),
)
REPEATED_EN = (
    (re.compile(r"([!?,;:])(?:\s?\1)+"), r"\1"),
    (re.compile(r"\?!+[?!]*|!+\?[?!]*"), "?"),
    (re.compile(r"~{2,}"), ""),
    (re.compile(r"\u2026+\.*|\.{4,}|\.(?: \.){2,}"), "..."),
    (re.compile(r"(?<![.\u2026])\.\.(?![.\u2026])"), "."),
)
SPACE_BETWEEN_CJK = re.compile(rf"(?<=[{CJK}{CJK_MARK}])[ ]+(?=[{CJK}{CJK_MARK}])")
SPACE_AT_MARK = re.compile(rf"(?<=[{CJK_MARK}])[ ]+(?=\S)(?![_(])|(?<=[^\s_])[ ]+(?=[\u3001\u3002\uff0c\uff1a\uff1b\uff1f\uff01])")
SPACE_BEFORE_MARK_EN = re.compile(r"(?<=[\w)\"'])[ ]+(?=[,;:?!](?:\s|$)|\.(?:\s|$))")
BLANK = re.compile(r"[(\uff08][ \u3000]*[)\uff09]")
WRAPPED = re.compile(r"(?<=[a-z,;\-])-?\n(?=[a-z])")
WRAPPED_CJK = re.compile(rf"(?<=[{CJK}\uff0c\u3001\uff1b])\n(?=[{CJK}])")
MIN_WRAPPED = 15


def drop_invisible(text: str, language: Language) -> tuple[str, int]:
    """Drops zero-width, directional and control characters; odd spaces become ordinary ones."""
    text, returns = re.subn(r"\r\n?", "\n", text)
    text, invisible = INVISIBLE.subn("", text)
    text, odd = ODD_SPACE.subn(" ", text)
    return text, returns + invisible + odd


def fix_width(text: str, language: Language) -> tuple[str, int]:
    """Full-width marks in Chinese, half-width ones in English; letters and digits are half-width in both.

    A mark belongs to the script on its left; times, ratios and thousands (10:30, 3,000) keep their half-width marks.
    """
    fixed = text.translate(LETTERS_AND_DIGITS)
    fixed = _full(fixed) if language == "zh" else _half(fixed)
    return fixed, sum(a != b for a, b in zip(text, fixed, strict=False))


def _full(text: str) -> str:
    text = HALF_AFTER_CJK.sub(lambda m: TO_FULL[m.group()], text)
    text = HALF_BEFORE_CJK.sub(lambda m: TO_FULL[m.group()], text)
    text = STOP_AFTER_CJK.sub("\u3002", text)

    def pair(match: re.Match[str]) -> str:
        inner = match.group(1) if match.group(1) is not None else match.group(2)
        before = text[match.start() - 1 : match.start()]
        chinese = re.search(f"[{CJK}]", inner + before) or re.match("[\u201d\u2019\u300b]", before)
        return f"\uff08{inner}\uff09" if chinese or not inner.strip() else f"({inner})"

    return PARENTHESES.sub(pair, text)


def _half(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        mark = TO_HALF[match.group(1) or "\uff08"]
        return mark + (" " if mark not in "()" and (match.group(2) or "").isalnum() else "")

    # Chinese words inside an English text keep their marks.
    return text if re.search(f"[{CJK}]", text) else FULL_IN_ENGLISH.sub(one, text)


def collapse_repeated_marks(text: str, language: Language) -> tuple[str, int]:
    """One mark where several of a kind stand; one form of ellipsis. Blanks to fill in (____) stay."""
    count = 0
    for pattern, mark in REPEATED if language == "zh" else REPEATED_EN:
        before = text
        text = pattern.sub(mark, text)
        count += before != text
    return text, count


def unify_quotes(text: str, language: Language) -> tuple[str, int]:
    """Curly pairs in Chinese, straight quotes in English, so that a quoted span can be found again by its text."""
    if language == "en":
        fixed = re.sub("[\u2018\u2019\u201b\u02bc]", "'", re.sub("[\u201c\u201d\u201f\u00ab\u00bb]", '"', text))
        return fixed, sum(a != b for a, b in zip(text, fixed, strict=True))
    fixed = text.replace("\u300c", "\u201c").replace("\u300d", "\u201d").replace("\u300e", "\u2018").replace("\u300f", "\u2019")
    changed = sum(a != b for a, b in zip(text, fixed, strict=True))
    fixed, double = STRAIGHT_PAIR.subn("\u201c\\1\u201d", fixed)
    fixed, single = STRAIGHT_SINGLE_PAIR.subn("\u2018\\1\u2019", fixed)
    return fixed, changed + double + single


def fix_spaces(text: str, language: Language) -> tuple[str, int]:
    """No spaces between Chinese characters or around their marks, one between words, at most one blank line."""
    blanks = BLANK.findall(text)
    fixed = BLANK.sub("\x00", text)  # the blank of a question keeps its width
    fixed = re.sub(r"(?<=\S) {2,}", " ", re.sub(r"[ ]+\n", "\n", re.sub(r"\n[ ]+(?![ \-*\d])", "\n", fixed)))
    fixed = re.sub(r"\n{3,}", "\n\n", fixed)
    fixed = SPACE_AT_MARK.sub("", SPACE_BETWEEN_CJK.sub("", fixed)) if language == "zh" else SPACE_BEFORE_MARK_EN.sub("", fixed)
    for blank in blanks:
        fixed = fixed.replace("\x00", blank, 1)
    fixed = fixed.strip()
    return fixed, int(fixed != text)


def join_wrapped_lines(text: str, language: Language) -> tuple[str, int]:
    """Joins lines that a page broke inside a sentence (PDF text)."""
    if max((len(line) for line in text.split("\n")), default=0) < MIN_WRAPPED:
        return text, 0
    text, english = WRAPPED.subn(lambda m: "" if m.group().startswith("-") else " ", text)
    text, chinese = WRAPPED_CJK.subn("", text)
    return text, english + chinese


def drop_empty_brackets(text: str, language: Language) -> tuple[str, int]:
    """Drops brackets that hold nothing: what is left of a removed figure number or citation."""
    return re.subn(r"[ ]?(?:\([ ,;]*\)|\uff08[ \uff0c\uff1b\u3001]*\uff09|\[\s*\])", "", text)
