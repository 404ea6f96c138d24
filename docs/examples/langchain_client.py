"""Asks one question with LangChain and prints the answer as it comes.

Usage: PSYCHE_URL=http://127.0.0.1:8000/v1 python langchain_client.py "How can I calm down before an exam?"
"""

import os
import sys

from langchain_openai import ChatOpenAI
from openai import OpenAI

url, key = os.environ["PSYCHE_URL"], os.environ.get("PSYCHE_API_KEY", "none")
model = OpenAI(base_url=url, api_key=key).models.list().data[0].id
chat = ChatOpenAI(model=model, base_url=url, api_key=key, temperature=0.7, top_p=0.9, max_completion_tokens=2048)
for chunk in chat.stream(sys.argv[1]):
    print(chunk.content, end="", flush=True)
print()
