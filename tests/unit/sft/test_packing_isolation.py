"""Packed samples do not see each other: every token's loss is the one it has alone in its row."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

from datasets import Dataset  # noqa: E402
from transformers import LlamaConfig, LlamaForCausalLM  # noqa: E402
from trl import pack_dataset  # noqa: E402
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling  # noqa: E402

SAMPLES = [[5, 6, 7, 8, 9], [10, 11, 12], [13, 14, 15, 16], [17, 18]]


def losses(model, batch):
    """Returns {label token: loss} of a batch of rows."""
    labels = batch.pop("labels")
    logits = model(**{k: v for k, v in batch.items() if k in ("input_ids", "position_ids")}, use_cache=False).logits
    picked = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), reduction="none", ignore_index=-100)
    return {int(token): float(loss) for token, loss in zip(labels[:, 1:].flatten(), picked, strict=True) if token != -100}


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_packed_losses_equal_separate_losses(attention):
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=32, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, attn_implementation=attention
    )
    model = LlamaForCausalLM(config).eval()
    rows = pack_dataset(Dataset.from_dict({"input_ids": SAMPLES, "labels": SAMPLES}), 16, "bfd")
    assert len(rows) == 1  # all four samples share one row, or this test would prove nothing
    with torch.no_grad():
        packed = losses(model, DataCollatorForLanguageModeling(pad_token_id=0, padding_free=True)(list(rows)))
        alone = {}
        for sample in SAMPLES:
            alone |= losses(model, {"input_ids": torch.tensor([sample]), "labels": torch.tensor([sample])})
    assert packed == pytest.approx(alone, abs=1e-5)
    assert set(packed) == {token for sample in SAMPLES for token in sample[1:]}  # no loss across a border
