"""`psyche serve` tells the guard when a chat template begins the think block."""

import json

import pytest

from components.common.errors import UserError
from pipelines import serve
from pipelines.chat_template import opens_thinking

TURNS = "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
OPENS = TURNS + "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n<think>\n' }}{% endif %}"
SWITCH = TURNS + (
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}"
    "{% if enable_thinking is defined and not enable_thinking %}{{ '<think>\n\n</think>\n\n' }}{% endif %}{% endif %}"
)
STRIPS = "{{ bos_token }}{% for m in messages %}{{ m.content.split('<think>')[-1] }}{% endfor %}A:"
TRAINING = OPENS.replace("{{ m.content }}", "{% generation %}{{ m.content }}{% endgeneration %}")
CASES = [(OPENS, True), (TRAINING, True), (TURNS + "<thinking>", True), (SWITCH, False), (STRIPS, False), (TURNS, False)]


@pytest.mark.parametrize(("template", "opens"), CASES)
@pytest.mark.parametrize("where", ["chat_template.jinja", "chat_template.json", "tokenizer_config.json", "named"])
def test_who_opens_the_block(tmp_path, template, opens, where):
    tokens = {"bos_token": {"content": "<s>"}, "pad_token": None}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(tokens))
    if where == "chat_template.jinja":
        (tmp_path / where).write_text(template)
    elif where == "named":
        both = [{"name": "tool_use", "template": "x"}, {"name": "default", "template": template}]
        (tmp_path / "tokenizer_config.json").write_text(json.dumps({**tokens, "chat_template": both}))
    else:
        (tmp_path / where).write_text(json.dumps({**tokens, "chat_template": template}))
    assert opens_thinking(tmp_path) is opens


def test_a_model_without_a_template(tmp_path):
    assert not opens_thinking(tmp_path)


@pytest.mark.parametrize("template", ["<think>{% if %}", "<think>{{ 1 + 'a' }}"])
def test_a_broken_template_is_one_sentence(tmp_path, template):
    (tmp_path / "chat_template.jinja").write_text(template)
    with pytest.raises(UserError, match=r"chat template of .* cannot be read"):
        opens_thinking(tmp_path)


@pytest.mark.parametrize(("template", "expected"), [(OPENS, "true"), (SWITCH, None)])
def test_psyche_serve_tells_the_guard(tmp_path, monkeypatch, template, expected):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "chat_template.jinja").write_text(template)
    seen = {}

    def start(uri, name, settings, folder, port):
        seen.update(settings.guard_env)
        raise KeyboardInterrupt

    monkeypatch.setattr(serve, "serve_locally", start)
    monkeypatch.setattr(serve.local, "vllm_python", lambda: "python")
    for name in ("PSYCHE_VLLM_PYTHON", "PSYCHE_RUN_DIR", "PSYCHE_OWNER_PID"):
        monkeypatch.setenv(name, "")
    serve.serve_model(str(tmp_path), None, tmp_path / "runs", 64, False)
    assert seen.get("PSYCHE_GUARD_THINK_OPEN") == expected
