"""Pictures of pages for the documentation: PNG files of few colours, which are small."""

from __future__ import annotations

import base64
import struct
import zlib
from pathlib import Path

import numpy as np
from playwright.sync_api import Page

_COLOURS = 256
_PIXELS = """async (png) => {
    const picture = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
    const canvas = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
    canvas.drawImage(picture, 0, 0);
    const bytes = canvas.getImageData(0, 0, picture.width, picture.height).data;
    let text = "";
    for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
    return [picture.width, picture.height, btoa(text)];
}"""


def take(page: Page, target: Path) -> None:
    """Take a picture of what a page shows, in the 256 colours that are nearest."""
    taken = base64.b64encode(page.screenshot(animations="disabled")).decode()
    blank = page.context.new_page()
    width, height, pixels = blank.evaluate(_PIXELS, taken)
    blank.close()
    rgba = np.frombuffer(base64.b64decode(pixels), np.uint8).reshape(-1, 4)
    palette, places = _indexed(rgba[:, :3])
    lines = np.insert(places.reshape(height, width), 0, 0, axis=1)  # each begins with its filter: none
    target.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0))
        + _chunk(b"PLTE", palette.tobytes())
        + _chunk(b"IDAT", zlib.compress(lines.tobytes(), 9))
        + _chunk(b"IEND", b"")
    )


def _indexed(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The most frequent colours, no two of them much alike, and for each pixel the place of the nearest."""
    exact, inverse, counts = np.unique(rgb, axis=0, return_inverse=True, return_counts=True)
    by_count = exact[np.argsort(-counts, kind="stable")]
    _, first = np.unique(by_count & 0xF0, axis=0, return_index=True)
    palette = by_count[np.sort(first)[:_COLOURS]]
    distances = ((exact[:, None].astype(int) - palette[None].astype(int)) ** 2).sum(axis=2)
    return palette, distances.argmin(axis=1).astype(np.uint8)[inverse.reshape(-1)]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_size(path: Path) -> tuple[int, int]:
    """Width and height, as the header of a PNG has them."""
    width, height = struct.unpack(">II", path.read_bytes()[16:24])
    return width, height
