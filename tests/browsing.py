"""A page as a tree, a visit to it in a real browser, and what skips the tests that need one."""

import os
import re

import pytest
from bs4 import BeautifulSoup
from pdf import find_browser

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
FOUND = find_browser()
SPAN = re.compile(r"<(/?)span\b")

needs_browser = pytest.mark.skipif(
    FOUND is None and not os.environ.get("CI"),
    reason="no browser: install Chromium (Debian: apt-get install chromium) or Google Chrome",
)


def parse(page):
    """A page as a tree, without the drawn formulas, which are most of it; their MathML stays."""
    text, kept, end = page.read_text(encoding="utf-8"), [], 0
    for drawn in re.finditer('<span class="katex-html"', text):
        depth = 0
        for tag in SPAN.finditer(text, drawn.start()):
            depth += -1 if tag[1] else 1
            if depth == 0:
                break
        kept.append(text[end : drawn.start()])
        end = text.index(">", tag.start()) + 1
    return BeautifulSoup("".join(kept) + text[end:], "html.parser")


class Visit:
    """A page in a context of its own; it keeps what goes wrong."""

    def __init__(self, browser, width=1280, scheme="light", **options):
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, **options
        )
        self.scripts = options.get("java_script_enabled", True)
        self.page, self.faults, self.requests = self.context.new_page(), [], []
        self.page.on("console", self.on_console)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def on_console(self, message):
        if message.type in ("error", "warning"):
            self.faults.append(f"{message.text} {message.location['url']}")

    def open(self, address):
        self.page.goto(address, wait_until="load")
        if self.scripts:
            self.page.evaluate("document.fonts.ready.then(() => null)")
        return self.page

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()
