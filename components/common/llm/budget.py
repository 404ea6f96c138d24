"""Tokens and money that an LLM may cost a stage."""

from dataclasses import dataclass

from components.common.errors import UserError
from components.common.llm.request import Reply
from components.common.llm.settings import LLMSettings


@dataclass
class Budget:
    """What was spent, earlier attempts included, and when to stop.

    Requests in flight count with the mean of those before them, so that many at once do not run past the budget.
    """

    settings: LLMSettings
    calls: int = 0
    tokens: int = 0
    money: float = 0.0

    def cost(self, reply: Reply) -> float:
        """Returns the money that a reply cost."""
        return (reply.prompt_tokens * self.settings.price_in + reply.completion_tokens * self.settings.price_out) / 1e6

    def spend(self, reply: Reply) -> None:
        """Adds a reply."""
        self.calls += 1
        self.tokens += reply.prompt_tokens + reply.completion_tokens
        self.money += self.cost(reply)

    def check(self, in_flight: int) -> None:
        """Stops the stage when what is spent and under way reaches the budget.

        Raises:
            UserError: It does; the sentence says how to go on.
        """
        factor = 1 + in_flight / self.calls if self.calls else 1
        s = self.settings
        limits = (("token_budget", s.token_budget, self.tokens), ("money_budget", s.money_budget, self.money))
        for name, limit, spent in limits:
            if limit is not None and spent * factor >= limit:
                raise UserError(
                    f"The {name} of {limit:,} for {s.label} is used up ({self.calls:,} calls, {self.tokens:,} tokens, "
                    f"{self.money:,.2f} money): raise {name} and run again; finished calls are kept and not paid again."
                )
