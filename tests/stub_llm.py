"""A scripted OpenAI-compatible LLM server for tests: deterministic answers, and faults on demand.

    python -m tests.stub_llm --port 8000 [--model NAME] [--faults faults.json] [--delay 0.1] [--fault-rate 0.2] [--capacity 8]

A reply depends on the request alone (its hash), so the output of a stage cannot depend on timing. A request with a
json_schema gets an instance of the schema; any other gets a think block and a line "Answer: X". Faults are a list in the
order of requests: {"status": 429}, {"cut": true}, {"delay": 5}, {"body": "not json"}; null or the list's end: no fault.
`delay` is the seconds that each reply takes (streams spread them over their words), `fault_rate` the share of requests
that fail in a random way, `capacity` the number of requests at a time beyond which it answers 429. GET /stats tells how
many replies went out, and how many of them to a request that had been answered before.
"""

import argparse
import asyncio
import hashlib
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

WORDS = ["memory", "sleep", "stress", "attention", "habit", "emotion", "trust", "learning", "grief", "support"]


@dataclass
class Stub:
    """State of one server: `answer` may replace the scripted reply; `requests` holds what came in."""

    model: str = "stub"
    faults: list[dict[str, Any] | None] = field(default_factory=list)
    answer: Callable[[dict[str, Any]], str] | None = None
    requests: list[dict[str, Any]] = field(default_factory=list)
    keep_requests: bool = True
    delay: float = 0.0
    fault_rate: float = 0.0
    capacity: int = 0
    split_reasoning: bool = False
    answered: Counter[str] = field(default_factory=Counter)
    busy: int = 0
    most_busy: int = 0

    def app(self) -> web.Application:
        """Returns the aiohttp application."""
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_post("/v1/chat/completions", self.chat)
        app.router.add_get("/v1/models", self.models)
        app.router.add_get("/health", self.health)
        app.router.add_get("/stats", self.stats)
        return app

    async def health(self, _: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def models(self, _: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": self.model, "object": "model"}]})

    async def stats(self, _: web.Request) -> web.Response:
        return web.json_response({"calls": self.answered.total(), "repeated": self.repeated()})

    def repeated(self) -> int:
        """Returns the number of replies to requests that had been answered before."""
        return self.answered.total() - len(self.answered)

    async def chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if self.keep_requests:
            self.requests.append(body)
        self.busy += 1
        self.most_busy = max(self.most_busy, self.busy)
        try:
            return await self._reply(request, body)
        finally:
            self.busy -= 1

    async def _reply(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        fault = self._next_fault()
        if "delay" in fault:
            await asyncio.sleep(fault["delay"])
        if "status" in fault:
            return web.json_response({"error": {"message": "scripted"}}, status=fault["status"], headers=fault.get("headers", {}))
        if fault.get("cut"):
            request.transport.close()
            return web.Response()
        if "body" in fault:
            return web.Response(text=fault["body"], content_type="application/json")
        text = self.answer(body) if self.answer else scripted_reply(body)
        if body.get("stream"):
            return await self._stream(request, text)
        await asyncio.sleep(self.delay)
        self.answered[hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()] += 1
        return web.json_response(completion(self.model, text, self.split_reasoning))

    def _next_fault(self) -> dict[str, Any]:
        if self.faults:
            return self.faults.pop(0) or {}
        if self.capacity and self.busy > self.capacity:
            return {"status": 429}
        if random.random() < self.fault_rate:
            return random.choice([{"status": 429}, {"status": 500}, {"status": 503}, {"cut": True}, {"body": "not json"}])
        return {}

    async def _stream(self, request: web.Request, text: str) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for word in text.split(" "):
            chunk = {
                "id": "stub",
                "object": "chat.completion.chunk",
                "model": self.model,
                "choices": [{"index": 0, "delta": {"content": word + " "}}],
            }
            await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
            await asyncio.sleep(self.delay / len(text.split(" ")))
        await response.write(b"data: [DONE]\n\n")
        return response


def completion(model: str, text: str, split_reasoning: bool = False) -> dict[str, Any]:
    """Returns the body of a chat completion, the think block apart where vLLM's reasoning parser would put it."""
    reasoning, closed, answer = text.removeprefix("<think>").partition("</think>")
    message = {"role": "assistant", "content": text}
    if split_reasoning and closed:
        message |= {"content": answer, "reasoning": reasoning}
    usage = {"prompt_tokens": 10, "completion_tokens": len(text.split()), "total_tokens": 10 + len(text.split())}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "stub", "object": "chat.completion", "model": model, "choices": [choice], "usage": usage}


def scripted_reply(body: dict[str, Any]) -> str:
    """Returns the reply to a request; the same for the same request."""
    seed = hashlib.sha256(json.dumps([body["messages"], body.get("seed")], sort_keys=True).encode()).hexdigest()
    draw = random.Random(seed)
    form = body.get("response_format") or {}
    if form.get("type") == "json_schema":
        schema = form["json_schema"]["schema"]
        return json.dumps(instance(schema, draw, schema.get("$defs", {})))
    return f"<think>\n{sentence(draw)}\n</think>\nAnswer: {draw.choice('ABCD')}"


def sentence(draw: random.Random, least: int = 0) -> str:
    """Returns some words, at least `least` characters."""
    words = draw.sample(WORDS, 4)
    while len(" ".join(words)) < least:
        words.append(draw.choice(WORDS))
    return " ".join(words)


def instance(schema: dict[str, Any], draw: random.Random, defs: dict[str, Any]) -> Any:
    """Returns a value that fits a JSON schema (the keywords that our stages use)."""
    if "$ref" in schema:
        return instance(defs[schema["$ref"].rsplit("/", 1)[-1]], draw, defs)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return draw.choice(schema["enum"])
    if "anyOf" in schema:
        return instance(schema["anyOf"][0], draw, defs)
    kind = schema.get("type", "object")
    if kind == "object":
        return {k: instance(v, draw, defs) for k, v in schema.get("properties", {}).items()}
    if kind == "array":
        n = schema.get("minItems", 1)
        items: list[Any] = []
        for _ in range(200):
            if len(items) == n:
                break
            item = instance(schema["items"], draw, defs)
            if not (schema.get("uniqueItems") and item in items):
                items.append(item)
        return items
    if kind in ("integer", "number"):
        return draw.randint(int(schema.get("minimum", 1)), int(schema.get("maximum", 5)))
    if kind == "boolean":
        return draw.random() < 0.5
    return sentence(draw, schema.get("minLength", 0))[: schema.get("maxLength", 1000)]


def main() -> None:
    """Serves until it is ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model", default="stub")
    parser.add_argument("--faults", type=Path)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--fault-rate", type=float, default=0.0)
    parser.add_argument("--capacity", type=int, default=0)
    parser.add_argument("--split-reasoning", action="store_true")
    args = parser.parse_args()
    faults = json.loads(args.faults.read_text()) if args.faults else []
    stub = Stub(
        args.model,
        faults,
        keep_requests=False,
        delay=args.delay,
        fault_rate=args.fault_rate,
        capacity=args.capacity,
        split_reasoning=args.split_reasoning,
    )
    web.run_app(stub.app(), host="127.0.0.1", port=args.port, print=None)


if __name__ == "__main__":
    main()
