"""Rule group "emoji": no emoji, emoticons or kaomoji (paper, cleaning)."""

import re

import emoji

from components.cleaning.rules.lexicon import alternatives, character_classes
from components.common.records import Language

# In the emoji tables, but signs of running text unless a variation selector asks for the picture.
TEXT_SIGNS = frozenset(
    "\u00a9\u00ae\u2122\u203c\u2049\u2139\u2640\u2642\u2714\u2716\u3030\u303d\u3297\u3299\u24c2#*0123456789"
) | frozenset(chr(c) for first, last in ((0x2190, 0x21FF), (0x25A0, 0x25FF)) for c in range(first, last + 1))
# The library looks at every character in Python; most texts hold none that any emoji begins with.
FIRST_CHARACTERS = frozenset(key[0] for key in emoji.EMOJI_DATA if not key[0].isascii())
JOINERS = re.compile("[\ufe0e\ufe0f\u200d\u20e3\U000e0020-\U000e007f]+")
KEYCAP = re.compile("([0-9])\ufe0f?\u20e3\ufe0f?[.\u3001]?")

# Not in the middle of a word, a number or a formula, and not the letter of an option.
APART = r"(?<![^\s\u3002\uff01\uff1f\uff0c\u2026~!?.,\u4e00-\u9fff])"
EMOTICON = re.compile(f"{APART}(?:{alternatives('emoticons')})(?![A-Za-z0-9])")

_SETS = character_classes("kaomoji")
_STRONG, _FACE = _SETS["strong"], _SETS["strong"] + _SETS["weak"]
_ARMS = f"[{_SETS['arms']}]{{1,4}}"
_OPEN, _CLOSE, _INNER = "[(\uff08]", "[)\uff09]", "[^()\uff08\uff09]"
_HAS_STRONG = f"(?={_INNER}{{0,12}}[{_STRONG}])(?=(?:{_INNER}*?[{_FACE}]){{2}})"
_HAS_MANY_WEAK = rf"(?=(?:{_INNER}*?(?=[^\x00-\x7f])[{_FACE}]){{3}})"
KAOMOJI = re.compile(
    rf"(?:{_ARMS} ?)?{_OPEN}(?:{_HAS_STRONG}|{_HAS_MANY_WEAK})[^()\uff08\uff09\u4e00-\u9fff\n]{{1,12}}{_CLOSE}(?: ?{_ARMS}){{0,2}}"
)
ASCII_FACE = re.compile(
    rf"(?:{_ARMS})?{_OPEN}\s?(?:\^[_.oO-]?[\^-]|-_\^|>[_.]?<|T[_.]T|;[_.];|-[_.]-|[oO]_[oO]|:\u0437\u300d\u2220|=[_.]=)[;|#]?\s?{_CLOSE}(?:{_ARMS})?"
)


def remove_emoji(text: str, language: Language) -> tuple[str, int]:
    """Removes emoji, flags and skin tones; signs such as the copyright sign stay, a keycap becomes the number of a list."""
    removed = 0

    def replace(chars: str, _: object) -> str:
        nonlocal removed
        if chars in TEXT_SIGNS:
            return chars
        removed += 1
        return ""

    text, keycaps = KEYCAP.subn(r"\1. ", text)
    if not FIRST_CHARACTERS.isdisjoint(text):
        text = emoji.replace_emoji(text, replace)
    return JOINERS.sub("", text), removed + keycaps


def remove_emoticons(text: str, language: Language) -> tuple[str, int]:
    """Removes emoticons such as :-) and T_T where they stand apart from words."""
    return EMOTICON.subn("", text)


def remove_kaomoji(text: str, language: Language) -> tuple[str, int]:
    """Removes faces in brackets with their arms; brackets around words, blanks and formulas stay."""
    text, faces = ASCII_FACE.subn("", text)
    text, others = KAOMOJI.subn("", text)
    return text, faces + others
