"""A headless browser for tests: Chromium of the system or of playwright, drawn by the processor."""

import base64
import io
import shutil
from contextlib import contextmanager

import numpy as np
import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# No graphics card is needed. Root, as in containers, has no sandbox.
ARGUMENTS = ("--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader",
             "--enable-unsafe-swiftshader")  # fmt: skip
PATIENCE = 120_000  # ms


@contextmanager
def browser():
    """A Chromium; the test is skipped where there is none."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="no browser: playwright is not installed"
    )
    path = next(filter(None, map(shutil.which, NAMES)), None)
    with playwright.sync_playwright() as started:
        try:
            chromium = started.chromium.launch(executable_path=path, args=ARGUMENTS)
        except playwright.Error as error:
            pytest.skip(f"no browser: install Chromium (apt install chromium). {error}")
        yield chromium
        chromium.close()


class Tab:
    """A page in the browser, with what it asked for and what went wrong."""

    def __init__(self, chromium, url, width=1000, height=640):
        self.page = chromium.new_page(viewport={"width": width, "height": height})
        self.page.set_default_timeout(PATIENCE)
        self.errors, self.requests = [], []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on(
            "console", lambda line: self.errors.extend([line.text] * (line.type == "error"))
        )
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(url)
        self._protocol = self.page.context.new_cdp_session(self.page)

    def settle(self):
        """Wait until what was asked for is drawn."""
        self.page.evaluate(
            "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    def pixels(self):
        """The window as an array `(height, width, 3)`."""
        from PIL import Image

        self.settle()
        # playwright's own screenshot waits for a page to be still.
        png = self._protocol.send("Page.captureScreenshot", {"format": "png"})["data"]
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB"), int)


def changed(before, after):
    """Which pixels of two pictures differ visibly. Shape `(height, width)`."""
    return np.abs(after - before).max(axis=-1) > 24
