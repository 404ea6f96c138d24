"""Asks a model the items of the suites, several replies each, through the LLM client."""

from components.common.errors import UserError
from components.common.llm import LLM, Chat, LLMError, LLMSettings, Reply, ask_all
from components.common.stage import Stage
from components.evaluation.settings import EvaluationSettings, SamplingSettings
from components.evaluation.suites.task import Failure, Task

Replies = list[Reply | Failure]


async def ask_tasks(stage: Stage, settings: EvaluationSettings, endpoint: LLMSettings, tasks: list[Task], call_log: str) -> list[Replies]:
    """Returns the replies to every task, in order.

    Raises:
        UserError: So many requests failed that the figures would mean nothing.
    """
    stage.progress.start("items", len(tasks))
    out: list[Replies] = []
    async with LLM(endpoint, call_log, stage.llm) as llm:

        async def work(task: Task) -> Replies:
            return [await _ask(llm, task, settings.sampling, settings.seed, i) for i in range(settings.sampling.n)]

        async for _, replies in ask_all(tasks, work, 2 * endpoint.concurrency):
            out.append(replies)
            stage.progress.advance()
    failures = [r.error for replies in out for r in replies if isinstance(r, Failure)]
    asked = len(tasks) * settings.sampling.n
    if len(failures) > settings.max_failed * asked:
        raise UserError(
            f"{len(failures)} of {asked} requests to {endpoint.label} failed ({failures[0][:200]}): mend the endpoint or raise max_failed."
        )
    stage.extra["failed_requests"] = len(failures)
    return out


async def _ask(llm: LLM, task: Task, sampling: SamplingSettings, seed: int, sample: int) -> Reply | Failure:
    chat = Chat(
        task.messages,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        max_tokens=sampling.max_tokens,
        seed=seed + sample,
        sample=sample,
    )
    try:
        return await llm.chat(chat)
    except LLMError as error:
        return Failure(str(error)[:500])
