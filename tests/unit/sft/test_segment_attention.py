"""Attention by segments gives what PyTorch's fused attention gives each sample alone: values and gradients."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from transformers import LlamaConfig, LlamaForCausalLM  # noqa: E402

from components.sft import segment_attention  # noqa: E402
from components.sft.segment_attention import use_segments  # noqa: E402

SAMPLES = [[5, 6, 7, 8, 9], [10, 11, 12], [13], [14, 15, 16, 17]]


def model():
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=32, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2
    )
    return LlamaForCausalLM(config)


def gradients(net, rows):
    """Returns the logits of all tokens, and the gradients of their weighted sum."""
    logits = torch.cat([net(**row, use_cache=False).logits[0] for row in rows])
    (logits * torch.linspace(-1, 1, logits.numel()).view_as(logits)).sum().backward()
    return [logits.detach(), *(p.grad for p in net.parameters())]


@pytest.mark.parametrize("longest_plain", [512, 3])
def test_samples_in_a_row_are_the_samples_alone(monkeypatch, longest_plain):
    monkeypatch.setattr(segment_attention, "LONGEST_PLAIN", longest_plain)
    alone = gradients(model(), [{"input_ids": torch.tensor([s])} for s in SAMPLES])
    positions = torch.cat([torch.arange(len(s)) for s in SAMPLES])[None]
    net = model()
    use_segments(net)
    together = gradients(net, [{"input_ids": torch.tensor([[token for sample in SAMPLES for token in sample]]), "position_ids": positions}])
    for one, other in zip(alone, together, strict=True):
        torch.testing.assert_close(other, one, atol=1e-5, rtol=1e-4)


def test_saved_configuration_does_not_know_it(tmp_path):
    net = model()
    use_segments(net)
    net.save_pretrained(tmp_path)
    assert segment_attention.NAME not in (tmp_path / "config.json").read_text()
