"""Rule group "emoji": no emoji, emoticons or kaomoji (paper, cleaning)."""

import re

import emoji

from components.common.records import Language

# In the emoji tables, but signs of running text unless a variation selector asks for the picture.
TEXT_SIGNS = frozenset(
    "\u00a9\u00ae\u2122\u203c\u2049\u2139\u2640\u2642\u2714\u2716\u3030\u303d\u3297\u3299\u24c2#*0123456789"
) | frozenset(chr(c) for span in ((0x2190, 0x21FF), (0x25A0, 0x25FF)) for c in range(span[0], span[1] + 1))
JOINERS = re.compile("[\ufe0e\ufe0f\u200d\u20e3\U000e0020-\U000e007f]+")

_EDGE = r"(?<![^\s\u3002\uff01\uff1f\uff0c~!?.,])"
_END = r"(?![A-Za-z0-9])"
EMOTICON = re.compile(
    _EDGE
    + r"(?:[:;=8][\-o^']?[)(\]\[|\\*]+|[:;=]-[DPpOo/]|[:;=][DPp](?=\s|$|[\u3002\uff01!~])|<3+(?!\d)|</3|[xX]D(?=\s|$)"
    + r"|\^[_.-]?\^|>[_.]<|T[_.]T|;_;|[oO]_[oO]|-_-[|#]*|=[_.]=|QAQ|QWQ|qwq|QwQ|TAT|OTZ|orz)"
    + _END
)
# Characters of faces; two of them between brackets make a kaomoji, a single one may be Greek, a degree or a quotation.
_FACE = r"\u03c9\u0414\u0434\u25bd\u25a1\u00b0\u2267\u2266\u256f\u2570\u2022\u0301\u0300\uff61\u00b4`\u02d8\u30fb\uff65\ufe4f\ufe3f\u02c7\u2565\u0ca5\u0ca0\u2661\u2665\u03b5\u0437\u3003\u2200\u2207\u2299\u25d5\u203f\u25e1\u30c4\u2727\u2605\u273f\u2312\u2579\u25cf\u25cb\uff3e\u00af^;>_<Tq"
_STRONG = r"\u03c9\u0414\u25bd\u2267\u2266\u256f\u2570\uff61\u00b4\uff65\u30fb\ufe4f\ufe3f\u02c7\u2565\u0ca5\u0ca0\u2661\u2200\u2207\u2299\u25d5\u203f\u25e1\u30c4\u273f\u2579\uff3e\u00af\u02d8\u0437^"
_ARM = r"[\u30fd\u30ce\u4e3f\u256f\u2570\\/~\u03a3\u03c3\u0669\u06f6\u3063\u3064\u2283\u2282\u253b\u2501\u2533\uff89\uff3c\u00af_\u30b7\u5f61o\u2727\u2606\u2605\u2661\u300d\u2220\ufe35 ]{0,6}"
KAOMOJI = re.compile(
    rf"{_ARM}[(\uff08](?=[^()\uff08\uff09]{{0,12}}[{_STRONG}])(?=(?:[^()\uff08\uff09]*?[{_FACE}]){{2}})[^()\uff08\uff09\u4e00-\u9fff\n]{{1,12}}[)\uff09]{_ARM}"
)
ASCII_FACE = re.compile(
    r"[(\uff08]\s?(?:\^[_.oO-]?\^|>[_.]?<|T[_.]T|;[_.];|-[_.]-|[oO]_[oO]|:\u0437\u300d\u2220|=[_.]=)[;|#]?\s?[)\uff09]_?"
)


def remove_emoji(text: str, language: Language) -> tuple[str, int]:
    """Removes emoji, flags, skin tones and keycaps; signs such as the copyright sign stay. Returns text and count."""
    removed = 0

    def replace(chars: str, _: object) -> str:
        nonlocal removed
        if chars[0] in TEXT_SIGNS and len(chars) == 1:
            return chars
        removed += 1
        return ""

    text = emoji.replace_emoji(text, replace)
    return JOINERS.sub("", text), removed


def remove_emoticons(text: str, language: Language) -> tuple[str, int]:
    """Removes emoticons such as :-) and T_T where they stand apart from words."""
    return EMOTICON.subn("", text)


def remove_kaomoji(text: str, language: Language) -> tuple[str, int]:
    """Removes faces in brackets with their arms; brackets around words, blanks and formulas stay."""
    text, faces = ASCII_FACE.subn("", text)
    text, others = KAOMOJI.subn("", text)
    return text, faces + others
