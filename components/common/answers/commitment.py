"""What an answer commits to.

Statements are collected by rank. Final ones ("final answer", boxed, JSON) win over all others; otherwise all
statements of the reply must agree. Weaker evidence (verdicts on single options, one quoted option) counts only where
nothing is stated.
"""

import re
from collections.abc import Iterator
from enum import IntEnum

from components.common.answers.letter_list import LetterList, read_letters
from components.common.answers.weak import option_line, verdict_letters


class Rank(IntEnum):
    """How strong a statement is."""

    FINAL = 0
    STATED = 1


_BOXED = re.compile(r"\\boxed\s*\{|\\fbox\s*\{|<answer>", re.IGNORECASE)
_JSON = re.compile(r"""["'](?:final_|correct_)?(?:answers?|options?|choices?|答案|选项|正确答案)["']\s*:\s*\[?""", re.IGNORECASE)
_NOUN = re.compile(r"\b(answers?|options?|choices?|selections?|letters?)\b(?:\(s\))?", re.IGNORECASE)
_QUALIFIER = re.compile(
    r"\b(final|correct|right|best|appropriate|accurate|suitable|true|likely|proper|my|chosen|selected)\s+$|\b(?:my)\s+\w+\s+$",
    re.IGNORECASE,
)
_WRONG = re.compile(
    r"\b(?:wrong|incorrect|false|worst|other|remaining|each|every|any|no|not\s+(?:the|an?)(?:\s+(?:correct|right|best))?)[ \t]+$",
    re.IGNORECASE,
)
_LINK = re.compile(
    r"(?:\s+(?:here|(?:to|for|of)\s+(?:this|the)\s+question))?[\s*_`\"']*"
    r"(?P<link>:|=|-+>?|→|(?:is|are|(?:would|should|must|might|may|could|will|has\s+to|ought\s+to)\s+be)\b)?"
    r"[\s*_`]*:?(?:\s*\b(?:most\s+likely|probably|likely|definitely|clearly|therefore|thus|both|the\s+letters?|letters?)\b)*\s*",
    re.IGNORECASE,
)
_HAN_ANSWER = re.compile(
    r"(?P<qualifier>最终|最后)?(?P<noun>的?答案|正确的?(?:选项|说法|做法|表述|一项)?(?=[是为有:包])|最(?:合适|恰当|适当|适合|准确|佳|符合题意)的?(?:选项|说法|做法|一项)|符合题意的|(?<![选填回])答(?=:)|[单多](?:项?选择?)题?(?=:))(?:\([^()\n]{0,8}\))?[\s*_`\"】\])》]*"
    r"(?:应该|应当|应|可能|大概|就|只|仍然?)?(?:选择|选|是|为|有|包括|=)?(?:选择|选)?\s*[:\-]?\s*(?:选择|选)?"
)
_HAN_CHOOSE = re.compile(
    r"(?:应该?|故|因此|所以|综上|最终|我|就|可|则|而)?,?\s*(?:选择|选)(?:出|定|的是|的?答案(?:是|为)?)?(?:是|为)?\s*:?"
)
_HAN_REFUSED = re.compile(
    r"(?:不|别|勿|没有?|未|单|多|误|错|非|为什么|为何|如果|若|假如|可供|备|待|任|筛|挑)(?:能|会|可|应该?|该|要|宜|是)?$"
)
_CHOOSE = re.compile(
    r"(?:\b(?:I|we)\b(?:'d|'ll|'m|\s+(?:am|would|will|must|should|have\s+to|therefore|thus|also))*\s+|^\W*|\b(?:so|therefore|thus|hence),?\s+)"
    r"(?:choose|chose|select|selected|pick|picked|go(?:ing)?\s+with|opt(?:ing)?\s+for)\s*:?\s*(?:the\s+)?(?:answers?|options?|choices?|letters?)?",
    re.IGNORECASE | re.MULTILINE,
)
_CONCLUDE = re.compile(
    r"\b(?:so|thus|therefore|hence|consequently)\b[,:]?\s*(?:it\s+(?:is|must\s+be)|it's|that\s+leaves|this\s+leaves)?|\bit(?:\s+is|'s|\s+must\s+be)\b"
    r"|\b(?:that|which|this)\s+leaves\b|\b(?:which|that|this)\s+(?:is|would\s+be)\s+(?=(?:option|choice)\b)|\b(?:best|most)\s+\w+\s+by\s"
    r"|倾向于?(?:选择|选)?|(?:因此|所以|故|综上|可见)[,:]?\s*(?:答案)?(?:应该?|就)?(?:是|为)?|(?:认为|觉得|应该|应当|应|就)(?:是|为)",
    re.IGNORECASE,
)
_REPLACED = re.compile(
    r"\b[Nn]ot\s+[(\"'*]*[A-H][)\"'*]*\s*,?\s*(?:but(?:\s+rather)?|it\s+is|it's)\b|(?:不是|并非|而非)\s*[(\"'*]*[A-H][)\"'*]*\s*,?\s*(?:而是|而应?选|是)"
)
_HYPOTHETICAL = re.compile(
    r"(?:\b(?:if|suppose|supposing|whether|unless|assuming|not\s+(?:sure|certain|convinced)|unsure|doubt)\b|如果|假如|假设|倘若|若|不确定|怀疑)"
    r"[^.。\n,;!?]{0,40}$",
    re.IGNORECASE,
)
_CONDITIONAL = re.compile(  # "had it been shorter, the answer would be A": said of another case than the one that is asked
    r"\bif\b(?!\s+(?:I|we)\b)[^.\n;!?]{0,60}\b(?:had|were)\b[^.\n;!?]{0,60}\bwould\s+(?:be|have\s+been)\W*$"
    r"|(?:如果|假如|假设|倘若|若)[^.。\n;!?]{1,40},\s*(?:则|就|那|便|才)[^.。\n,;!?]{0,14}$",
    re.IGNORECASE,
)
_CLAUSE_END = re.compile(r"\s*(?:[.,;。!]|\n|$|\b(?:because|since|as)\b|因为|由于)")
_LINE_END = re.compile(r"[ \t.。!*_`]*(?:\n|$)")
_INLINE_LEAD = re.compile(r"(?P<separator>[;,、]?)\s*(?<![A-Za-z0-9])(?P<letter>[A-H])[.、:)]\s*(?=[^\s.,;、:)])")
_BULLET = re.compile(r"^[ \t]*(?:[-•*]|\d{1,2}[.)、])[ \t]+")
_LEAD_LINE = re.compile(r"""[ \t"'*_`(\[【\-•]*([A-H])[)\]】*]*[.、:)][ \t]*(?=\S)""")


def committed_letters(text: str, labels: str) -> str:
    """Returns the letters that a normalised text commits to, "" if none or contradictory.

    Args:
        text: The answer without think block, NFKC.
        labels: Letters that the question offers; a list of all of them as option lines is no answer.
    """
    text = text.strip()
    if not text:
        return ""
    found: dict[Rank, set[str]] = {Rank.FINAL: set(), Rank.STATED: set()}
    ambiguous = False
    for rank, stated in _statements(text, labels):
        if stated.ambiguous:
            ambiguous = True
        else:
            found[rank].add(stated.letters)
    for rank in Rank:
        if found[rank]:
            return found[rank].pop() if len(found[rank]) == 1 else ""
    return "" if ambiguous else verdict_letters(text) or option_line(text)


def _statements(text: str, labels: str) -> Iterator[tuple[Rank, LetterList]]:
    for pattern in (_BOXED, _JSON):
        for match in pattern.finditer(text):
            yield from ((Rank.FINAL, found) for found in _listed(text, match.end(), labels))
    yield from _english(text, labels)
    yield from _chinese(text, labels)
    for match in _REPLACED.finditer(text):
        yield from ((Rank.STATED, found) for found in _listed(text, match.end(), labels))
    for match in _CONCLUDE.finditer(text):
        if not _supposed(text, *match.span()):
            for found in _listed(text, match.end(), labels):
                if _CLAUSE_END.match(text, found.end):
                    yield Rank.STATED, found
    yield from ((Rank.STATED, found) for found in _bare_lines(text))


def _english(text: str, labels: str) -> Iterator[tuple[Rank, LetterList]]:
    for match in _NOUN.finditer(text):
        window = max(0, match.start() - 60), match.start()
        if _WRONG.search(text, *window):
            continue
        qualifier = _QUALIFIER.search(text, *window)
        link = _LINK.match(text, match.end())
        if link is None or _supposed(text, match.start(), link.end()):
            continue
        is_answer = match[1].lower().startswith("answer")
        if not is_answer and not qualifier and not (link["link"] == ":" and not match[1].lower().endswith("s")):
            continue
        final = bool(qualifier) and (qualifier[1] or "").lower() == "final"  # type: ignore[index]
        for found in _listed(text, link.end(), labels):
            if link["link"] or "\n" in text[match.end() : link.end()] or _LINE_END.match(text, found.end):
                yield (Rank.FINAL if final else Rank.STATED), found
    for match in _CHOOSE.finditer(text):
        if not _supposed(text, *match.span()):
            yield from ((Rank.STATED, found) for found in _listed(text, match.end(), labels))


def _chinese(text: str, labels: str) -> Iterator[tuple[Rank, LetterList]]:
    for match in _HAN_ANSWER.finditer(text):
        before = text[max(0, match.start() - 4) : match.start()]
        if before.endswith(("错误", "不", "错误的", "非")) or _supposed(text, *match.span()):
            continue
        rank = Rank.FINAL if match["qualifier"] else Rank.STATED
        yield from ((rank, found) for found in _listed(text, match.end(), labels))
    for match in _HAN_CHOOSE.finditer(text):
        refused = _HAN_REFUSED.search(text, max(0, match.start() - 8), match.start())
        if not refused and not _supposed(text, *match.span()):
            yield from ((Rank.STATED, found) for found in _listed(text, match.end(), labels))


def _supposed(text: str, start: int, end: int) -> bool:
    """Returns whether the statement between two places is a hypothesis."""
    return bool(_HYPOTHETICAL.search(text, max(0, start - 60), start) or _CONDITIONAL.search(text, max(0, start - 120), end))


def _listed(text: str, position: int, labels: str) -> Iterator[LetterList]:
    """Yields the letters stated at a place: a list of letters, or option lines one below the other."""
    found = read_letters(text, position)
    if not found:
        return
    start = text.rfind("\n", 0, found.end) + 1
    lines = text[max(start, position) :].lstrip().splitlines()
    leads = []
    for line in lines:
        lead = _LEAD_LINE.match(line)
        if not lead:
            break
        leads.append(lead[1])
    if len(leads) > 1:
        # All options one below the other are the question again, not an answer.
        yield LetterList("".join(sorted(set(leads))), found.end, ambiguous=set(leads) >= set(labels))
    else:
        yield _with_inline_leads(text, found)


def _with_inline_leads(text: str, found: LetterList) -> LetterList:
    """Adds the labels of "A. improve the mood; D. work better"; without a separator in front of a label it is ambiguous."""
    line = text[found.end :].partition("\n")[0]
    if not re.match(r"[.、:)]\s*\S", line) or len(found.letters) != 1:
        return found
    leads = list(_INLINE_LEAD.finditer(line))
    letters = "".join(sorted({found.letters, *(lead["letter"] for lead in leads)}))
    return LetterList(letters, found.end, found.ambiguous or not all(lead["separator"] for lead in leads))


def _bare_lines(text: str) -> Iterator[LetterList]:
    """Yields what the first and the last line state, if they hold letters only."""
    lines = [line for line in text.splitlines() if line.strip()]
    for line in dict.fromkeys((lines[0], lines[-1])):
        line = _BULLET.sub("", line)
        found = read_letters(line, 0)
        if found and not line[found.end :].strip(" \t.。!,;、"):
            yield found
