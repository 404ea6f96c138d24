"""Reader of image files: photographs and scans of pages. A TIFF may hold several; all text comes from a vision model."""

import io
from collections.abc import Mapping
from pathlib import Path

from components.common.errors import UserError
from components.ingest.document import Document, split_headings

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
LONGEST_SIDE = 1288  # pixels: what olmOCR was trained on


def image_pages(path: Path) -> list[int]:
    """Returns the numbers, from 0, of the pages of an image file.

    Raises:
        UserError: The file is broken.
    """
    from PIL import Image

    try:
        with Image.open(path) as image:
            return list(range(getattr(image, "n_frames", 1)))
    except Exception as error:  # Pillow raises many kinds of error on broken and on huge files
        raise UserError(f"{path.name} is not a readable image ({error}): repair or replace the file.") from error


def render_image(path: Path, number: int) -> bytes:
    """Returns a page as a PNG image, upright and no larger than the model reads.

    Raises:
        UserError: The file is cut off.
    """
    from PIL import Image, ImageOps

    buffer = io.BytesIO()
    try:
        with Image.open(path) as image:
            image.seek(number)
            page = ImageOps.exif_transpose(image).convert("RGB")  # telephones store how they were held
            page.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            page.save(buffer, format="PNG")
    except Exception as error:  # Pillow's decoders raise many kinds of error on damaged files
        raise UserError(f"{path.name} is not a readable image ({error}): repair or replace the file.") from error
    return buffer.getvalue()


def read_image(path: Path, scans: Mapping[int, str] | None = None) -> Document:
    """Returns what a vision model read from the pages of an image file.

    Args:
        path: The file.
        scans: Text of its pages by page number.

    Raises:
        UserError: The file is broken, or nobody has read it.
    """
    pages = [(scans or {}).get(number) for number in image_pages(path)]
    if not any(page is not None for page in pages):
        raise UserError(f"{path.name} is an image that nobody has read: set ingest.ocr to a vision model's endpoint, or replace the file.")
    return Document(split_headings("\n\n".join(page or "" for page in pages), numbered_chapters=True), {})
