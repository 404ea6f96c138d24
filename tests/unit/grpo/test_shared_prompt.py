"""Groups that share their prompt give what separate rows give: samples, log-probabilities, entropies, gradients."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

from transformers import LlamaConfig, LlamaForCausalLM  # noqa: E402
from trl.trainer.utils import add_fused_lm_head  # noqa: E402

from components.grpo.shared_prompt import distinct, group_rows, prefill_once, score  # noqa: E402

PROMPTS = [[5, 6, 7, 8], [9, 10], [5, 6, 7, 8], [9, 10], [11, 12, 13]]  # groups cut and mixed, as TRL's shuffled batches are
COMPLETIONS = [[20, 21, 22], [23], [24, 25, 26, 27, 28], [29, 30], [31, 20]]


def padded(rows, left):
    length = max(map(len, rows))
    pads = [[0] * (length - len(row)) for row in rows]
    ids = [pad + row if left else row + pad for row, pad in zip(rows, pads, strict=True)]
    ones = [[1] * len(row) for row in rows]
    masks = [pad + one if left else one + pad for one, pad in zip(ones, pads, strict=True)]
    return torch.tensor(ids), torch.tensor(masks)


@pytest.fixture
def model():
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=32, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        pad_token_id=0, eos_token_id=1,
    )  # fmt: skip
    return LlamaForCausalLM(config).eval()


def separate(model, prompt_ids, prompt_mask, completion_ids, completion_mask):
    """Scores every completion in a row of its own, as TRL does."""
    ids, mask = torch.cat([prompt_ids, completion_ids], 1), torch.cat([prompt_mask, completion_mask], 1)
    labels = ids.masked_fill(mask == 0, -100)
    labels[:, : prompt_ids.size(1)] = -100
    out = model(input_ids=ids, attention_mask=mask, labels=labels, fused_lm_head=True)
    return out.log_probs[:, -completion_ids.size(1) :], out.entropy[:, -completion_ids.size(1) :]


def test_scores_and_gradients_are_those_of_separate_rows(model):
    add_fused_lm_head(model, outputs=("log_probs", "entropy"))
    batch = (*padded(PROMPTS, left=True), *padded(COMPLETIONS, left=False))
    results = []
    for way in (separate, score):
        model.zero_grad()
        log_probs, entropy = way(model, *batch)
        (log_probs * torch.linspace(-1, 1, log_probs.numel()).view_as(log_probs)).sum().backward()
        results.append([log_probs.detach(), entropy.detach(), *(p.grad.clone() for p in model.parameters())])
    for alone, shared in zip(*results, strict=True):
        torch.testing.assert_close(shared, alone, atol=1e-5, rtol=1e-4)
    assert (results[0][0] != 0).sum() == sum(map(len, COMPLETIONS))


def test_scores_do_not_depend_on_the_order_of_the_batch(model):
    add_fused_lm_head(model.bfloat16(), outputs=("log_probs", "entropy"))
    batch = (*padded(PROMPTS, left=True), *padded(COMPLETIONS, left=False))
    order = [3, 0, 4, 2, 1]
    with torch.no_grad():
        straight, shuffled = score(model, *batch), score(model, *(tensor[order] for tensor in batch))
    for one, other in zip(straight, shuffled, strict=True):
        assert torch.equal(one[order], other)


def test_reference_model_gives_no_entropy(model):
    add_fused_lm_head(model, outputs=("log_probs",))
    assert score(model, *padded(PROMPTS, left=True), *padded(COMPLETIONS, left=False))[1] is None


def test_a_prompt_is_read_once():
    rows = group_rows(*padded(PROMPTS, left=True), *padded(COMPLETIONS, left=False))
    assert rows.input_ids.shape == (3, 3 + 3 + 5)  # longest group: prompt without its last token, and its two completions


def test_greedy_samples_are_those_of_separate_prompts(model):
    ids, mask = padded(PROMPTS, left=True)
    options = {"max_new_tokens": 12, "do_sample": False}
    alone = model.generate(input_ids=ids, attention_mask=mask, **options)
    assert prefill_once(model)(input_ids=ids, attention_mask=mask, **options).tolist() == alone.tolist()
    assert len({tuple(row) for row in alone.tolist()}) == 3


def test_distinct_names_first_places_and_members():
    assert distinct(torch.tensor([[1, 2], [3, 4], [1, 2], [3, 4]])) == ([0, 1], [0, 1, 0, 1])
