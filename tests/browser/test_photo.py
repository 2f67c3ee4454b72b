"""A photo of oneself: cut to its middle and made small before it leaves the device, then shown to citizens."""

from __future__ import annotations

import struct
import zlib

import pytest
from playwright.async_api import expect

from balie.staff import photos
from tests.browser.test_desk import Come, come, desk
from tests.support.desk import DeskSite

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(60)]

__all__ = ["come", "desk"]  # fixtures, for pytest

RED, GREEN, BLUE = b"\xff\x00\x00", b"\x00\xff\x00", b"\x00\x00\xff"
# The corners and the middle of what is about to be sent: its size, and which colour is strongest there.
LOOK = """async () => {
  const sent = atob(document.getElementById('foto').value.split(',')[1]);
  const bytes = Uint8Array.from(sent, (each) => each.charCodeAt(0));
  const picture = await createImageBitmap(new Blob([bytes], { type: 'image/jpeg' }));
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.drawImage(picture, 0, 0);
  const strongest = (x, y) => {
    const [red, green, blue] = context.getImageData(x, y, 1, 1).data;
    return ['red', 'green', 'blue'][[red, green, blue].indexOf(Math.max(red, green, blue))];
  };
  const last = picture.width - 5;
  return [picture.width, picture.height, strongest(4, 4), strongest(last >> 1, last >> 1), strongest(last, last)];
}"""


def png(side: int) -> bytes:
    """Three squares beside each other, red, green and blue: only the middle one may be left."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    line = b"\x00" + RED * side + GREEN * side + BLUE * side
    header = struct.pack(">IIBBBBB", 3 * side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(line * side)) + chunk(b"IEND", b"")
    )


async def test_the_middle_of_a_picture(desk: DeskSite, come: Come) -> None:
    bart = await come()
    page = bart.page
    await bart.goto(f"{bart.origin}/balie/sessies")
    file = page.locator("#photo-file")
    await file.set_input_files({"name": "niets.png", "mimeType": "image/png", "buffer": b"geen beeld"})
    await expect(page.locator("#photo-problem")).to_be_visible()
    assert await page.locator("#foto").input_value() == ""
    await file.set_input_files({"name": "strand.png", "mimeType": "image/png", "buffer": png(400)})
    await bart.until("document.getElementById('foto').value.startsWith('data:image/jpeg')")
    await expect(page.locator("#photo-problem")).to_be_hidden()
    side, high, *colours = await bart.evaluate(LOOK)
    assert (side, high, colours) == (320, 320, ["green", "green", "green"])
    await page.locator("#photo button").first.click()
    await expect(page.locator(".done")).to_be_visible()
    kept = await desk.store.read(photos.url, desk.office.bart)
    assert kept.startswith("data:image/jpeg") and len(kept) < 40_000
