"""The one client for OpenAI-compatible LLM endpoints that every stage uses."""

from components.common.llm.checkpoint import checkpoint_path
from components.common.llm.client import LLM
from components.common.llm.ordered import ask_all
from components.common.llm.request import Chat, LLMError, Reply
from components.common.llm.settings import LLMSettings

__all__ = ["LLM", "Chat", "LLMError", "LLMSettings", "Reply", "ask_all", "checkpoint_path"]
