"""Make the built pages light and closed: what the theme brings and the book does not use is taken out.

Each page gets a Content-Security-Policy, so that nothing is loaded from another host and no
script runs but those of the site; styles and icons are cut down to those that some page shows.
"""

import base64
import hashlib
import re
from pathlib import Path

from heights import say_heights
from styles import keep_used

# Scripts and styles by what stands in their tag; the search page keeps its own.
UNUSED = re.compile("fontawesome.js|thebe|togglebutton|toggleHint|toggleOpenOnPrint|design-tabs|-design")
OF_SEARCH = re.compile("searchtools.js|language_data.js|searchindex.js")
SCRIPT = re.compile(r"[ \t]*<script\b([^>]*)>(.*?)</script>\n?", re.DOTALL)
STYLE = re.compile(r'[ \t]*<link rel="stylesheet"([^>]*)>\n?')
PLAIN = re.compile(r'<span class="(?:n|p|w)">([^<]*)</span>')  # code in the colour that all code has
EARLY = [  # fonts that every page, and nearly every formula, needs
    "fonts/SourceSerif4-regular",
    "fonts/SourceSerif4-semibold",
    "katex/fonts/KaTeX_Main-Regular",
    "katex/fonts/KaTeX_Math-Italic",
]
PRELOAD = """<script>
      if (location.protocol !== "file:") {{  // from disk no browser preloads
        for (const name of {names}) {{
          const options = {{rel: "preload", as: "font", type: "font/woff2", crossOrigin: ""}};
          const link = Object.assign(document.createElement("link"), options);
          link.href = `{root}_static/${{name}}.woff2`;
          document.head.append(link);
        }}
      }}
    </script>
    """
# The colours of the system from the start; the theme's own line leaves them to a script that comes late.
COLOURS = """const chosen = document.documentElement.dataset.mode;
    const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
    document.documentElement.dataset.theme = chosen === "auto" ? system : chosen;"""
MENDED = (  # what the theme does late, what a screen reader stumbles over, and what the policy forbids
    ('document.documentElement.dataset.theme = localStorage.getItem("theme") || "auto";', COLOURS),
    (' aria-label="Toggle hidden content"', ""),
    (' title="Search" aria-label="Search"', ' title="Search"'),
    (' role="doc-biblioentry"', ""),
    (' role="doc-backlink"', ""),
    (' role="list" class="citation-list"', ' class="citation-list"'),
    ('<div id="pst-primary-sidebar"', '<div id="pst-primary-sidebar" role="navigation" aria-label="Book"'),
    ('onclick="window.print()"', "data-print"),
    ('"_blank"\n   class="btn btn-sm btn-download', '"_blank" download\n   class="btn btn-sm btn-download'),
)
# The theme measures every block at once, to see which scroll, and so lays out the whole page; book.js
# looks at each when it is laid out.
MEASURES_ALL = (
    'window.addEventListener("resize",t),'
    'new MutationObserver(t).observe(document.getElementById("main-content"),{subtree:!0,childList:!0}),e()'
)
THEME = {  # buttons that need inline handlers, and empty bars
    "pygments_dark_style": "a11y-dark",  # comments are quiet, as in the light one
    "use_fullscreen_button": False,
    "navbar_start": [],
    "navbar_center": [],
    "navbar_end": [],
    "navbar_persistent": [],
}


def choose(app, config):
    """Choose what the theme shows, before it reads its options."""
    config.html_theme_options.update(THEME)
    config.html_context["default_mode"] = "auto"


def lighten(app, error):
    """Rewrite what the builder has written, if it is the site."""
    if error or app.builder.name != "html":
        return
    site = Path(app.outdir)
    for page in site.rglob("*.html"):
        text = size_figures(page.read_text(encoding="utf-8"), page)
        page.write_text(close(strip(say_heights(text), page.name)), encoding="utf-8", newline="\n")
    for path in site.glob("_static/**/*"):
        if UNUSED.search(path.name) or path.suffix == ".map" or path.name.endswith("macros.html"):
            path.unlink()
    script = site / "_static" / "scripts" / "pydata-sphinx-theme.js"
    text = script.read_text(encoding="utf-8")
    if MEASURES_ALL not in text:
        raise ValueError(f"{script} is of another version of the theme: mend MEASURES_ALL in _ext/lean.py")
    script.write_text(text.replace(MEASURES_ALL, "0"), encoding="utf-8", newline="\n")
    keep_used(site)


def size_figures(text, page):
    """A page whose figures have their size from the start, so that nothing moves when they arrive."""

    def sized(image):
        head = re.search(r"<svg[^>]*>", (page.parent / image[1]).read_text(encoding="utf-8"))[0]
        points = re.findall(r' (width|height)="([\d.]+)pt"', head)
        sizes = "".join(f' {side}="{round(float(size) * 96 / 72)}"' for side, size in points)
        return f'{image[0]}{sizes} loading="lazy"'

    return re.sub(r'<img\b[^>]*? src="([^"]+\.svg)"', sized, text)


def strip(page, name):
    """A page without the scripts and styles that it does not use."""

    def is_unused(tag):
        return UNUSED.search(tag) or (name != "search.html" and OF_SEARCH.search(tag))

    page = SCRIPT.sub(lambda tag: "" if is_unused(tag[0]) or "kernelName" in tag[2] else tag[0], page)
    page = STYLE.sub(lambda tag: "" if is_unused(tag[1]) else tag[0], page)
    page = re.sub(
        r"<script (src=[^>]*(?:bootstrap|highlight|clipboard|copybutton|-theme|/book\.js|copy-tex)[^>]*)>",
        r"<script defer \1>",
        page,
    )
    page = re.sub(r'<link rel="preload"[^>]*>\n?', "", page)
    if root := re.search(r'href="([^"]*)_static/katex/', page):
        page = page.replace("<title>", PRELOAD.format(names=EARLY, root=root[1]) + "<title>", 1)
    page = PLAIN.sub(r"\1", page)
    for old, new in MENDED:
        page = page.replace(old, new)
    return page


def close(page):
    """A page with its policy: scripts and styles of the site alone, and the inline scripts that it has."""
    hashes = {
        f"'sha256-{base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()}'"
        for attributes, body in SCRIPT.findall(page)
        if body.strip() and "src=" not in attributes
    }
    policy = (
        f"default-src 'self'; script-src 'self' {' '.join(sorted(hashes))}; "
        "style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'self'"
    )
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}" />'
    return re.sub(r'(<meta charset="utf-8" />)', rf"\1\n    {meta}", page, count=1, flags=re.IGNORECASE)


def setup(app):
    app.connect("config-inited", choose, priority=100)
    app.connect("build-finished", lighten, priority=900)
    return {"version": "1", "parallel_read_safe": True}
