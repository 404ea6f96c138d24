"""The data card beside every dataset: Markdown with the metadata header that the Hugging Face hub reads, and two plots."""

from components.common.cards.card import write_card
from components.common.cards.profile import Profile

__all__ = ["Profile", "write_card"]
