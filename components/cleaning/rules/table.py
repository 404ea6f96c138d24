"""The table of rules: the order in which they run, the group each belongs to, and the kinds of text it may touch."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from components.cleaning.rules import ads_rules as ads
from components.cleaning.rules import emoji_rules as emoji
from components.cleaning.rules import personal_rules as personal
from components.cleaning.rules import punctuation_rules as punctuation
from components.cleaning.rules import redundancy_rules as redundancy
from components.cleaning.settings import RuleGroup
from components.common.records import Language

TextKind = Literal["prose", "talk", "item"]
EVERYWHERE: tuple[TextKind, ...] = ("prose", "talk", "item")
Function = Callable[[str, Language], tuple[str, int]]


@dataclass(frozen=True)
class Rule:
    """One cleaning rule.

    Attributes:
        group: The paper's rule that it serves.
        name: What the counters call it.
        function: (text, language) to (text, number of changes); pure.
        kinds: prose (passages), talk (posts, replies, turns), item (stems, options, explanations of questions).
    """

    group: RuleGroup
    name: str
    function: Function
    kinds: tuple[TextKind, ...] = EVERYWHERE


RULES = (
    # First, because zero-width characters hide the words and faces that the other rules look for.
    Rule("punctuation", "invisible", punctuation.drop_invisible),
    Rule("emoji", "kaomoji", emoji.remove_kaomoji),
    Rule("emoji", "emoji", emoji.remove_emoji),
    # ":D" and "8)" are options and keys in a question.
    Rule("emoji", "emoticons", emoji.remove_emoticons, ("prose", "talk")),
    Rule("ads_and_links", "promotions", ads.remove_promotions, ("prose", "talk")),
    Rule("personal_data", "emails", personal.mask_emails),
    Rule("ads_and_links", "links", ads.remove_links),
    Rule("personal_data", "id_numbers", personal.mask_id_numbers),
    Rule("personal_data", "phones", personal.mask_phones),
    Rule("personal_data", "accounts", personal.mask_accounts),
    Rule("personal_data", "handles", personal.mask_handles),
    Rule("redundancy", "reference_lists", redundancy.drop_reference_lists, ("prose",)),
    Rule("redundancy", "page_numbers", redundancy.drop_page_numbers, ("prose",)),
    Rule("redundancy", "repeated_lines", redundancy.drop_repeated_lines, ("prose", "talk")),
    Rule("redundancy", "repeated_sentences", redundancy.drop_repeated_sentences, ("prose", "talk")),
    Rule("redundancy", "repeated_characters", redundancy.shorten_repeated_characters, ("prose", "talk")),
    Rule("punctuation", "empty_brackets", punctuation.drop_empty_brackets, ("prose", "talk")),
    Rule("punctuation", "wrapped_lines", punctuation.join_wrapped_lines, ("prose",)),
    Rule("punctuation", "repeated_marks", punctuation.collapse_repeated_marks),
    Rule("punctuation", "quotes", punctuation.unify_quotes),
    Rule("punctuation", "width", punctuation.fix_width),
    Rule("punctuation", "spaces", punctuation.fix_spaces),
)


def apply_rules(text: str, language: Language, kind: TextKind, groups: list[RuleGroup], counts: dict[str, int]) -> str:
    """Runs the rules of `groups` over one text and adds what each changed to `counts`."""
    for rule in RULES:
        if rule.group in groups and kind in rule.kinds:
            text, changes = rule.function(text, language)
            if changes:
                counts[rule.name] = counts.get(rule.name, 0) + changes
    return text.strip()
