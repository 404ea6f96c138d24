"""Benchmarks as they are: the project's own samples, and the published files where they are at hand."""

from collections import Counter

import pytest

from components.common.benchmarks import BadRow, BenchmarkItem, load_cases, load_questions
from components.common.storage import PROJECT_ROOT

SHARED = PROJECT_ROOT.parent / "shared" / "bench"
needs_pceb = pytest.mark.skipif(not (SHARED / "pceb").is_dir(), reason="the PCEB files are not beside the project")
needs_cpsyexam = pytest.mark.skipif(not (SHARED / "cpsyexam").is_dir(), reason="the CPsyExam files are not beside the project")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_projects_own_benchmark_has_no_bad_row(language):
    found = list(load_questions("pceb", f"samples://{language}/benchmark", language))
    assert not [f for f in found if isinstance(f, BadRow)]
    assert Counter((f.domain, f.question.kind) for f in found) == {
        ("moral", "single"): 10, ("moral", "multi"): 10, ("theory", "single"): 24, ("theory", "multi"): 16, ("case", "single"): 10, ("case", "multi"): 10,
    }  # fmt: skip
    assert all(f.question.source.startswith("samples://") for f in found)
    assert len(list(load_cases(f"samples://{language}/benchmark", language))) == 4


@needs_pceb
def test_pceb_as_published():
    found = list(load_questions("pceb", str(SHARED / "pceb")))
    counts = Counter((f.domain, f.question.kind) for f in found if isinstance(f, BenchmarkItem))
    assert counts == {
        ("theory", "single"): 241,
        ("theory", "multi"): 192,
        ("moral", "single"): 32,
        ("moral", "multi"): 38,
        ("case", "single"): 165,
        ("case", "multi"): 209,
    }
    assert [f.reason for f in found if isinstance(f, BadRow)] == ["empty_key"]
    assert len(list(load_cases(str(SHARED / "pceb")))) == 16


@needs_cpsyexam
def test_cpsyexam_as_published():
    found = list(load_questions("cpsyexam", str(SHARED / "cpsyexam" / "train")))
    assert len(found) == 9855
    reasons = Counter(f.reason for f in found if isinstance(f, BadRow))
    assert reasons == {"malformed_key": 125, "single_letter_multi": 135, "key_not_offered": 10}
