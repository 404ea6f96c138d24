"""The chat client against a stub endpoint that replays server-sent events."""

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from components.common.errors import UserError
from pipelines.chat import Conversation, Screen, ask, command, converse, local_endpoints, open_conversation
from pipelines.chat_stream import Piece, ThinkSplitter, Timing, stream_chat
from tests.unit.pipelines.endpoint_stub import DONE, event, running_stub


@pytest.fixture
def stub():
    with running_stub() as stub:
        yield stub


@pytest.fixture
def show():
    return recording(False)


def recording(show_reasoning: bool) -> Screen:
    return Screen(
        Console(record=True, width=200, file=open("/dev/null", "w")),
        Console(record=True, width=200, file=open("/dev/null", "w")),
        show_reasoning,
    )


def test_a_reply_is_streamed_and_both_turns_are_kept(stub, show):
    talk = Conversation(stub.url, "psyche")
    assert ask(talk, "hi", show) == "Hello there"
    assert talk.turns == [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "Hello there"}]
    assert show.answer.export_text() == "Hello there\n"
    assert "2 tokens" in show.notes.export_text()
    sent = stub.requests[0]
    assert (sent["model"], sent["temperature"], sent["top_p"], sent["max_tokens"]) == ("psyche", 0.7, 0.9, 2048)
    assert sent["stream"] is True


def test_the_second_turn_carries_the_first_and_the_system_prompt_but_no_reasoning(stub, show):
    stub.script = [event(reasoning_content="secret thought"), event(content="Yes."), DONE]
    talk = Conversation(stub.url, "psyche", system="Be kind.")
    ask(talk, "one", show)
    ask(talk, "two", show)
    assert stub.requests[1]["messages"] == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": "two"},
    ]
    assert talk.turns[1]["reasoning_content"] == "secret thought"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_prefix_goes_before_every_user_turn_and_not_into_the_saved_ones(stub, show, language):
    talk = Conversation(stub.url, "psyche", prefix=True, language=language)
    ask(talk, "one", show)
    ask(talk, "two", show)
    user = [m["content"] for m in stub.requests[1]["messages"] if m["role"] == "user"]
    assert [u.rsplit("\n", 1)[1] for u in user] == ["one", "two"]
    assert all("<think>" in u and "</think>" in u for u in user)
    assert [t["content"] for t in talk.turns if t["role"] == "user"] == ["one", "two"]


@pytest.mark.parametrize(
    "script",
    [
        [event(reasoning_content="I weigh it."), event(content="B")],
        [event(reasoning="I weigh it."), event(content="B")],
        [event(content="<think>I wei"), event(content="gh it.</think>\n\nB")],
        [event(content="<thi"), event(content="nk>I weigh it.</th"), event(content="ink>B")],
    ],
    ids=["reasoning_content", "reasoning", "think tags", "tags cut by chunks"],
)
def test_reasoning_is_folded_to_one_line_unless_wanted(stub, script):
    stub.script = [*script, DONE]
    folded, open_screen = recording(False), recording(True)
    for show in (folded, open_screen):
        assert ask(Conversation(stub.url, "psyche"), "?", show) == "B"
        assert show.answer.export_text().strip() == "B"
    notes = folded.notes.export_text()
    assert "I weigh it." not in notes
    assert "thought: 11 characters" in notes
    assert "I weigh it." in open_screen.notes.export_text()


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ([event(content="Hel")], "broke off the reply"),
        ([event(content="Hel"), "data: {broken\n\n", DONE], "broke off the reply"),
        ([event(content="Hel"), 'data: {"error": {"message": "upstream went away"}}\n\n', DONE], "upstream went away"),
    ],
    ids=["cut", "no JSON", "error event"],
)
def test_a_broken_stream_is_one_sentence_and_the_conversation_stays_as_it_was(stub, show, script, sentence):
    stub.script = script
    talk = Conversation(stub.url, "psyche")
    with pytest.raises(UserError, match=sentence):
        ask(talk, "hi", show)
    assert talk.turns == []
    assert show.answer.export_text() == "Hel\n"  # the error begins a line of its own


@pytest.mark.parametrize(("status", "fix"), [(400, "/new"), (401, "PSYCHE_API_KEY"), (503, "server's log")])
def test_a_refusal_quotes_the_server_and_names_the_fix(stub, show, status, fix):
    stub.status = status
    with pytest.raises(UserError, match=f"{status}.*too long.*{fix}"):
        ask(Conversation(stub.url, "psyche"), "hi", show)


def test_the_key_of_the_environment_is_sent(stub, show, monkeypatch):
    monkeypatch.setenv("PSYCHE_API_KEY", "k1\n")  # as read from a file; urllib refuses it, and would quote it
    ask(Conversation(stub.url, "psyche"), "hi", show)
    assert stub.headers[0]["Authorization"] == "Bearer k1"


def test_an_event_may_say_that_it_has_no_choices(stub, show):
    stub.script = [event(content="Hello"), 'data: {"choices": null, "usage": {"completion_tokens": 1}}\n\n', DONE]
    assert ask(Conversation(stub.url, "psyche"), "hi", show) == "Hello"


def test_a_reply_without_answer_is_not_kept(stub, show):
    stub.script = [event(content="<think>never closed"), DONE]
    talk = Conversation(stub.url, "psyche")
    assert ask(talk, "hi", show) == ""
    assert talk.turns == []


def test_the_first_model_is_taken_and_an_unknown_one_refused(stub, tmp_path):
    assert open_conversation(stub.url + "/", "", tmp_path).model == "psyche"
    assert open_conversation(stub.url, "base", tmp_path).model == "base"
    with pytest.raises(UserError, match=r"does not serve nope \(it has: psyche, base\)"):
        open_conversation(stub.url, "nope", tmp_path)


def test_nothing_at_the_url_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match=r"Nothing answers at http://127.0.0.1:9/v1/models .*psyche serve MODEL"):
        open_conversation("http://127.0.0.1:9/v1", "", tmp_path)


def lines(*typed):
    typed = iter(typed)

    def read(prompt):
        try:
            return next(typed)
        except StopIteration:
            raise EOFError from None

    return read


def test_a_session_with_commands(stub, show, tmp_path):
    talk, file = Conversation(stub.url, "psyche"), tmp_path / "talk.json"
    converse(talk, show, lines("/help", "/system Be brief.", "hi", "", "/nonsense", f"/save {file}", "/new", "again", "/quit", "never"))
    saved = json.loads(file.read_text())
    assert saved["model"] == "psyche"
    assert [m["role"] for m in saved["messages"]] == ["system", "user", "assistant"]
    assert [m["content"] for m in stub.requests[1]["messages"]] == ["Be brief.", "again"]
    notes = show.notes.export_text()
    assert "/save FILE" in notes
    assert "error: '/nonsense' is no command" in notes
    assert len(stub.requests) == 2


def test_a_failed_turn_does_not_end_the_session(stub, show):
    stub.status = 503
    converse(Conversation(stub.url, "psyche"), show, lines("hi", "hi again"))
    assert show.notes.export_text().count("error: ") == 2


def test_save_to_a_place_that_is_none(tmp_path):
    with pytest.raises(UserError, match="cannot be written"):
        command(Conversation("http://x/v1", "m"), f"/save {tmp_path / 'no' / 'such' / 'file'}")


def test_ctrl_c_ends_the_reply_and_closes_the_connection(stub, show, monkeypatch):
    stub.script = [event(content="part"), event(content="never shown"), DONE]
    real = show.answer.print

    def print_then_interrupt(*args, **kwargs):
        real(*args, **kwargs)
        if args and args[0] == "part":
            raise KeyboardInterrupt

    monkeypatch.setattr(show.answer, "print", print_then_interrupt)
    talk = Conversation(stub.url, "psyche")
    ask(talk, "hi", show)
    assert "never shown" not in show.answer.export_text()
    assert [t["content"] for t in talk.turns] == ["hi", "part"]


def test_timing_is_of_tokens_where_the_endpoint_counts_them_else_of_characters(stub):
    timing = Timing()
    list(stream_chat(stub.url, {"model": "psyche", "messages": []}, timing))
    assert (timing.tokens, timing.characters) == (2, len("Hello there"))
    assert stub.requests[0]["stream_options"] == {"include_usage": True}
    assert Timing(first=0.5, last=2.5, characters=200, tokens=41).summary() == "first token 0.50 s, 20.0 tokens/s, 41 tokens"
    assert Timing(first=0.5, last=2.5, characters=201).summary() == "first token 0.50 s, 100.0 characters/s, 201 characters"
    assert Timing(first=0.5, last=0.5, characters=3).summary() == "first token 0.50 s, 3 characters"
    assert Timing().summary() == "no tokens"


@given(st.lists(st.sampled_from(["<think>", "</think>", "<", ">", "th", "ink", "/", "a", "想", "\n"]), max_size=30), st.data())
def test_splitting_does_not_depend_on_chunk_boundaries(parts, data):
    text = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    chunks = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]

    def split(chunks):
        splitter, merged = ThinkSplitter(), {"reasoning": "", "answer": ""}
        for piece in [p for c in chunks for p in splitter.feed(c)] + splitter.finish():
            merged[piece.kind] += piece.text
        return merged

    assert split(chunks) == split([text])


def test_a_plain_less_than_sign_is_not_lost():
    splitter = ThinkSplitter()
    assert [*splitter.feed("a < b and <thin"), *splitter.finish()] == [Piece("answer", "a < b and "), Piece("answer", "<thin")]


def test_the_newest_local_endpoint_that_answers_is_taken(stub, tmp_path):
    for number, (folder, url) in enumerate(
        [("serving/1", stub.url), ("serving/2", "http://127.0.0.1:9/v1"), ("demo-1", "http://127.0.0.1:9/v1")]
    ):
        (tmp_path / folder).mkdir(parents=True)
        file = tmp_path / folder / "servers.json"
        file.write_text(json.dumps({"servers": [{"name": "vllm", "pid": 1, "url": "x"}, {"name": "guard", "pid": 2, "url": url}]}))
        os.utime(file, (number, number))
    (tmp_path / "demo-1" / "state.json").write_text("{}")
    assert local_endpoints(tmp_path) == ["http://127.0.0.1:9/v1", stub.url, "http://127.0.0.1:9/v1"]
    assert open_conversation("", "", tmp_path).url == stub.url


def test_no_local_endpoint_is_one_sentence_with_both_ways_to_get_one(tmp_path):
    with pytest.raises(UserError, match=r"psyche run demo --keep-serving.*psyche serve MODEL"):
        open_conversation("", "", tmp_path)
