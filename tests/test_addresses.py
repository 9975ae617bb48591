"""What the site shows once its addresses are set in `_config.yml`, and not before."""

import re
from xml.etree import ElementTree

import card
import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from book import ROOT
from browsing import Visit, needs_browser, parse
from PIL import Image

import bn_utils as bn

pytestmark = pytest.mark.no_cover  # slow under a tracer, and covered by the tests of units
BOOK = "https://example.net/book/"
REPOSITORY = "https://github.com/example/course"


@pytest.fixture(scope="module")
def pages(published):
    return {page.relative_to(published).as_posix(): parse(page) for page in published.rglob("*.html")}


def meta(soup):
    """The data of a page by their names."""
    tags = soup.find_all("meta", content=True)
    return {tag.get("property") or tag.get("name"): tag["content"] for tag in tags}


def test_nothing_needs_an_address_while_none_is_set(site):
    assert not (site / "sitemap.xml").exists()
    for page in site.rglob("*.html"):
        soup = parse(page)
        assert soup.select(".dropdown-source-buttons, .dropdown-launch-buttons, .btn-book-pdf-button") == []
        assert soup.find("link", rel="canonical") is None
        assert [name for name in meta(soup) if re.match("og:|twitter:", str(name))] == []
        assert "https://" not in "".join(code.get_text() for code in soup.select(".highlight-bibtex"))


def test_the_buttons_lead_to_the_repository_and_to_what_people_edit(pages):
    sources = {"chapters/01_forward": "chapters/01_forward.md", "pages/errata": "pages/errata.md"}
    for page, source in sources.items():
        links = [a["href"] for a in pages[f"{page}.html"].select(".dropdown-source-buttons a[href]")]
        assert links[:2] == [REPOSITORY, f"{REPOSITORY}/edit/main/{source}"]
        assert links[2].startswith(f"{REPOSITORY}/issues/new?")
        assert (ROOT / source).exists()


def test_a_page_says_what_it_is_to_search_engines_and_link_previews(pages):
    for name, soup in pages.items():
        if name in ("404.html", "search.html", "genindex.html"):
            continue
        place = "intro.html" if name == "index.html" else name
        data = meta(soup)
        assert soup.find("link", rel="canonical")["href"] == data["og:url"] == BOOK + place
        assert data["og:title"] in soup.find("title").get_text()
        assert data["description"] == data["og:description"]
        assert 40 < len(data["description"]) <= 200
        assert not re.search(r"[\\{}$_]|:$", data["description"].replace("bn_utils", "")), name
        assert data["og:image"] == f"{BOOK}_static/card.png"
        assert data["twitter:card"] == "summary_large_image"
    goal = meta(pages["chapters/01_forward.html"])["description"]
    assert goal.startswith("After this page you can write batch norm\u2019s forward pass")
    descriptions = {meta(soup).get("description") for name, soup in pages.items() if name != "index.html"}
    assert len(descriptions - {None}) == len(pages) - 4


def test_the_card_shows_the_formula_of_the_first_page():
    with Image.open(card.CARD) as picture:
        assert picture.size == (card.SIZE["width"], card.SIZE["height"]) == (1200, 630)
        assert picture.text["TeX"] == card.formula()
    assert card.CARD.stat().st_size < 60_000


def test_the_sitemap_lists_every_page_of_the_book(published, pages):
    places = [place.text for place in ElementTree.parse(published / "sitemap.xml").findall(".//{*}loc")]
    others = {"index.html", "404.html", "search.html", "genindex.html"}
    assert places == sorted(BOOK + name for name in pages if name not in others)


def test_the_entry_to_cite_has_the_address(pages):
    entry = pages["pages/references.html"].select_one(".highlight-bibtex").get_text()
    assert f"  url = {{{BOOK}}}," in entry
    assert r"{{The bn\_utils contributors}}" in entry


def test_the_version_is_the_same_everywhere(site):
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["version"] == bn.__version__
    entry = parse(site / "pages" / "references.html").select_one(".highlight-bibtex").get_text()
    assert f"note = {{Version {bn.__version__}}}" in entry


@needs_browser
def test_a_dead_link_leads_to_a_page_that_works_at_any_depth(browser, published_address):
    for place in ("nothing.html", "chapters/deeper/still/nothing.html"):
        with Visit(browser) as visit:
            page = visit.open(f"{published_address}/{place}")
            assert page.get_by_role("heading", name="This page does not exist").is_visible()
            styled = "getComputedStyle(document.querySelector('.bd-sidebar')).position"
            assert page.evaluate(styled) == "sticky"
            assert [fault for fault in visit.faults if not fault.endswith(place)] == []
            page.get_by_role("link", name="glossary", exact=True).click()
            page.get_by_role("heading", name="Glossary").wait_for()


@needs_browser
def test_the_menu_of_the_repository_is_accessible_and_has_its_icons(browser, published_address):
    with Visit(browser, bypass_csp=True) as visit:
        page = visit.open(f"{published_address}/chapters/01_forward.html")
        page.get_by_role("button", name="Source repositories").click()
        assert page.get_by_role("link", name="Suggest edit").is_visible()
        icons = page.locator(".dropdown-source-buttons i")
        signs = icons.evaluate_all("all => all.map(icon => getComputedStyle(icon, '::before').content)")
        assert len(signs) == 4
        assert all(re.fullmatch('"[\ue000-\uf8ff]"', sign) for sign in signs)
        assert visit.faults == []
        results = Axe().run(page, context=".article-header-buttons", options={"resultTypes": ["violations"]})
        assert results.response["violations"] == []
