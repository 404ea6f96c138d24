"""Pictures of pages to text by a vision model: any OpenAI-compatible endpoint, one page per request, resumable by its call log."""

import base64
import logging
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from components.common.errors import UserError
from components.common.llm import LLM, Chat, LLMError, ask_all
from components.common.prompts import load_prompt
from components.common.records import Language
from components.ingest.readers import images
from components.ingest.readers.pdf import render_page, scanned_pages

log = logging.getLogger("psyche")
# olmOCR puts a YAML header about the page in front of the text.
PAGE_HEADER = re.compile(r"\A---\n.*?\n---\n?", re.DOTALL)
FENCE = re.compile(r"\A```(?:markdown)?\n(.*)\n```\Z", re.DOTALL)
BLANK = "BLANK"

Scans = dict[Path, dict[int, str]]


async def read_scans(paths: Iterable[Path], llm: LLM, language: Language) -> Scans:
    """Returns the text of every scanned page of the files; a page that stays unread is left out."""

    async def read(place: tuple[Path, int]) -> str | None:
        path, number = place
        try:
            picture = _picture(path, number)
        except UserError as error:
            log.warning("%s", error)
            return None
        try:
            return page_text((await llm.chat(page_chat(picture, language))).text)
        except LLMError as error:
            log.warning("page %d of %s stays unread: %s", number + 1, path.name, error)
            return None

    scans: Scans = {}
    async for (path, number), text in ask_all(_places(paths), read, window=2 * llm.settings.concurrency):
        if text is not None:
            scans.setdefault(path, {})[number] = text
    return scans


def _places(paths: Iterable[Path]) -> Iterator[tuple[Path, int]]:
    for path in paths:
        try:
            pages = images.image_pages(path) if path.suffix.lower() in images.SUFFIXES else scanned_pages(path)
        except UserError:  # a broken file: its reader says so, and it goes to `rejected/`
            continue
        yield from ((path, number) for number in pages)


def _picture(path: Path, number: int) -> bytes:
    is_image = path.suffix.lower() in images.SUFFIXES
    return images.render_image(path, number) if is_image else render_page(path, number)


def page_chat(image: bytes, language: Language) -> Chat:
    """Returns the request that asks for the text of one page image (PNG)."""
    url = f"data:image/png;base64,{base64.b64encode(image).decode()}"
    prompt = load_prompt("ingest", "ocr", language).render()
    content = [{"type": "text", "text": prompt}, {"type": "image_url", "image_url": {"url": url}}]
    return Chat([{"role": "user", "content": content}], temperature=0.0)


def page_text(reply: str) -> str:
    """Returns the text of a reply, without olmOCR's header, an outer code fence, or the mark of an empty page."""
    text = PAGE_HEADER.sub("", reply.strip()).strip()
    fenced = FENCE.match(text)
    text = fenced.group(1).strip() if fenced else text
    return "" if text == BLANK else text
