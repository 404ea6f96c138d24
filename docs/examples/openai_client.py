"""Asks one question with the openai package and prints the answer as it comes.

Usage: PSYCHE_URL=http://127.0.0.1:8000/v1 python openai_client.py "How can I calm down before an exam?"
"""

import os
import sys

from openai import OpenAI

client = OpenAI(base_url=os.environ["PSYCHE_URL"], api_key=os.environ.get("PSYCHE_API_KEY", "none"))
stream = client.chat.completions.create(
    model=client.models.list().data[0].id,
    messages=[{"role": "user", "content": sys.argv[1]}],
    temperature=0.7,
    top_p=0.9,
    max_tokens=2048,
    stream=True,
)
for chunk in stream:
    for choice in chunk.choices:
        print(choice.delta.content or "", end="", flush=True)
print()
