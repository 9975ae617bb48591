"""The site in a real browser: no error, no foreign request, accessible, and readable on a phone.

Where no browser is found these tests are skipped, but with CI set they fail.
"""

import re
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import book
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import Visit, needs_browser, parse
from extensions import extension

CONTRAST = "color-contrast"  # takes longest; the dark page has other colours, the narrow one has not
SETTINGS = [
    (1280, "light", {}),
    (1280, "dark", {"runOnly": {"type": "rule", "values": [CONTRAST]}}),
    (390, "light", {"rules": {CONTRAST: {"enabled": False}}}),
]
SEARCHES = {  # what a reader types, and the first place that is found
    "Kronecker delta": "pages/glossary.html#term-Kronecker-delta",
    "momentum": "pages/glossary.html#term-momentum",
    "batchnorm_backward": "pages/api.html#bn_utils.batchnorm_backward",
    "sigma": "chapters/00_notation.html#symbol-var",
    "\N{GREEK SMALL LETTER SIGMA}": "chapters/00_notation.html#symbol-var",
    "gamma": "chapters/00_notation.html#symbol-gamma",
    "h_hat": "chapters/00_notation.html#symbol-h_hat",
    r"\hat h": "chapters/00_notation.html#symbol-h_hat",
    "dgamma": "chapters/04_final_formulas.html#equation-eq-dgamma-1",
    "eq-dh-5": "chapters/04_final_formulas.html#equation-eq-dh-5",
}
pytestmark = needs_browser


@pytest.fixture(scope="module")
def pages(site):
    """The pages by their path in the site, without the one that only leads to the first."""
    found = [page.relative_to(site).as_posix() for page in sorted(site.rglob("*.html"))]
    return [page for page in found if not page.startswith(("_static", "index"))]


def sideways(page):
    """Say whether a page is wider than its window."""
    page.evaluate("document.documentElement.classList.add('whole')")  # all sections are laid out
    return page.evaluate("document.documentElement.scrollWidth > innerWidth")


@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_opens_whole(browser, address, pages, width):
    """No error, no request to another host; all formulas; its height known at once; nothing sideways."""
    formulas = "[document.querySelectorAll('.math').length, document.querySelectorAll('.katex').length]"
    height = "document.documentElement.scrollHeight"
    with Visit(browser, width) as visit:
        for name in pages:
            page = visit.open(f"{address}/{name}")
            found, rendered = page.evaluate(formulas)
            assert found == rendered, name
            said = page.evaluate(height)
            assert not sideways(page), name
            assert 0.8 < said / page.evaluate(height) < 1.2, name
        assert visit.faults == []
        assert [url for url in visit.requests if not url.startswith((address, "data:"))] == []


# Of formulas with the same colours, and of words of code of one kind, axe looks at the first alone:
# they differ in nothing that it checks, and would take nine tenths of its time.
THIN = """() => {
    const seen = new Set();
    for (const part of document.querySelectorAll('.bd-article :is(.katex, pre span)')) {
        const colours = [...part.querySelectorAll('[style*=color]')].map(letter => letter.style.color);
        const kind = `${part.className} ${[...new Set(colours)]}`;
        if (seen.has(kind)) part.replaceWith('x');
        seen.add(kind);
    }
}"""


@pytest.mark.parametrize(("width", "scheme", "rules"), SETTINGS)
def test_no_page_violates_a_rule_of_axe(request, browser, address, pages, width, scheme, rules):
    axe, found = Axe(), []
    sample = pages[width % 8 + (scheme == "dark") :: 9]  # other pages in each setting
    with Visit(browser, width, scheme, bypass_csp=True) as visit:
        for name in pages if request.config.getoption("--thorough") else sample:
            page = visit.open(f"{address}/{name}")
            assert not sideways(page), name  # and all sections are laid out
            page.evaluate(THIN)
            result = axe.run(page, options={"resultTypes": ["violations"], **rules})
            for violation in result.response["violations"]:
                found.append((name, violation["id"], violation["nodes"][0]["html"]))
    assert found == []


@pytest.mark.parametrize(("mode", "theme"), [("", "dark"), ("light", "light")])
def test_a_page_has_its_colours_before_the_scripts_of_the_theme_come(browser, address, mode, theme):
    with Visit(browser, scheme="dark") as visit:
        visit.page.route("**/pydata-sphinx-theme.js*", lambda route: route.abort())
        visit.page.add_init_script(f"localStorage.setItem('mode', '{mode}')")
        assert visit.open(f"{address}/intro.html").evaluate("document.documentElement.dataset.theme") == theme


def test_a_script_that_is_not_of_the_site_does_not_run(browser, address):
    def inject(route):
        reply = route.fetch()
        route.fulfill(response=reply, body=reply.text().replace("</body>", f"{foreign}</body>"))

    foreign = "<script>window.intruder = 1</script>"
    for allowed in (True, False):  # with the policy switched off it does run: so the test can fail
        with Visit(browser, bypass_csp=allowed) as visit:
            visit.page.route("**/intro.html", inject)
            page = visit.open(f"{address}/intro.html")
            assert page.evaluate("'intruder' in window") is allowed


@pytest.mark.parametrize("way", [pytest.param("http", marks=pytest.mark.thorough), "disk"])
def test_the_search_finds_terms_symbols_functions_and_equations(browser, address, site, way):
    start = address if way == "http" else site.as_uri()
    with Visit(browser) as visit:
        for words, target in SEARCHES.items():
            page = visit.open(f"{start}/search.html?{urlencode({'q': words})}")
            page.wait_for_selector(".search-summary:not(:empty)")  # it is said last
            first = page.locator("#search-results li").first
            assert not re.search(r"[\\{}$<]|katex", page.locator("#search-results ul").inner_text()), words
            assert first.locator("a").get_attribute("href") == target, words
            path, _, name = target.partition("#")
            assert parse(site / path).find(id=name), words
        assert first.inner_text() == "eq-dh-5 (equation, in 4. Contract the deltas: the final formulas)"
        assert visit.faults == []


@pytest.mark.parametrize("way", ["http", "disk"])
def test_a_page_is_searched_left_copied_and_downloaded(browser, address, site, way):
    start = address if way == "http" else site.as_uri()
    with Visit(browser) as visit:
        page = visit.open(f"{start}/pages/references.html")
        page.locator(".highlight-bibtex").hover()
        page.locator(".highlight-bibtex button.copybtn").click()
        page.get_by_role("button", name="Search").first.click()
        field = page.get_by_role("searchbox").last
        field.press("Control+V")
        assert field.input_value().startswith("@misc{bn_utils,")
        field.fill("Kronecker delta")
        field.press("Enter")
        page.wait_for_selector("#search-results li a")

        page = visit.open(f"{start}/chapters/00_notation.html")
        page.get_by_role("link", name="next").click()
        page.wait_for_url("**/01_forward.html")
        for kind in (".ipynb", ".md"):
            page.get_by_role("button", name="Download this page").click()
            link = page.locator(".dropdown-download-buttons a", has_text=kind)
            source = (book.ROOT / "chapters" / f"01_forward{kind}").read_bytes()
            if way == "http":
                with page.expect_download() as download:
                    link.click()
                assert download.value.suggested_filename == f"01_forward{kind}"
                assert Path(download.value.path()).read_bytes() == source
            else:  # from there no browser downloads: it opens another page
                with visit.context.expect_page() as opened:
                    link.click()
                assert opened.value.url.endswith(f"01_forward{kind}")
                assert (site / "_sources" / "chapters" / f"01_forward{kind}").read_bytes() == source
        assert visit.faults == []


def test_a_page_reads_from_disk(browser, site):
    with Visit(browser) as visit:
        page = visit.open((site / "chapters" / "03_delta_notation.html").as_uri())
        assert page.locator(".katex-display").first.is_visible()
        assert page.get_by_text("It needs a script").is_visible()  # no browser loads a module from disk
        assert visit.faults == []
        assert all(url.startswith(("file:", "data:")) for url in visit.requests)


def test_a_wide_equation_scrolls_in_itself_and_can_be_focused(browser, address):
    with Visit(browser, 320) as visit:
        page = visit.open(f"{address}/chapters/04_final_formulas.html")
        assert not sideways(page)
        wide = page.locator("div.math > .equation[tabindex='0']")
        wide.first.wait_for()
        assert wide.first.evaluate("part => getComputedStyle(part).overflowX") == "auto"
        beyond = "parts => parts.filter(part => part.scrollWidth > part.clientWidth).length"
        assert page.locator("div.math > .equation").evaluate_all(beyond) == wide.count()
        assert page.locator("div.math > .equation[style*=font-size]").count() > 0  # smaller


@pytest.mark.parametrize("width", [1000, 1200])
def test_notes_and_formulas_fit_a_window_of_middle_width(browser, address, width):
    with Visit(browser, width) as visit:
        assert not sideways(visit.open(f"{address}/chapters/04_final_formulas.html"))


def test_copying_an_equation_gives_its_tex(browser, address):
    copied = """() => {
        const range = document.createRange();
        range.selectNode(document.querySelector('#equation-eq-delta .katex'));
        getSelection().removeAllRanges();
        getSelection().addRange(range);
        const event = new ClipboardEvent('copy', {clipboardData: new DataTransfer(), bubbles: true});
        document.querySelector('#equation-eq-delta .katex').dispatchEvent(event);
        return event.clipboardData.getData('text/plain');
    }"""
    with Visit(browser) as visit:
        page = visit.open(f"{address}/chapters/03_delta_notation.html")
        assert r"\delta_{ik} \delta_{jl}" in page.evaluate(copied)


def test_solutions_open_without_a_script(browser, address):
    with Visit(browser, java_script_enabled=False) as visit:
        visit.open(f"{address}/chapters/01_forward.html")
        solution = visit.page.locator("details").first
        assert not solution.locator("pre").first.is_visible()
        solution.locator("summary").click()
        assert solution.locator("pre").first.is_visible()


def test_printed_pages_show_the_solutions(browser, address):
    with Visit(browser) as visit:
        page = visit.open(f"{address}/chapters/01_forward.html")
        page.emulate_media(media="print")
        assert page.locator("details pre").first.is_visible()


def preview(page, link, by):
    """Point at a link, or go to it by the keyboard; return what is shown."""
    link = page.locator(f".bd-article {link}").first.element_handle()
    if by == "mouse":
        link.hover()
    else:
        link.evaluate("link => link.focus({focusVisible: true})")
    box = page.locator("#preview")
    box.wait_for(state="visible")
    assert link.get_attribute("aria-describedby") == "preview"
    return box


@pytest.mark.parametrize("by", ["keyboard", pytest.param("mouse", marks=pytest.mark.thorough)])
@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ("a[href='03_delta_notation.html#equation-eq-jac']", r"\underbrace{\delta_{ik}"),
        pytest.param(
            "a.reference[href='#equation-eq-dh-4']",
            r"\underbrace{g_{ij} \gamma_j",
            marks=pytest.mark.thorough,
        ),
        ("a[title*='Chris Yeh']", "Deriving batch-norm backprop equations"),
    ],
)
def test_a_link_shows_what_it_leads_to(browser, site, address, link, shown, by):
    for place in (address, site.as_uri()):
        with Visit(browser) as visit:
            page = visit.open(f"{place}/chapters/04_final_formulas.html")
            box = preview(page, link, by)
            assert shown in box.text_content()
            page.keyboard.press("Escape")
            assert not box.is_visible()
            assert visit.faults == []


def test_a_preview_stays_while_it_is_pointed_at_and_within_the_window(browser, address):
    with Visit(browser, 390) as visit:
        page = visit.open(f"{address}/chapters/04_final_formulas.html")
        box = preview(page, "a[href='03_delta_notation.html#equation-eq-jac']", "mouse")
        box.hover()
        page.wait_for_timeout(600)
        assert box.is_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        page.locator(".bd-article h1").hover()
        box.wait_for(state="hidden")


# Where each sign and each line of a formula stands, as it was drawn before and as the site draws it now.
PLACES = """formulas => {
    const places = html => {
        document.body.innerHTML = `<div class="math"><div class="equation">${html}</div></div>`;
        const drawn = document.querySelector('.katex-html'), origin = drawn.getBoundingClientRect();
        const lines = drawn.querySelectorAll('.frac-line, svg');
        const found = Array.from(lines, line => line.getBoundingClientRect());
        const walk = document.createTreeWalker(drawn, NodeFilter.SHOW_TEXT), range = new Range();
        while (walk.nextNode()) {
            for (let k = 0; k < walk.currentNode.length; k++) {
                range.setStart(walk.currentNode, k), range.setEnd(walk.currentNode, k + 1);
                if (walk.currentNode.data[k] !== '\\u200b') found.push(range.getBoundingClientRect());
            }
        }
        found.push(document.querySelector('.katex-base').getBoundingClientRect());
        return found.map(box => [box.left - origin.left, box.bottom - origin.top, box.width]);
    };
    return formulas.map(pair => pair.map(places));
}"""


def test_a_lighter_formula_looks_like_that_of_katex(request, browser, site, address):
    annotations = re.compile('<annotation encoding="application/x-tex">(.*?)</annotation>', re.DOTALL)
    text = "".join(page.read_text(encoding="utf-8") for page in site.glob("chapters/*.html"))
    every = sorted({unescape(tex) for tex in annotations.findall(text)})
    every = every[:: 1 if request.config.getoption("--thorough") else 5]
    katex = extension("katex")
    katex.render(every[0], display=True)
    full = {"displayMode": True, **katex.OPTIONS}
    pairs = [
        [katex.render.engine.call("katex.renderToString", tex, full), katex.render(tex, display=True)]
        for tex in every
    ]
    with Visit(browser) as visit:
        page = visit.open(f"{address}/chapters/13_second_derivative.html")
        for tex, (before, after) in zip(every, page.evaluate(PLACES, pairs), strict=True):
            assert len(before) == len(after), tex
            assert np.abs(np.subtract(before, after)).max() < 0.2, tex
    assert sum(len(after) for _, after in pairs) < 0.8 * sum(len(before) for before, _ in pairs)


def test_all_sections_are_in_a_picture_of_the_whole_page_and_without_scripts(browser, address):
    states = "[...document.querySelectorAll('.bd-article > section > section')].map("
    states += "part => getComputedStyle(part).contentVisibility)"
    with Visit(browser) as visit:
        page = visit.open(f"{address}/chapters/04_final_formulas.html")
        assert set(page.evaluate(states)[1:]) == {"auto"}
        page.screenshot(full_page=True)
        assert set(page.evaluate(states)) == {"visible"}
    with Visit(browser, java_script_enabled=False) as visit:
        page = visit.open(f"{address}/chapters/04_final_formulas.html")
        assert page.locator("#final-further").bounding_box()["y"] > 5000


def test_a_link_to_a_far_section_lands_on_it(browser, address):
    with Visit(browser) as visit:
        page = visit.open(f"{address}/chapters/04_final_formulas.html#final-remember")
        page.wait_for_timeout(500)
        assert 0 <= page.locator("#final-remember").bounding_box()["y"] < 200


def test_the_map_leads_to_every_chapter_and_lights_its_arcs(browser, address):
    with Visit(browser) as visit:
        page = visit.open(f"{address}/intro.html")
        stroke = "path => getComputedStyle(path).strokeWidth"
        arc = page.locator(".chapter-map path.from-ch-chain.to-ch-final")
        plain = arc.evaluate(stroke)
        page.locator("#map-ch-final").hover()
        assert arc.evaluate(stroke) != plain
        page.locator("#map-ch-final").click()
        assert page.url.endswith("chapters/04_final_formulas.html")
