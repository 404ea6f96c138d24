"""BERTScore against a plain calculation on a tiny encoder with random weights."""

import math

import pytest
import torch

from components.evaluation.bertscore import Encoder, f1
from components.evaluation.settings import BertScoreSettings


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("bert")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefgh", "cat", "dog", "心", "理"]
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, max_position_embeddings=12
    )
    BertModel(config).save_pretrained(folder)
    BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    return Encoder(BertScoreSettings(model=str(folder)))


def plain(answer, reference):
    """Precision and recall by loops over tokens."""

    def best(rows, columns):
        return sum(max(sum(x * y for x, y in zip(r, c, strict=True)) for c in columns) for r in rows) / len(rows)

    a, b = answer.tolist(), reference.tolist()
    precision, recall = best(a, b), best(b, a)
    return 2 * precision * recall / (precision + recall)


@pytest.mark.parametrize(("answer", "reference"), [("cat dog", "dog cat a"), ("a b c", "d e"), ("心 理", "理 cat"), ("a", "a a a a")])
def test_f1_agrees_with_loops(encoder, answer, reference):
    first, second = encoder.embed([answer])[0], encoder.embed([reference])[0]
    assert f1(first, second) == pytest.approx(plain(first, second), abs=1e-6)


def test_equal_texts_score_1_and_empty_ones_0(encoder):
    same = encoder.embed(["cat dog a"])[0]
    assert f1(same, same) == pytest.approx(1.0, abs=1e-6)
    assert f1(encoder.embed([""])[0], same) == 0.0


def test_a_tokenizer_that_takes_less_than_the_encoder_has_positions_is_heeded(encoder, monkeypatch):
    monkeypatch.setattr(encoder.tokenizer, "model_max_length", 8)  # RoBERTa: 512 of 514 positions
    assert encoder.embed(["a " * 50])[0].shape[0] == 6


def test_padding_special_tokens_and_length_do_not_matter(encoder):
    alone = encoder.embed(["cat dog"])[0]
    padded = encoder.embed(["cat dog", "a b c d e f g h"])[0]
    assert alone.shape == padded.shape == (2, 16)
    assert torch.allclose(alone, padded, atol=1e-5)
    assert encoder.embed(["a " * 50])[0].shape[0] == 10  # cut at the encoder's 12 positions, two of them special
    assert math.isclose(float(alone[0].norm()), 1.0, abs_tol=1e-5)
