"""What a base model must bring along, and where the trained one stops."""

import json

import pytest

pytest.importorskip("transformers")

from transformers import AutoModelForCausalLM

from components.common.errors import UserError
from components.common.training.model import load_tokenizer, stop_tokens
from tests.tiny_model import make_tiny_model


@pytest.fixture
def base(tmp_path):
    return make_tiny_model(tmp_path / "base", ["a few words to learn a vocabulary from"])


def change(base, **values):
    """Changes tokenizer_config.json; None removes a key."""
    path = base / "tokenizer_config.json"
    config = json.loads(path.read_text()) | values
    path.write_text(json.dumps({k: v for k, v in config.items() if v is not None}))


def test_without_padding_token_the_end_token_pads(base):
    change(base, pad_token=None)
    assert load_tokenizer(str(base)).pad_token == "<|im_end|>"


def test_neither_padding_nor_end_token_is_refused(base):
    change(base, pad_token=None, eos_token=None)
    with pytest.raises(UserError, match="neither a padding nor an end token"):
        load_tokenizer(str(base))


def test_a_model_without_tokenizer_is_refused(base):
    for file in base.glob("*token*"):
        file.unlink()
    with pytest.raises(UserError, match="holds no tokenizer that can be read"):
        load_tokenizer(str(base))


def test_no_chat_template_is_refused(base):
    (base / "chat_template.jinja").unlink()
    with pytest.raises(UserError, match="has no chat template: take the instruction-tuned model"):
        load_tokenizer(str(base))


def test_a_template_that_takes_no_system_turn_is_refused(base):
    (base / "chat_template.jinja").write_text("{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}")
    with pytest.raises(UserError, match=r"takes no system, user and assistant turn \(no system role\)"):
        load_tokenizer(str(base))


def test_a_tokenizer_with_tokens_that_the_model_does_not_embed_is_refused(base):
    tokenizer = load_tokenizer(str(base))
    known = len(tokenizer)
    tokenizer.add_tokens(["<added>"])
    tokenizer.save_pretrained(base)
    with pytest.raises(UserError, match=f"has {known + 1} tokens, the model embeds {known}: resize"):
        load_tokenizer(str(base))


@pytest.mark.parametrize(
    ("end", "known", "expected"),
    [
        ("<|im_end|>", 2, [2]),
        ("<|endoftext|>", 0, [0, 2]),  # a base model's end token, with a template that ends turns otherwise
        ("<|im_end|>", [2, 0], [2, 0]),  # Qwen2.5-Instruct lists both
        ("<|im_end|>", None, [2]),
    ],
)
def test_a_reply_ends_where_model_tokenizer_or_template_end_it(base, end, known, expected):
    change(base, eos_token=end)
    model = AutoModelForCausalLM.from_pretrained(base)
    model.generation_config.eos_token_id = known
    assert stop_tokens(load_tokenizer(str(base)), model) == expected
