"""The table of formats: file suffix to reader."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from components.common.benchmarks import BadRow
from components.ingest.document import Document
from components.ingest.readers import images
from components.ingest.readers.markup import read_epub, read_html, read_markdown, read_text
from components.ingest.readers.pdf import read_pdf
from components.ingest.readers.tables import read_csv, read_json, read_jsonl, read_parquet, read_xlsx
from components.ingest.rows import Row

# Formats whose pages may be pictures: their readers also take what a vision model read, by page number.
SCAN_READERS: dict[str, Callable[[Path, Mapping[int, str] | None], Document]] = {
    ".pdf": read_pdf,
    **dict.fromkeys(images.SUFFIXES, images.read_image),
}
TEXT_READERS: dict[str, Callable[[Path], Document]] = {
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".txt": read_text,
    ".html": read_html,
    ".htm": read_html,
    ".xhtml": read_html,
    ".epub": read_epub,
}
ROW_READERS: dict[str, Callable[[Path], Iterator[Row | BadRow]]] = {
    ".jsonl": read_jsonl,
    ".ndjson": read_jsonl,
    ".json": read_json,
    ".csv": read_csv,
    ".tsv": read_csv,
    ".xlsx": read_xlsx,
    ".parquet": read_parquet,
}
DOCUMENTS = (*TEXT_READERS, *SCAN_READERS)
SUFFIXES = (*DOCUMENTS, *ROW_READERS)
