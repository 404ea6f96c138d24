"""Many wordings of what a reply must not say, and the harmless sentences that resemble them: tests/data/reply_wording.yaml."""

from pathlib import Path

import pytest
import yaml

from components.guard.output import find_violations
from components.guard.output_stream import OutputFilter

WORDINGS = yaml.safe_load((Path(__file__).parents[2] / "data" / "reply_wording.yaml").read_text(encoding="utf-8"))
FORBIDDEN = [(kind, text) for kind in ("diagnosis", "medication", "method") for text in WORDINGS[kind]]


@pytest.mark.parametrize(("kind", "text"), FORBIDDEN)
def test_forbidden(kind, text):
    assert kind in {violation.kind for violation in find_violations(text)}


@pytest.mark.parametrize("text", WORDINGS["harmless"])
def test_harmless(text):
    assert find_violations(text) == []


@pytest.mark.parametrize("size", [1, 4])
def test_streams_are_judged_alike(size):
    for text in [text for _, text in FORBIDDEN] + WORDINGS["harmless"]:
        output = OutputFilter()
        for start in range(0, len(text), size):
            output.feed(text[start : start + size])
        output.finish()
        found = find_violations(text)
        assert (output.kind, output.cut_at) == ((found[0].kind, found[0].start) if found else (None, None)), text
