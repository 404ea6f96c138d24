"""`psyche chat`: a conversation with any OpenAI-compatible endpoint in the terminal.

The answer goes to stdout, everything else (folded reasoning, timing, errors) to stderr, so that a reply can be piped.
"""

import contextlib
import json
import sys
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.status import Status

from components.common.errors import UserError
from components.common.prompts import load_prompt
from components.common.records import Language
from pipelines.chat_stream import Piece, Timing, list_models, stream_chat

HELP = """/system TEXT  set the system prompt (no TEXT: remove it)
/new          forget the conversation
/save FILE    write the conversation to a JSON file
/help         show this
/quit         leave (also Ctrl-D); Ctrl-C stops a reply"""


@dataclass
class Conversation:
    """Model, sampling and turns. Sampling as published (paper, section 4)."""

    url: str
    model: str
    system: str = ""
    prefix: bool = False
    language: Language = "zh"
    temperature: float = 0.7
    top_p: float = 0.9
    max_tokens: int = 2048
    turns: list[dict[str, str]] = field(default_factory=list)

    def body(self) -> dict[str, Any]:
        """Returns the request for the next reply; earlier reasoning is not sent back, as the chat template drops it."""
        messages = [{"role": "system", "content": self.system}] if self.system else []
        messages += [{"role": t["role"], "content": self._content(t)} for t in self.turns]
        return {
            "model": self.model, "messages": messages, "temperature": self.temperature, "top_p": self.top_p, "max_tokens": self.max_tokens,
        }  # fmt: skip

    def _content(self, turn: dict[str, str]) -> str:
        if not self.prefix or turn["role"] != "user":
            return turn["content"]
        return load_prompt("common", "chat_prefix", self.language).render(text=turn["content"])


@dataclass(frozen=True)
class Screen:
    """Where a reply is shown."""

    answer: Console
    notes: Console
    show_reasoning: bool


def screen(show_reasoning: bool) -> Screen:
    """Returns stdout for answers and stderr for notes."""
    return Screen(Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True), show_reasoning)


def local_endpoints(runs: Path) -> list[str]:
    """Returns the addresses that `psyche serve` and the deployments of runs wrote down, the newest first."""
    from pipelines.run_local import servers  # these load every stage's settings, which a chat with --url does not need
    from pipelines.run_state import RunFolder, all_runs

    serving = sorted((runs / "serving").glob("*/servers.json"), key=lambda p: p.stat().st_mtime, reverse=True)
    folders = [*(RunFolder(p.parent) for p in serving), *all_runs(runs)]
    return [str(servers(folder)[-1]["url"]) for folder in folders if servers(folder)]


def open_conversation(url: str, model: str, runs: Path) -> Conversation:
    """Finds the endpoint and its model.

    Args:
        url: Address ending in /v1; "" means the one that is up on this machine.
        model: Served name; "" means the endpoint's first.
        runs: Folder of runs.

    Raises:
        UserError: No endpoint, or it does not serve that model.
    """
    address, models = (url.rstrip("/"), list_models(url.rstrip("/"))) if url else _first_alive(runs)
    if not models or (model and model not in models):
        raise UserError(f"{address} does not serve {model or 'any model'} (it has: {', '.join(models) or 'none'}): correct --model.")
    return Conversation(address, model or models[0])


def _first_alive(runs: Path) -> tuple[str, list[str]]:
    for address in local_endpoints(runs):
        with contextlib.suppress(UserError):
            return address, list_models(address)
    raise UserError("No endpoint is up: run `psyche run demo --keep-serving` or `psyche serve MODEL`, or give --url.")


def ask(talk: Conversation, question: str, show: Screen) -> str:
    """Asks one question, shows the reply while it comes, and adds both to the conversation.

    Ctrl-C ends the reply; what has come so far stays in the conversation. A question without any answer does not.

    Raises:
        UserError: The endpoint failed.
    """
    asked = {"role": "user", "content": question}
    timing = Timing()
    texts = {"reasoning": "", "answer": ""}
    pieces = stream_chat(talk.url, replace(talk, turns=[*talk.turns, asked]).body(), timing)
    with contextlib.closing(pieces), contextlib.closing(_shown(pieces, show)) as shown, contextlib.suppress(KeyboardInterrupt):
        for piece in shown:
            texts[piece.kind] += piece.text
    cut = ", cut at --max-tokens" if timing.finish_reason == "length" else ""
    show.notes.print(f"[dim]{timing.summary()}{cut}[/]")
    answer, reasoning = texts["answer"].strip(), texts["reasoning"].strip()
    if answer:
        talk.turns += [asked, {"role": "assistant", "content": answer, **({"reasoning_content": reasoning} if reasoning else {})}]
    return answer


def _shown(pieces: Iterator[Piece], show: Screen) -> Generator[Piece, None, None]:
    """Passes pieces on and prints them; reasoning is one dim line unless the screen shows it."""
    thought, answering = "", False
    try:
        with Status("[dim]waiting[/]", console=show.notes) as status:
            for piece in pieces:
                yield piece  # first, so that what an interrupt finds on the screen is also kept
                if piece.kind == "reasoning":
                    thought += piece.text
                    _show_thinking(piece.text, thought, status, show)
                    continue
                text = piece.text if answering else piece.text.lstrip()
                if text and not answering:
                    answering = True
                    status.stop()
                    _close_reasoning(thought, show)
                show.answer.print(text, end="", markup=False)
    finally:
        if answering:
            show.answer.print()
        else:
            _close_reasoning(thought, show)


def _show_thinking(text: str, thought: str, status: Status, show: Screen) -> None:
    if show.show_reasoning:
        status.stop()
        show.notes.print(text, end="", markup=False, style="dim")
    else:
        status.update(f"[dim]thinking: {len(thought)} characters[/]")


def _close_reasoning(thought: str, show: Screen) -> None:
    if not thought.strip():
        return
    if show.show_reasoning:
        show.notes.print("\n")
    else:
        show.notes.print(f"[dim]thought: {len(thought.strip())} characters (--show-reasoning shows them)[/]")


def converse(talk: Conversation, show: Screen, read: Callable[[str], str] = input) -> None:
    """Reads turns and commands until /quit or the end of input."""
    prompt = "you> " if sys.stdin.isatty() else ""
    if prompt:
        import readline  # noqa: F401  line editing and history for input()
    show.notes.print(f"[dim]{talk.model} at {talk.url}; /help lists commands[/]")
    while True:
        try:
            line = read(prompt).strip()
        except (EOFError, KeyboardInterrupt):
            show.notes.print()
            return
        if line == "/quit":
            return
        try:
            if line.startswith("/"):
                show.notes.print(command(talk, line), markup=False)
            elif line:
                ask(talk, line, show)
        except UserError as error:
            show.notes.print(f"error: {error}", markup=False)


def command(talk: Conversation, line: str) -> str:
    """Runs one slash command and returns what to tell.

    Raises:
        UserError: Unknown command, or a file that cannot be written.
    """
    name, _, argument = line.partition(" ")
    argument = argument.strip()
    if name == "/system":
        talk.system = argument
        return "system prompt set" if argument else "no system prompt"
    if name == "/new":
        talk.turns.clear()
        return "new conversation"
    if name == "/save" and argument:
        return _save(talk, Path(argument).expanduser())
    if name == "/help":
        return HELP
    raise UserError(f"{line!r} is no command: /help lists them.")


def _save(talk: Conversation, path: Path) -> str:
    system = [{"role": "system", "content": talk.system}] if talk.system else []
    data = {"model": talk.model, "messages": [*system, *talk.turns]}
    try:
        path.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror}): give /save another file.") from error
    return f"saved {len(talk.turns)} turns to {path}"
