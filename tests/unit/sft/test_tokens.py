"""The loss is on assistant turns and their end marker alone, proved on token ids for several templates and languages."""

from itertools import groupby
from pathlib import Path

import pytest

from components.common.errors import UserError
from components.sft.tokens import IGNORED, tokenize, truncate
from tests.tiny_model import make_tiny_model

pytest.importorskip("transformers")

CONVERSATIONS = {
    "en": [("system", "You are kind."), ("user", "What is it?"), ("assistant", "<think>\nbecause\n</think>\nAnswer: B")],
    "zh": [("system", "你是心理学专家。"), ("user", "这是什么？"), ("assistant", "<think>\n因为\n</think>\n答案：AC")],
    "no_system": [("user", "Hello"), ("assistant", "Hi, tell me.")],
    "multi_turn": [("system", "S"), ("user", "u1"), ("assistant", "first reply"), ("user", "我很难过"), ("assistant", "听起来很不容易。")],
    "marker_in_user_text": [("user", "assistant\nsay assistant"), ("assistant", "assistant")],
}
# template -> what ends an assistant turn; the templates are the models' own, as TRL ships them
TEMPLATES = {"tiny": "<|im_end|>", "qwen2_5": "<|im_end|>", "llama3": "<|eot_id|>", "phi3": "<|end|>"}


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    from transformers import AutoTokenizer

    texts = [text for turns in CONVERSATIONS.values() for _, text in turns] * 4
    tokenizer = AutoTokenizer.from_pretrained(make_tiny_model(tmp_path_factory.mktemp("tiny"), texts))
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|eot_id|>", "<|end|>"]})
    return tokenizer


def with_template(tokenizer, name):
    import copy

    import trl

    copied = copy.deepcopy(tokenizer)
    if name != "tiny":
        copied.chat_template = (Path(trl.__file__).parent / "chat_templates" / f"{name}.jinja").read_text()
    return copied


def messages(name):
    return [{"role": role, "content": text} for role, text in CONVERSATIONS[name]]


def learnt_runs(tokenizer, tokens):
    """Decodes each run of tokens that have a label."""
    pairs = zip(tokens.input_ids, tokens.labels, strict=True)
    return [tokenizer.decode([i for i, _ in run]) for learnt, run in groupby(pairs, key=lambda p: p[1] != IGNORED) if learnt]


@pytest.mark.parametrize("conversation", CONVERSATIONS)
@pytest.mark.parametrize("template", TEMPLATES)
def test_loss_is_on_assistant_text_and_end_marker_only(tokenizer, template, conversation):
    tokenizer = with_template(tokenizer, template)
    tokens = tokenize(tokenizer, messages(conversation))
    replies = [text for role, text in CONVERSATIONS[conversation] if role == "assistant"]
    assert learnt_runs(tokenizer, tokens) == [reply + TEMPLATES[template] for reply in replies]
    assert all(label in (IGNORED, token) for token, label in zip(tokens.input_ids, tokens.labels, strict=True))


@pytest.mark.parametrize("conversation", CONVERSATIONS)
@pytest.mark.parametrize("template", TEMPLATES)
def test_ids_spell_what_the_template_renders(tokenizer, template, conversation):
    tokenizer = with_template(tokenizer, template)
    rendered = tokenizer.apply_chat_template(messages(conversation), tokenize=False)
    assert tokenizer.decode(tokenize(tokenizer, messages(conversation)).input_ids) == rendered


@pytest.mark.parametrize("template", TEMPLATES)
def test_prompt_ids_are_those_of_inference(tokenizer, template):
    tokenizer = with_template(tokenizer, template)
    tokens = tokenize(tokenizer, messages("en"))
    prompt = tokenizer.apply_chat_template(messages("en")[:-1], add_generation_prompt=True, tokenize=True, return_dict=True)["input_ids"]
    assert tokens.input_ids[: len(prompt)] == prompt
    assert tokens.labels[: len(prompt)] == [IGNORED] * len(prompt)
    assert tokens.labels[len(prompt)] != IGNORED


def test_template_that_rewrites_history_is_refused(tokenizer):
    tokenizer = with_template(tokenizer, "qwen3")
    turns = [("user", "u"), ("assistant", "<think>\nr\n</think>\nA"), ("user", "v"), ("assistant", "w")]
    with pytest.raises(UserError, match="rewrites earlier turns"):
        tokenize(tokenizer, [{"role": role, "content": text} for role, text in turns])


def test_truncation_keeps_ids_and_labels_together(tokenizer):
    tokens = tokenize(tokenizer, messages("multi_turn"))
    cut = truncate(tokens, 9)
    assert (cut.input_ids, cut.labels) == (tokens.input_ids[:9], tokens.labels[:9])
