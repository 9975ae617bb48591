"""The site as it is built: no warning, every equation in its place, every link alive."""

import gzip
from urllib.parse import unquote, urlsplit

import book
import pytest
from breaking import BUILD, fails, only
from browsing import parse
from equations import EQUATIONS

pytestmark = pytest.mark.no_cover  # slow under a tracer, and covered by the tests of units
FIGURES = {
    "00_notation": ["fig-delta"],
    "01_forward": ["fig-normalise"],
    "02_chain_rule": ["fig-nudge", "fig-graph"],
    "03_delta_notation": ["fig-dmu", "fig-jacobian"],
    "04_final_formulas": ["fig-errors"],
    "05_how_the_checking_works": ["fig-cubes"],
    "06_gradient_checking": ["fig-step-size"],
    "07_your_own_backward": ["fig-distances"],
    "08_museum_of_bugs": ["fig-museum"],
    "09_geometry": ["fig-geometry", "fig-spectrum", "fig-lengths"],
    "10_training_by_hand": ["fig-digits", "fig-same-way", "fig-rates", "fig-mistakes"],
    "11_training_and_evaluation": ["fig-company", "fig-start"],
    "12_the_family": ["fig-sets"],
    "13_second_derivative": ["fig-second-penalty"],
    "14_numerics": ["fig-variances", "fig-plane"],
    "15_many_workers": ["fig-workers"],
    "16_speed": ["fig-predicted", "fig-roofline"],
}


@pytest.fixture(scope="module")
def pages(site):
    """Every page by its path."""
    return {page: parse(page) for page in site.rglob("*.html")}


@pytest.fixture(scope="module")
def found(site, pages):
    """The function that gives a part of a page of the site by its id: (page, id)."""
    ids = {page: {tag["id"]: tag for tag in soup.find_all(id=True)} for page, soup in pages.items()}
    return lambda page, id: ids[site / page].get(id)


@pytest.mark.parametrize(("chapter", "label"), [(c, label) for c in EQUATIONS for label in EQUATIONS[c]])
def test_an_equation_is_rendered_numbered_and_linkable(found, chapter, label):
    equation = found(f"chapters/{chapter}.html", f"equation-{label}")
    assert "math" in equation["class"]
    assert equation.find(class_="eqno").get_text().startswith("(")
    assert equation.find("a", class_="headerlink")["href"] == f"#equation-{label}"


@pytest.mark.parametrize(("chapter", "label"), [(c, label) for c in EQUATIONS for label in EQUATIONS[c]])
def test_an_equation_has_a_mark_that_leads_to_its_row(found, chapter, label):
    equation = found(f"chapters/{chapter}.html", f"equation-{label}")
    mark = equation.find_next_sibling()
    assert mark["class"] == ["checks"]
    link = mark.find("a")
    assert link["href"] == f"../pages/ledger.html#check-{label}"
    row = found("pages/ledger.html", f"check-{label}").find_parent("tr")
    assert row.find("a")["href"] == f"../chapters/{chapter}.html#equation-{label}"
    kind = row.find_all("td")[1].get_text()
    shown = link.get_text().replace("\xa0", " ").split("\u2002")
    ways = {"proved": ["✓ every N", "✓ exact", "✓ PyTorch"], "definition": ["✓ definition", "✓ PyTorch"]}
    assert shown == ways[kind]


def test_the_list_of_equations_is_complete(site, pages):
    for chapter, labels in EQUATIONS.items():
        page = pages[site / "chapters" / f"{chapter}.html"]
        ids = [tag["id"] for tag in page.find_all(id=True) if tag["id"].startswith("equation-")]
        assert ids == [f"equation-{label}" for label in labels]


@pytest.mark.parametrize(("chapter", "name"), [(c, name) for c in FIGURES for name in FIGURES[c]])
def test_a_figure_has_a_caption_and_says_what_it_shows(found, chapter, name):
    figure = found(f"chapters/{chapter}.html", name)
    assert figure.find("img")["src"].endswith(".svg")
    assert len(figure.find("img")["alt"]) > 20
    assert len(figure.find("figcaption").get_text()) > 20


def test_the_list_of_figures_is_complete(site, pages):
    for chapter, names in FIGURES.items():
        page = pages[site / "chapters" / f"{chapter}.html"]
        assert [figure["id"] for figure in page.find_all("figure", id=True)] == names


def test_every_internal_link_and_image_leads_somewhere(site, pages, found):
    dead = []
    for page, soup in pages.items():
        targets = [a["href"] for a in soup.find_all("a", href=True)]
        targets += [image["src"] for image in soup.find_all("img", src=True)]
        for target in targets:
            url = urlsplit(target)
            if url.scheme:
                continue
            path = (page.parent / unquote(url.path)).resolve() if url.path else page
            leads = path.exists()
            if leads and url.fragment and path in pages:
                leads = found(path, url.fragment) is not None
            if not leads:
                dead.append(f"{page.name}: {target}")
    assert dead == []


def test_every_page_is_reached_by_going_on(site, pages):
    page, walked = site / "intro.html", []
    while page:
        walked.append(page)
        following = pages[page].select_one("a.right-next")
        page = (page.parent / following["href"]).resolve() if following else None
        if page:
            back = pages[page].select_one("a.left-prev")["href"]
            assert (page.parent / back).resolve() == walked[-1]
    others = {"index.html", "404.html", "search.html", "genindex.html"}
    assert {path.name for path in pages} - others == {path.name for path in walked}


def test_solutions_open_without_a_script(site, pages):
    solutions = pages[site / "chapters" / "01_forward.html"].select(".tag_solution")
    assert len(solutions) == 4
    assert all(solution.find("details") for solution in solutions)


def test_a_build_deletes_nothing_but_its_own_output(copy):
    for stray in (".pytest_cache/README.md", "work/mine.md", "notes.txt"):
        (copy / stray).parent.mkdir(exist_ok=True)
        (copy / stray).write_text("# Mine", encoding="utf-8")
    before = {path for path in copy.rglob("*") if path.is_file()}
    only(copy)
    with pytest.raises(SystemExit):  # at the very end, for the chapters that are gone
        book.build(copy, copy)
    assert (copy / "_build" / "html" / "intro.html").is_file()
    assert {path for path in before if not path.exists()} == set()


def test_no_browser_opens_where_nobody_would_see_it(monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.delenv("CI", raising=False)
    assert book.has_desktop()
    monkeypatch.setenv("CI", "true")
    assert not book.has_desktop()


def test_the_lists_name_every_chapter():
    chapters = sorted(path.stem for path in (book.ROOT / "chapters").glob("*.md"))
    assert list(EQUATIONS) == list(FIGURES) == chapters


@pytest.mark.parametrize(
    ("tex", "reason"),
    [
        (r"\frac{1}{", r"expected '}'"),
        (r"\unheard{h}", r"Undefined control sequence: \\unheard"),
    ],
)
def test_a_tex_error_fails_the_build_and_names_its_place(copy, tex, reason):
    page = copy / "pages" / "errata.md"
    page.write_text(page.read_text(encoding="utf-8") + f"\nA line.\n\n$${tex}$$\n", encoding="utf-8")
    only(copy, "pages/errata")
    assert fails(copy, BUILD, rf"errata\.md:\d+: WARNING: .*{reason}")


def test_every_page_has_a_policy_and_nothing_of_another_host(pages):
    for soup in pages.values():
        policy = soup.find("meta", attrs={"http-equiv": "Content-Security-Policy"})
        assert policy["content"].startswith("default-src 'self'; script-src 'self' ")
        sources = [tag["src"] for tag in soup.find_all(src=True)]
        sources += [tag["href"] for tag in soup.find_all("link", href=True)]
        assert [source for source in sources if "//" in source] == []


def test_pages_are_light(site):
    for page in (site / "chapters").glob("*.html"):
        assert len(gzip.compress(page.read_bytes())) < 60_000
