"""Reader of PDF files: their text layer, and what a vision model read from pages that have none."""

import io
from collections.abc import Mapping
from pathlib import Path

from components.common.errors import UserError
from components.ingest.document import Document, split_headings
from components.ingest.readers.images import LONGEST_SIDE

# Less text than this is a stamp, a page number or a watermark on a scanned page.
TEXT_LAYER = 20


def page_texts(path: Path) -> tuple[list[str], str]:
    """Returns the text layer of each page, and the title of the document.

    Raises:
        UserError: The file is broken or locked.
    """
    import pypdf

    try:
        reader = pypdf.PdfReader(path)
        title = str(reader.metadata.title or "").strip() if reader.metadata else ""
        return [page.extract_text() or "" for page in reader.pages], title
    except Exception as error:  # pypdf raises many kinds of error on broken files
        raise UserError(f"{path.name} is not a readable PDF ({error}): repair or replace the file.") from error


def scanned_pages(path: Path) -> list[int]:
    """Returns the numbers, from 0, of the pages without a text layer."""
    return [number for number, text in enumerate(page_texts(path)[0]) if len(text.strip()) < TEXT_LAYER]


def render_page(path: Path, number: int) -> bytes:
    """Returns a page as a PNG image."""
    import pypdfium2

    with pypdfium2.PdfDocument(path) as document:
        page = document[number]
        image = page.render(scale=LONGEST_SIDE / max(page.get_size())).to_pil()
        buffer = io.BytesIO()
        image.save(buffer, format="PNG")
        return buffer.getvalue()


def read_pdf(path: Path, scans: Mapping[int, str] | None = None) -> Document:
    """Reads the pages in order; line breaks stay, because cleaning finds headers and footers by them.

    Args:
        path: The file.
        scans: Text of scanned pages by page number.

    Raises:
        UserError: The file is broken, locked, or consists of scans that nobody has read.
    """
    texts, title = page_texts(path)
    pages = [(scans or {}).get(number, text) for number, text in enumerate(texts)]
    if not "".join(pages).strip():
        raise UserError(f"{path.name} has no text layer: it is a scan; set ingest.ocr to a vision model's endpoint.")
    return Document(split_headings("\n\n".join(pages), numbered_chapters=True), {"title": title} if title else {})
