"""Requests as they come in: what is no OpenAI request is refused here, before anything looks at its texts."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from components.guard.errors import ApiError

Kind = Literal["chat", "completion"]
# Ways around the checks: text that leaves in another field than the answer's, input that cannot be read as text,
# and a template or prefix of the caller's own, which could drop the safety prompt or open a think block.
REFUSED = (
    "logprobs", "top_logprobs", "prompt_logprobs", "return_token_ids", "echo", "suffix", "tools", "functions", "prompt_embeds",
    "chat_template", "continue_final_message", "request_id", "documents", "truncate_prompt_tokens",
    "truncation_side", "return_prompt_text", "kv_transfer_params",
    "ec_transfer_params", "vllm_xargs",
)  # fmt: skip
# Keys of content parts whose strings are addresses or encoded media.
MEDIA = frozenset({"type", "image_url", "input_audio", "audio_url", "video_url", "file", "detail"})
Count = Annotated[int, Field(ge=1)]


class _Request(BaseModel):
    # Strict: what the upstream reads is what was checked ("true" is no boolean). Further parameters pass on to the upstream.
    model_config = ConfigDict(extra="allow", strict=True)

    model: str | None = None
    stream: bool | None = None
    n: Count | None = None
    best_of: Count | None = None
    max_tokens: Count | None = None
    max_completion_tokens: Count | None = None
    user: str | None = None


class Message(BaseModel):
    """One turn."""

    model_config = ConfigDict(extra="allow", strict=True)

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[str | dict[str, Any]] | None = None


class ChatRequest(_Request):
    """Body of POST /v1/chat/completions."""

    messages: Annotated[list[Message], Field(min_length=1)]


class CompletionRequest(_Request):
    """Body of POST /v1/completions; prompts of token numbers cannot be checked and are refused."""

    prompt: str | Annotated[list[str], Field(min_length=1)]


MODELS: dict[Kind, type[ChatRequest] | type[CompletionRequest]] = {"chat": ChatRequest, "completion": CompletionRequest}


def parse(kind: Kind, raw: bytes) -> dict[str, Any]:
    """Returns the body of a request, whose texts can be read then.

    Raises:
        ApiError: 400, naming the field and the problem.
    """
    try:
        body = orjson.loads(raw)
        MODELS[kind].model_validate(body)
        # The other kind's field says nothing to the model, and would be judged in place of what it is asked.
        body.pop("prompt" if kind == "chat" else "messages", None)
        # What is read more deeply than it can be written never reaches the model: it is no reason to fail later, in somebody's danger.
        orjson.dumps(body)
    except (orjson.JSONEncodeError, RecursionError) as error:
        raise ApiError(400, "the body is nested too deeply") from error
    except orjson.JSONDecodeError as error:
        raise ApiError(400, "the body is no valid JSON in UTF-8") from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"] if isinstance(part, int) or part in _NAMES) or "body"
        raise ApiError(400, f"{place}: {first['msg']}") from error
    return body


def refusal(body: dict[str, Any], max_choices: int) -> ApiError | None:
    """Returns why the model must not get this request although it is a good one; None if nothing speaks against it."""
    refused = next((name for name in REFUSED if not _is_off(body.get(name))), None)
    if refused:
        return ApiError(400, f"{refused}: not available here, because the guard could not check what it carries")
    switches = body.get("chat_template_kwargs") or {}
    if not isinstance(switches, dict) or not all(isinstance(value, bool) for value in switches.values()):
        return ApiError(400, "chat_template_kwargs: only true and false are passed on, such as enable_thinking")
    if choices(body) > max_choices:
        return ApiError(400, f"n: at most {max_choices} choices at a time")
    return None


# Fields whose names may be quoted; other keys are the caller's own words.
_NAMES = frozenset({*ChatRequest.model_fields, *CompletionRequest.model_fields, *Message.model_fields})


def _is_off(value: Any) -> bool:
    return value is None or value is False or value == []


def choices(body: dict[str, Any]) -> int:
    """Returns how many choices the answer has, or the model must generate if that is more."""
    prompts = len(body["prompt"]) if isinstance(body.get("prompt"), list) else 1
    return prompts * max(body.get("n") or 1, body.get("best_of") or 1)


def texts(content: Any) -> Iterator[str]:
    """Yields the texts of a message's content, however its parts are called."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for part in content:
            yield from texts(part)
    elif isinstance(content, dict):
        for key, value in content.items():
            if key not in MEDIA:
                yield from texts(value)
