"""Reader of PDF text layers."""

from pathlib import Path

from components.common.errors import UserError
from components.ingest.document import Document, split_headings


def read_pdf(path: Path) -> Document:
    """Reads the text layer; the line breaks of the page stay, cleaning needs them to see headers and footers.

    Raises:
        UserError: The file is broken, locked, or has no text layer (a scan).
    """
    import pypdf

    try:
        reader = pypdf.PdfReader(path)
        pages = [page.extract_text() or "" for page in reader.pages]
        title = str(reader.metadata.title or "").strip() if reader.metadata else ""
    except Exception as error:  # pypdf raises many kinds of error on broken files
        raise UserError(f"{path.name} is not a readable PDF ({error}): repair or replace the file.") from error
    if not "".join(pages).strip():
        raise UserError(f"{path.name} has no text layer: it is a scan; set ingest.ocr to a vision model's endpoint.")
    return Document(split_headings("\n\n".join(pages), numbered_chapters=True), {"title": title} if title else {})
