"""Readers of text with markup: Markdown, HTML, EPUB, and plain text."""

import posixpath
import re
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from components.common.errors import UserError
from components.ingest.document import Document, Section, split_headings
from components.ingest.encoding import decode

FRONT_MATTER = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
META = ("title", "field", "language", "licence", "license")
HTML_NOISE = ("script", "style", "noscript", "template", "nav", "header", "footer", "aside", "form", "svg")
BLOCKS = ("p", "li", "blockquote", "pre", "td", "th", "dt", "dd", "figcaption", "h1", "h2", "h3", "h4", "h5", "h6")


def read_markdown(path: Path) -> Document:
    """Reads Markdown; YAML front matter gives title, field, language and licence."""
    import yaml

    text = _text_of(path)
    match = FRONT_MATTER.match(text)
    if not match:
        return Document(split_headings(text))
    try:
        header = yaml.load(match.group(1), Loader=yaml.BaseLoader)  # texts only: no dates that may not exist, no lost zeros
    except yaml.YAMLError:  # a document that merely opens with a rule
        return Document(split_headings(text))
    return Document(split_headings(text[match.end() :]), _meta(header) if isinstance(header, dict) else {})


def _meta(header: dict[Any, Any]) -> dict[str, str]:
    meta = {k: v.strip() for k, v in header.items() if k in META and isinstance(v, str) and v.strip() not in ("", "~", "null")}
    if "license" in meta:
        meta["licence"] = meta.pop("license")
    return meta


def read_text(path: Path) -> Document:
    """Reads plain text; lines such as "Chapter 3" are its headings."""
    return Document(split_headings(_text_of(path), numbered_chapters=True))


def _text_of(path: Path) -> str:
    """Returns the text of a file.

    Raises:
        UserError: It holds no text: Word files, pictures and archives under another name would become passages of garbage.
    """
    text = decode(path.read_bytes())
    if "\x00" in text:
        raise UserError(f"{path.name} is no text file (it holds zero bytes): save it as UTF-8 text, or name it by its format.")
    return text


def read_html(path: Path) -> Document:
    """Reads a web page: headings, paragraphs, lists and tables, without navigation and scripts."""
    return _html_document(_text_of(path))


def _html_document(text: str) -> Document:
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(text, "html.parser")
    title = soup.title.get_text(" ", strip=True) if soup.title else ""
    language = str(soup.html.get("lang") or "")[:2] if soup.html else ""
    for tag in soup.find_all(HTML_NOISE):
        tag.decompose()
    lines = []
    for tag in soup.find_all(BLOCKS):
        if tag.find(BLOCKS):  # its inner blocks come on their own
            continue
        words = " ".join(tag.get_text(" ").split())
        lines.append(f"{'#' * int(tag.name[1])} {words}" if re.fullmatch("h[1-6]", tag.name) else words)
    body = "\n\n".join(lines) if lines else soup.get_text("\n")
    return Document(split_headings(body), {k: v for k, v in (("title", title), ("language", language)) if v})


def read_epub(path: Path) -> Document:
    """Reads an EPUB: its chapters in the order of the spine.

    Raises:
        UserError: The file is no EPUB.
    """
    from defusedxml.ElementTree import fromstring

    try:
        with zipfile.ZipFile(path) as archive:
            container = fromstring(archive.read("META-INF/container.xml"))
            package_name = next(e.get("full-path") for e in container.iter() if e.tag.endswith("}rootfile"))
            package = fromstring(archive.read(package_name))
            names = _spine(package, PurePosixPath(package_name).parent)
            chapters = [_html_document(decode(archive.read(name))) for name in names]
    except Exception as error:  # zipfile, zlib and the parsers raise many kinds of error on broken files
        reason = str(error) or type(error).__name__
        raise UserError(f"{path.name} is not a readable EPUB ({reason}): replace the file or leave it out of the source.") from error
    sections = [Section(s.headings, s.text) for chapter in chapters for s in chapter.sections]
    return Document(sections, _epub_meta(package))


def _spine(package: Any, folder: PurePosixPath) -> list[str]:
    hrefs = {e.get("id"): e.get("href") for e in package.iter() if e.tag.endswith("}item")}
    order = [e.get("idref") for e in package.iter() if e.tag.endswith("}itemref")]
    # Links are URLs: a chapter's file name stands there percent-encoded, seen from the package's folder.
    return [posixpath.normpath(folder / unquote(hrefs[ref])) for ref in order if hrefs.get(ref)]


def _epub_meta(package: Any) -> dict[str, str]:
    names = {"title": "title", "language": "language", "rights": "licence"}
    found = {names[e.tag.split("}")[-1]]: (e.text or "").strip() for e in package.iter() if e.tag.split("}")[-1] in names}
    return {k: v[:2] if k == "language" else v for k, v in found.items() if v}
