"""Adapters end up in the saved weights: the merged model answers as base and adapters together do."""

import pytest

torch = pytest.importorskip("torch")
peft = pytest.importorskip("peft")

from components.common.training.model import lora_config  # noqa: E402
from components.common.training.save import merge_adapters  # noqa: E402
from components.common.training.settings import TuningSettings  # noqa: E402


@pytest.mark.parametrize("tied", [True, False])
def test_the_merged_model_is_base_and_adapters(tmp_path, tied):
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
    LlamaForCausalLM(LlamaConfig(vocab_size=100, tie_word_embeddings=tied, **sizes)).save_pretrained(tmp_path)
    base = LlamaForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    trained = peft.get_peft_model(base, lora_config(TuningSettings(method="lora", lora_rank=4, lora_alpha=8)))
    for name, weight in trained.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.05)  # new adapters change nothing
    ids = torch.arange(40).view(2, 20)
    with torch.no_grad():
        expected = trained.eval()(ids).logits
        with trained.disable_adapter():
            untrained = trained(ids).logits
        merged = merge_adapters(trained, trained.state_dict(), str(tmp_path))
        assert {p.dtype for p in merged.parameters()} == {torch.bfloat16}
        found = merged.float().eval()(ids).logits
    assert (found - expected).abs().max() < 0.01 < 0.1 < (expected - untrained).abs().max()
