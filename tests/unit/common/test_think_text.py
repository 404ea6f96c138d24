"""The reasoning parser that vLLM loads: on its own with a stand-in for vLLM, and in a real vLLM where there is one."""

import importlib.util
import os
import random
import subprocess
import sys
import types
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.common.serving import VLLMSettings, reasoning_plugin, vllm_command
from components.common.storage import PROJECT_ROOT

PLUGIN = reasoning_plugin("think_text")


class Delta:
    def __init__(self, reasoning=None, content=None):
        self.reasoning, self.content = reasoning, content


class Base:
    def __init__(self, tokenizer, *args, **kwargs):
        self.model_tokenizer = tokenizer


class Characters:
    """A tokenizer whose tokens are characters."""

    def decode(self, ids):
        return "".join(map(chr, ids))


@pytest.fixture(scope="module")
def plugin():
    modules = {name: types.ModuleType(name) for name in ("vllm", "vllm.reasoning", "vllm.reasoning.basic_parsers")}
    registered = {}
    manager = types.SimpleNamespace(register_module=lambda name, module: registered.update({name: module}))
    modules["vllm.reasoning"].ReasoningParser, modules["vllm.reasoning"].ReasoningParserManager = Base, manager
    modules["vllm.reasoning.basic_parsers"].DeltaMessage = Delta
    with pytest.MonkeyPatch.context() as patch:
        for name, module in modules.items():
            patch.setitem(sys.modules, name, module)
        spec = importlib.util.spec_from_file_location("think_text", PLUGIN)
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
    assert registered == {"think_text": loaded.ThinkTextParser}
    return loaded


CASES = {
    "thought": ("<think>because</think>A", ("because", "A")),
    "blank before": ("\n <think>because</think>A", ("because", "A")),
    "no thought": ("A", ("", "A")),
    "empty": ("", ("", "")),
    "never closed": ("<think>because", ("because", "")),
    "closed only": ("because</think>A", ("", "because</think>A")),
    "tag inside the answer": ("<think>x</think>use <think> tags", ("x", "use <think> tags")),
    "tag later on": ("I write <think>x</think>", ("", "I write <think>x</think>")),
    "almost a tag": ("<thin ice", ("", "<thin ice")),
    "second block": ("<think>a</think>b<think>c</think>d", ("a", "b<think>c</think>d")),
}


@pytest.mark.parametrize("name", CASES)
def test_complete_replies(plugin, name):
    text, expected = CASES[name]
    assert plugin.split_think(text, complete=True) == expected
    parsed = plugin.ThinkTextParser(None).extract_reasoning(text, None)
    assert parsed == tuple(part or None for part in expected)


class Opening(Characters):
    """A tokenizer whose chat template opens the think block unless a request says otherwise, as Qwen3's newer ones do."""

    chat_template = "{{ messages }}<think>"

    def apply_chat_template(self, messages, enable_thinking=True, **options):
        assert options["add_generation_prompt"]
        assert not options["tokenize"]
        assert messages[-1]["role"] == "user"
        return "<|assistant|><think>\n" + ("" if enable_thinking else "\n</think>\n\n")


OPENED = {
    "closed": ("because</think>A", ("because", "A")),
    "the tag again": ("<think>because</think>A", ("because", "A")),
    "never closed": ("because", ("because", "")),
    "speaks of tags": ("a <think> b</think>A", ("a <think> b", "A")),
    "almost a tag": ("<thin ice</think>A", ("<thin ice", "A")),
}


@pytest.mark.parametrize("name", OPENED)
def test_what_the_chat_template_has_opened_is_reasoning(plugin, name):
    text, expected = OPENED[name]
    assert plugin.ThinkTextParser(Opening()).extract_reasoning(text, None) == tuple(part or None for part in expected)
    for seed in range(20):
        assert stream(plugin, cut(text, seed), plugin.ThinkTextParser(Opening())) == expected


def test_a_request_that_switches_thinking_off_gets_an_answer(plugin):
    parser = plugin.ThinkTextParser(Opening(), chat_template_kwargs={"enable_thinking": False})
    assert parser.extract_reasoning("A", None) == (None, "A")


def stream(plugin, pieces, parser=None):
    """Returns what a client has got in the end."""
    parser = parser or plugin.ThinkTextParser(Characters())
    text, reasoning, content = "", "", ""
    for piece in pieces:
        delta = parser.extract_reasoning_streaming(text, text + piece, piece, [], [], [])
        text += piece
        if delta:
            reasoning += delta.reasoning or ""
            content += delta.content or ""
    return reasoning, content


def cut(text, seed):
    draw, pieces = random.Random(seed), []
    while text:
        n = draw.randint(1, 9)
        pieces.append(text[:n])
        text = text[n:]
    return pieces


@given(st.sampled_from(sorted(CASES)), st.integers())
def test_streams_say_the_same_wherever_they_are_cut(plugin, name, seed):
    text, expected = CASES[name]
    assert stream(plugin, cut(text, seed)) == expected


@given(st.text(alphabet="<>/think abA\n", max_size=60), st.integers())
def test_streams_hide_no_text_and_show_no_tag_early(plugin, text, seed):
    reasoning, content = plugin.split_think(text, complete=True)
    got_reasoning, got_content = stream(plugin, cut(text, seed))
    assert content.startswith(got_content)
    assert reasoning.startswith(got_reasoning)
    # At the very end a stream may hold back what looked like the beginning of a tag.
    assert len(reasoning) - len(got_reasoning) < len("</think>")
    assert content == got_content or "<think>".startswith(content.lstrip())


def test_end_of_reasoning_is_seen_in_the_newest_tokens_only(plugin):
    parser = plugin.ThinkTextParser(Characters())
    prompt = [ord(c) for c in "Write <think>...</think> and then the answer. Question?"]
    assert not parser.is_reasoning_end(prompt), "a prompt that speaks of the tags must not switch the parser off"
    said = [ord(c) for c in "<think>x</think>"]
    assert parser.is_reasoning_end_streaming(prompt + said, said[-1:])
    assert not parser.is_reasoning_end_streaming(prompt + said[:-1], said[-2:-1])


@pytest.mark.parametrize(("parser", "plugin_given"), [("think_text", True), ("qwen3", False), ("", False)])
def test_server_gets_the_plugin_that_it_needs(parser, plugin_given, tmp_path):
    command = vllm_command(tmp_path, "m", 1, VLLMSettings(reasoning_parser=parser))
    assert ("--reasoning-parser" in command) is bool(parser)
    assert ("--reasoning-parser-plugin" in command) is plugin_given
    assert str(PLUGIN) in command or not plugin_given


# `make setup` makes the second one.
VLLM_PYTHON = os.environ.get("PSYCHE_VLLM_PYTHON") or str(PROJECT_ROOT / ".venv" / "bin" / "vllm-python")


@pytest.mark.slow
@pytest.mark.skipif(not Path(VLLM_PYTHON).exists(), reason=f"no interpreter with vLLM at {VLLM_PYTHON}: set PSYCHE_VLLM_PYTHON")
def test_real_vllm_loads_it():
    code = (
        "import sys; from vllm.reasoning import ReasoningParserManager as M;"
        f"M.import_reasoning_parser({str(PLUGIN)!r});"
        "P = M.get_reasoning_parser('think_text'); p = P(None);"
        "print(p.extract_reasoning('<think>x</think>A', None));"
        "d = p.extract_reasoning_streaming('<think>x</think>', '<think>x</think>A', 'A', [], [], []); print(d.content, d.reasoning)"
    )
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([VLLM_PYTHON, "-c", code], capture_output=True, text=True, env=env, timeout=200)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-2:] == ["('x', 'A')", "A None"]
