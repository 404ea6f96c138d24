"""The dense head must give what TRL's chunked head gives: values, statistics and gradients."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

from trl.kernels import ChunkedLogProbFunction  # noqa: E402

from components.common.training.cpu_head import DenseLogProb  # noqa: E402

OUTPUTS = ("log_probs", "entropy", "log_sum_sq_probs", "mean_logits", "is_top1")


@pytest.mark.parametrize(
    ("temperature", "softcap", "scale", "bias"),
    [(1.0, None, 1.0, False), (0.7, None, 1.0, True), (1.3, 5.0, 1.0, False), (1.0, None, 0.5, False), (0.7, 5.0, 2.0, True)],
)
def test_equals_trls_head_in_value_and_gradient(temperature, softcap, scale, bias):
    torch.manual_seed(0)
    results = []
    targets = torch.randint(0, 50, (11,))
    hidden, weight, offset = torch.randn(11, 8), torch.randn(50, 8), torch.randn(50) if bias else None
    for head in (ChunkedLogProbFunction, DenseLogProb):
        h, w = hidden.clone().requires_grad_(), weight.clone().requires_grad_()
        log_probs, *statistics = head.apply(h, w, offset, targets, temperature, 16, softcap, scale, OUTPUTS)
        (log_probs * torch.linspace(-1, 1, 11)).sum().backward()
        results.append([log_probs.detach(), *(s.detach().float() for s in statistics), h.grad, w.grad])
    for theirs, ours in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


def test_computes_only_what_is_asked_for():
    result = DenseLogProb.apply(
        torch.randn(3, 4), torch.randn(9, 4), None, torch.tensor([1, 2, 3]), 1.0, 16, None, 1.0, ("log_probs", "is_top1")
    )
    assert [r is None for r in result] == [False, True, True, True, False]
