"""What a page costs its reader, beside the same book with the plain theme and MathJax in the browser.

    python benchmarks/site.py [intro.html chapters/04_final_formulas.html ...]

Needs Chromium, and npm for MathJax; without names it visits the first page and all chapters.

Both sites are served with gzip from this machine and visited in turn on an emulated slow phone.
Prints a table: bytes on the wire with everything that the page shows, the time until its
mathematics is ready to be read, and its cumulative layout shift.
"""

import gzip
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from serving import serve

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import book  # noqa: E402
import pdf  # noqa: E402

CDN = "https://cdn.jsdelivr.net/npm/mathjax@3/"
# a slow phone as Lighthouse has it: 1.6 Mbit/s, 150 ms, a processor four times slower
NETWORK = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 94_000}
SLOWER, VISITS = 4, 3
WATCH = """
window.shift = 0;
new PerformanceObserver(list => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
}).observe({type: 'layout-shift', buffered: true});
"""
# the first frame after the page is parsed, each formula is typeset and every font is there
READY = """
window.readable = new Promise(resolve => {
    const isReady = () => document.readyState !== 'loading' && document.body.offsetHeight > 0
        && document.fonts.status === 'loaded'
        && [...document.querySelectorAll('.math')].every(part => part.querySelector('.katex, mjx-container'));
    const look = () => requestAnimationFrame(() => {
        if (isReady()) requestAnimationFrame(() => resolve(performance.now()));
        else look();
    });
    look();
});
"""
SCROLL = "for (let y = 0; y < document.body.scrollHeight; y += 800) scrollTo(0, y); scrollTo(0, 0);"


def plain_site(scratch):
    """The same book without what makes ours light."""
    copy = scratch / "plain"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "_build", "work", "mutants"))
    config = copy / "_config.yml"
    ours = ("    katex: _ext", "    lean: _ext", "    html_math_renderer: katex")
    lines = config.read_text(encoding="utf-8").splitlines()
    config.write_text("\n".join(line for line in lines if not line.startswith(ours)), encoding="utf-8")
    shutil.rmtree(copy / "_static" / "katex")
    return book.build(copy, scratch / "plain-site").parent


def mathjax(scratch):
    """MathJax 3 from the registry of npm, unpacked."""
    subprocess.run(["npm", "pack", "--silent", "mathjax@3.2.2"], cwd=scratch, check=True, capture_output=True)
    (archive,) = scratch.glob("mathjax-*.tgz")
    shutil.unpack_archive(archive, scratch)
    return scratch / "package"


def visit(browser, server, name, math):
    """Bytes, seconds until the mathematics is ready, and layout shift of one visit with an empty cache."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, device_scale_factor=2)
    page = context.new_page()

    def from_cdn(route):
        path = math / route.request.url.removeprefix(CDN).partition("?")[0]
        body = path.read_bytes()
        server.sent += len(gzip.compress(body, 9)) if path.suffix == ".js" else len(body)
        route.fulfill(body=body, content_type="text/javascript" if path.suffix == ".js" else "font/woff")

    page.route(f"{CDN}**", from_cdn)
    page.route("https://unpkg.com/**", lambda route: route.abort())
    page.add_init_script(WATCH + READY)
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", NETWORK)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    server.sent = 0
    page.goto(f"http://127.0.0.1:{server.server_port}/{name}", wait_until="load")
    ready = page.evaluate("window.readable") / 1000
    page.evaluate(SCROLL)
    before = None
    while before != server.sent:  # what comes late counts too: figures, and MathJax's own parts
        before = server.sent
        page.wait_for_timeout(2000)
    found = server.sent / 1000, ready, page.evaluate("window.shift")
    context.close()
    return found


def main():
    chromium = pdf.find_browser()
    if chromium is None or shutil.which("npm") is None:
        sys.exit("This benchmark needs Chromium and npm.")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        scratch = Path(folder)
        sites = {"plain": plain_site(scratch), "ours": book.build(output=scratch).parent}
        servers, math = {kind: serve(site) for kind, site in sites.items()}, mathjax(scratch)
        chapters = sorted(path.name for path in sites["ours"].glob("chapters/*.html"))
        names = sys.argv[1:] or ["intro.html", *(f"chapters/{name}" for name in chapters)]
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        print(f"{'page':34} {'kB':>12} {'ratio':>6} {'ready, s':>12} {'ratio':>6} {'shift':>12}")
        for name in names:
            runs = {kind: [] for kind in servers}
            for _ in range(VISITS):  # in turn, so that both see the same machine
                for kind, server in servers.items():
                    runs[kind].append(visit(browser, server, name, math))
            plain, ours = (list(map(statistics.median, zip(*runs[kind], strict=True))) for kind in servers)
            print(
                f"{name:34} {plain[0]:6.0f} {ours[0]:5.0f} {ours[0] / plain[0]:6.2f}"
                f" {plain[1]:6.1f} {ours[1]:5.1f} {ours[1] / plain[1]:6.2f} {plain[2]:6.3f} {ours[2]:5.3f}"
            )


if __name__ == "__main__":
    main()
