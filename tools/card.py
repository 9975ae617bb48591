"""Draw _static/card.png, which a link to the book shows elsewhere, from the formula of the first page.

It needs Chromium or Google Chrome. Look at the picture before you commit it.
"""

import io
import re
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image, PngImagePlugin
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
CARD = ROOT / "_static" / "card.png"
SIZE = {"width": 1200, "height": 630}
PAGE = """<!doctype html><meta charset="utf-8">
<link rel="stylesheet" href="{root}/_static/katex/katex.min.css">
<style>
  body {{ margin: 0; height: 100vh; display: grid; grid-template-rows: 1fr auto 1fr; place-items: center; }}
  h1, p {{ margin: 0; font-family: KaTeX_Main; }}
  h1 {{ font-size: 50px; }}
  p {{ font-size: 34px; color: #555; }}
  .katex {{ font-size: 54px; }}
</style>
<h1>The Backward Pass of Batch Normalization</h1>
{formula}
<p>Every equation derived, executed and checked.</p>"""


def formula():
    """The TeX of the first display equation of the first page."""
    text = (ROOT / "intro.md").read_text(encoding="utf-8")
    return re.search(r"^\$\$\n(.+?)\n\$\$$", text, re.MULTILINE | re.DOTALL)[1]


def draw(html):
    """Return a page as a picture."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "card.html")
        path.write_text(html, encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE)
        page.goto(path.as_uri())
        page.evaluate("document.fonts.ready.then(() => null)")
        return Image.open(io.BytesIO(page.screenshot()))


def main():
    sys.path.insert(0, str(ROOT / "_ext"))
    from katex import render

    picture = draw(PAGE.format(root=ROOT.as_uri(), formula=render(formula(), display=True)))
    shown = PngImagePlugin.PngInfo()
    shown.add_text("TeX", formula())  # the tests compare it with the first page
    picture.convert("RGB").quantize(64).save(CARD, optimize=True, pnginfo=shown)


if __name__ == "__main__":
    main()
