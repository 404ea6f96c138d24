"""Rule group "ads_and_links": no advertisements, no links (paper, cleaning)."""

import re

from components.cleaning.rules.lexicon import alternatives
from components.common.records import Language

PROMOTION = re.compile(alternatives("promotions"), re.IGNORECASE)
_URL_CHARS = r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]"
_TOP = r"(?:com|cn|org|net|edu|gov|io|info|cc|top|xyz|me|tv|co|uk|de)"
MARKDOWN_IMAGE = re.compile(r"!\[[^\]]*\]\([^)\s]*(?:\s+\"[^\"]*\")?\)")
MARKDOWN_LINK = re.compile(r"\[([^\]]+)\]\((?:https?://|www\.|#|/|\.)[^)]*\)")
DOI = re.compile(r"\bdoi:?\s*10\.\d{4,9}/[^\s\u3000-\u9fff]+", re.IGNORECASE)
URL = re.compile(
    rf"<?(?:https?|ftp)://{_URL_CHARS}+>?|(?<![@\w.])www\.{_URL_CHARS}+|(?<![@\w.-])(?:[a-z0-9-]+\.)+{_TOP}(?:/{_URL_CHARS}*)(?![a-z])",
    re.IGNORECASE,
)
LEAD_IN = re.compile(
    r"(?:\b(?:see|visit|at|from|retrieved from|available at)|(?:\u94fe\u63a5|\u7f51\u5740|\u8be6\u89c1|\u8bbf\u95ee))\s*[:\uff1a]?\s*$",
    re.IGNORECASE,
)
EMPTIED = re.compile(r"[(\uff08\[<]\s*[)\uff09\]>]")
SENTENCE = re.compile(
    r"[^\u3002\uff01\uff1f!?\n.]*(?:\.(?!\s|$)[^\u3002\uff01\uff1f!?\n.]*)*(?:[\u3002\uff01\uff1f!?.]+[\u201d\u2019\"')]*[ \t]*|\n|$)"
)


def remove_links(text: str, language: Language) -> tuple[str, int]:
    """Removes URLs, DOIs and images; the words of a Markdown link stay, brackets that held only a link go."""
    text, images = MARKDOWN_IMAGE.subn("", text)
    text, words = MARKDOWN_LINK.subn(r"\1", text)
    text, dois = DOI.subn("", text)
    count = 0
    parts: list[str] = []
    place = 0
    for match in URL.finditer(text):
        end = match.end() - len(_trailing(match.group()))
        parts.append(LEAD_IN.sub("", text[place : match.start()]))
        place, count = end, count + 1
    text = "".join(parts) + text[place:]
    if count or dois:
        text = EMPTIED.sub("", text)
    return text, images + words + dois + count


def _trailing(url: str) -> str:
    """Returns the end of a match that belongs to the sentence: its full stop, or a bracket the URL did not open."""
    stripped = url.rstrip(".,;:!?'\"*")
    while stripped.endswith(")") and stripped.count("(") < stripped.count(")"):
        stripped = stripped[:-1].rstrip(".,;:!?'\"*")
    return url[len(stripped) :]


def remove_promotions(text: str, language: Language) -> tuple[str, int]:
    """Removes the sentences that advertise."""
    if not PROMOTION.search(text):
        return text, 0
    removed = 0
    kept: list[str] = []
    for sentence in SENTENCE.findall(text):
        if PROMOTION.search(sentence):
            removed += 1
            kept.append("\n" if sentence.endswith("\n") else "")
        else:
            kept.append(sentence)
    return "".join(kept), removed
