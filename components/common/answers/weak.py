"""Evidence that counts only where an answer states nothing: verdicts on single options, and one quoted option."""

import re

from components.common.answers.letter_list import read_letters

_ENGLISH = re.compile(
    r"(?:^|[.,;:!?\n(]\s*|\b(?i:options?|choices?|answers?|so|thus|therefore|hence|that|only|both|and|but|while|believe|think|say|as)\s+)[(\"'*]{0,4}"
    r"(?<![A-Za-z])(?P<letters>[A-H](?:\s*(?:,|\band\b|&)\s*(?:and\s+)?[A-H]){0,7})(?![A-Za-z])[)\"'*]{0,4}\s+(?i:is|are)\s+"
    r"(?i:(?P<no>not\s+|in)?(?:the\s+)?(?:both\s+|all\s+|also\s+|clearly\s+)*(?:(?P<yes>correct|right|best|better|true|most\s+(?:appropriate|suitable|accurate|fitting|likely))|(?P<bad>wrong|false))"
    r"(?:\s+(?:answers?|options?|choices?|responses?|ones?))?(?=\s*(?:[.,;:!]|$|\n|\band\b|\bbut\b|\bbecause\b|\bsince\b|\bas\b)))",
)
_CHINESE = re.compile(
    r"(?<![A-Za-z])(?P<letters>[A-H](?:\s*[、,和与及]\s*[A-H]|[A-H]){0,7})(?:选?项|两项|三项)?(?:的?(?:说法|表述|描述|做法))?\s*(?:都|均|也)?(?:是|为)?\s*"
    r"(?P<no>不|错误|错)?(?:(?P<yes>正确|对|最?符合题意|(?:最|比较|更)?(?:合适|恰当|适当|适宜|准确|佳))|(?P<bad>错误|错))?(?:的?(?:答案|选项|做法|说法|一项))?的?(?=[\s,。;:!、)]|$)"
)
_OPTION_LINE = re.compile(
    r"""^[ \t"'*_`(\[【\-•✅✔☑\ufe0f]*(?:(?i:options?)\s+|选项\s*)?([A-H])(?![A-Za-z0-9])(?:选项|项)?[ \t"'*_`)\]】]*"""
    r"""(?:[.。、:)]|,?\s*(?:because|since|因为|由于))[ \t*]*(?=\S)""",
    re.MULTILINE,
)
_OTHER_LEAD = re.compile(r"[\s,;、][A-H][.:、)]")
_REFUTING = re.compile(
    r"(?:\b(?:wrong|incorrect|false|not\s+(?:correct|right))|错误|不正确|不对|不符合题意|不选)[\s.。!*]*$", re.IGNORECASE
)
_BRACKETED = re.compile(r"[(\[【]([A-H])[)\]】]")
_LETTERS = re.compile(r"[A-H]")


def verdict_letters(text: str) -> str:
    """Returns the options that are called right ("B is correct", "A、C正确"), "" if none or if one is also called wrong."""
    right: set[str] = set()
    wrong: set[str] = set()
    for pattern in (_ENGLISH, _CHINESE):
        for match in pattern.finditer(text):
            if not (match["yes"] or match["bad"] or match["no"] in ("错误", "错")):
                continue
            refuted = bool(match["no"]) != bool(match["bad"]) or match["no"] in ("错误", "错")
            (wrong if refuted else right).update(_LETTERS.findall(re.sub("and", "", match["letters"], flags=re.IGNORECASE).upper()))
    return "" if right & wrong else "".join(sorted(right))


def option_line(text: str) -> str:
    """Returns the letter of the one option that is quoted in the answer ("B. Sleep restriction"), "" if none or several are."""
    quoted = [(match[1], text[match.end() :].partition("\n")[0]) for match in _OPTION_LINE.finditer(text)]
    if any(_OTHER_LEAD.search(rest) for _, rest in quoted):
        return ""  # "A: 10%, B: 70%"
    leads = {letter for letter, rest in quoted if not _REFUTING.search(rest)}
    if not leads and "\n" not in text.strip():
        found = read_letters(text, 0)
        # "C cognitive reappraisal": label, blank, text, and nothing else in the reply.
        if found and len(found.letters) == 1 and not found.ambiguous and text[found.end : found.end + 1] == " ":
            return found.letters
    bracketed = _BRACKETED.findall(text)
    if (
        not leads
        and len(bracketed) == 1
        and text.rstrip(" .。").endswith((")", "]", "】"))
        and text.rstrip(" .。)]】").endswith(bracketed[0])
    ):
        return str(bracketed[0])  # "The phonological loop (B)"
    return leads.pop() if len(leads) == 1 else ""
