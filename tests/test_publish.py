"""What tools/publish.py builds beside the site: PDF, zip, copies for Colab, and links to all of them.

All of it is built once, from a copy of the project whose addresses are set. It needs a browser.
"""

import re
import subprocess
import sys
from functools import cache
from urllib.parse import unquote, urlsplit
from zipfile import ZipFile

import archive
import book
import colab
import nbformat
import notebooks
import pdf
import publish
import pytest
from breaking import edit_text
from browsing import Visit, needs_browser, parse
from bs4 import BeautifulSoup
from conftest import copy_project
from equations import EQUATIONS
from pypdf import PdfReader

pytestmark = needs_browser
REPOSITORY, ADDRESS = "https://github.com/example/book", "https://example.net/book/"
MYST = re.compile(
    r"\{[a-z:]+\}`|^\([\w-]+\)=|^(?::::|`{3,}\{)|^\+\+\+|^\$\$ \(|^% |\\textcolor|^\$\$ *\(", re.MULTILINE
)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project with its addresses, all forms built: the whole book is printed, for minutes."""
    copy = copy_project(tmp_path_factory.mktemp("published") / "copy")
    edit_text(copy, "_config.yml", '  url: ""', f"  url: {REPOSITORY}")
    edit_text(copy, "_config.yml", 'baseurl: ""', f"baseurl: {ADDRESS.rstrip('/')}")
    publish.publish(copy, copy)
    return copy


@pytest.fixture(scope="module")
def published(project):
    """The folder of the published site."""
    return project / "_build" / "html"


@pytest.fixture(scope="module")
def printed(published):
    return PdfReader(published / "book.pdf")


@pytest.fixture(scope="module")
def text_of(printed):
    """The function that gives the text of a page of the PDF by its index from 0."""
    return cache(lambda index: printed.pages[index].extract_text())


@pytest.fixture(scope="module")
def copies(project):
    """The copies for Colab, by the names of their chapters."""
    found = (project / "_build" / "colab" / "chapters").glob("*.ipynb")
    return {path.stem: nbformat.read(path, as_version=4) for path in found}


def numbers(published, chapter):
    """The numbers of the equations of a chapter on the site, by label."""
    page = parse(published / "chapters" / f"{chapter}.html")
    equations = page.select("div.math[id^=equation-]")
    return {tag["id"].removeprefix("equation-"): tag.select_one(".eqno").get_text()[:-1] for tag in equations}


def links(page, group):
    return [link["href"] for link in page.select(f".dropdown-{group} a[href]")]


def test_a_chapter_can_be_launched_where_its_copy_lies(published, copies):
    for chapter in EQUATIONS:
        page = parse(published / "chapters" / f"{chapter}.html")
        path = f"chapters/{chapter}.ipynb"
        assert links(page, "launch-buttons") == [
            f"https://colab.research.google.com/github/example/book/blob/colab/{path}",
            f"https://mybinder.org/v2/gh/example/book/main?urlpath=lab/tree/{path}",
        ]
        assert [tag["src"] for tag in page.select("[src]") if "//" in tag["src"]] == []
    assert sorted(copies) == list(EQUATIONS)
    assert links(parse(published / "intro.html"), "launch-buttons") == []


def test_each_page_offers_the_whole_book(published):
    for name in ("intro.html", "chapters/01_forward.html", "pages/glossary.html"):
        page = published / name
        found = [page.parent / href for href in links(parse(page), "download-buttons")]
        assert {path.name for path in found} >= {"book.pdf", "book.zip"}
        assert all(path.is_file() for path in found)


def test_the_zip_holds_the_site_and_opens_from_disk(browser, published, tmp_path):
    with ZipFile(published / "book.zip") as packed:
        packed.extractall(tmp_path)
        assert {entry.date_time for entry in packed.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert packed.namelist() == sorted(packed.namelist())
    folder = tmp_path / archive.FOLDER
    files = {path.relative_to(published) for path in published.rglob("*") if path.is_file()}
    unpacked = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    assert {path.name for path in files - unpacked} == {"book.pdf", "book.zip"}
    with Visit(browser) as visit:
        page = visit.open((folder / "chapters" / "03_delta_notation.html").as_uri())
        assert page.locator(".katex-display").first.is_visible()
        assert visit.faults == []


def test_the_same_files_pack_into_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        for file in ("b.html", "a/c.css") if name == "one" else ("a/c.css", "b.html"):
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(file, encoding="utf-8")
        archive.pack(tmp_path / name, tmp_path / f"{name}.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def entries(outline, depth=0):
    """Yield depth and title of each entry of a PDF's outline."""
    for entry in outline:
        if isinstance(entry, list):
            yield from entries(entry, depth + 1)
        else:
            yield depth, entry.title.strip()


def test_the_pdf_has_a_title_tags_and_an_outline(published, printed):
    root = printed.trailer["/Root"]
    assert printed.metadata.title == book.settings()["title"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en"
    contents = parse(published / "intro.html").select("nav.bd-links a")
    titles = [link.get_text().strip() for link in contents]
    assert [title for depth, title in entries(printed.outline) if depth == 0] == titles
    assert (1, "The derivative of the mean") in list(entries(printed.outline))


def test_links_in_the_pdf_stay_in_it_or_lead_to_the_web(printed):
    notes = [note.get_object() for page in printed.pages for note in page.get("/Annots", [])]
    inside = [note["/Dest"] for note in notes if "/Dest" in note]
    outside = [note["/A"]["/URI"] for note in notes if "/Dest" not in note]
    assert len(inside) > 400
    assert set(inside) <= set(printed.named_destinations)
    assert [address for address in outside if not address.startswith("http")] == []


@pytest.mark.parametrize("chapter", EQUATIONS)
def test_an_equation_has_its_number_in_the_pdf(published, printed, text_of, chapter):
    for label, number in numbers(published, chapter).items():
        place = printed.named_destinations[f"/chapters/{chapter}.html-equation-{label}"]
        assert number in text_of(printed.get_destination_page_number(place))


def test_pages_of_the_pdf_are_numbered(printed, text_of):
    for index in range(1, len(printed.pages)):
        assert re.search(rf"\b{index + 1}\s*$", text_of(index), re.M)


def test_solutions_stand_open_in_the_pdf(printed, text_of):
    first, last = (
        printed.get_destination_page_number(printed.named_destinations[f"/chapters/{name}.html"])
        for name in ("04_final_formulas", "05_how_the_checking_works")
    )
    text = "".join(map(text_of, range(first, last)))
    assert "Solution" in text
    assert "def variance_path(dy, h, gamma, eps):" in text


def test_nothing_sticks_out_of_the_paper(browser, project, published):
    page = published / "joined.html"
    page.write_text(pdf.join(published, project), encoding="utf-8")
    wide = """() => [...document.querySelectorAll('article *:not(.katex-mathml *, svg *)')].filter(part =>
        part.getBoundingClientRect().right > document.body.getBoundingClientRect().right + 1)
        .map(part => part.outerHTML.slice(0, 200))"""
    with Visit(browser, 700) as visit:
        visit.page.emulate_media(media="print")
        assert visit.open(page.as_uri()).evaluate(wide) == []
        assert visit.page.locator("script[src]").count() == 0
    page.unlink()


@pytest.fixture
def small_site(tmp_path):
    """A site of two pages, of which the second links to the first and to a file."""
    contents = '<nav class="bd-links"><a href="#">One</a><a href="two.html">Two</a></nav>'
    one = f'{contents}<article><h1 id="a">One</h1></article>'
    two = (
        '<article><h1 id="a">Two</h1><a href="intro.html#a">one</a><a href="#a">two</a><a href="x">x</a>'
        '<div class="tag_solution"><details><summary>Show</summary>folded</details></div></article>'
    )
    (tmp_path / "intro.html").write_text(one, encoding="utf-8")
    (tmp_path / "two.html").write_text(two, encoding="utf-8")
    return tmp_path


def test_printing_twice_gives_the_same_bytes(small_site, tmp_path):
    for name in ("one.pdf", "two.pdf"):
        pdf.print_book(small_site, tmp_path / name)
    assert (tmp_path / "one.pdf").read_bytes() == (tmp_path / "two.pdf").read_bytes()


def test_links_of_the_joined_page_lead_to_its_own_parts(small_site):
    page = BeautifulSoup(pdf.join(small_site), "html.parser")
    assert [link.get("href") for link in page.select("article a")] == ["#intro.html-a", "#two.html-a", None]
    assert [link["href"] for link in page.select("nav a")] == ["#intro.html", "#two.html"]
    assert page.select_one("details[open] summary").get_text() == "Solution"
    ids = [tag["id"] for tag in page.find_all(id=True)]
    assert sorted(ids) == sorted(set(ids)) == ["intro.html", "intro.html-a", "two.html", "two.html-a"]


def test_without_a_browser_printing_says_how_to_get_one(monkeypatch, tmp_path):
    monkeypatch.setattr(pdf, "find_browser", lambda: None)
    with pytest.raises(SystemExit, match="apt-get install chromium"):
        pdf.print_book(tmp_path, tmp_path / "book.pdf")


def test_a_browser_that_prints_nothing_is_an_error(monkeypatch, small_site, tmp_path):
    monkeypatch.setattr(pdf, "find_browser", lambda: "true")
    (tmp_path / "book.pdf").write_text("old", encoding="utf-8")
    with pytest.raises(SystemExit, match="printed nothing"):
        pdf.print_book(small_site, tmp_path / "book.pdf")


def test_a_browser_that_hangs_is_an_error_and_leaves_nothing(monkeypatch, small_site, tmp_path):
    def hang(command, *, timeout, **options):
        assert (small_site / "book.html").exists()
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(pdf, "find_browser", lambda: "slow")
    monkeypatch.setattr(pdf.subprocess, "run", hang)
    with pytest.raises(SystemExit, match=r"^slow did not finish in 300 seconds\.$"):
        pdf.print_book(small_site, tmp_path / "book.pdf")
    assert not (small_site / "book.html").exists()


@pytest.mark.parametrize(
    ("url", "copied"), [("", 0), ("https://gitlab.com/example/book", 0), (REPOSITORY, 1)]
)
def test_chapters_are_copied_for_colab_where_it_finds_them(monkeypatch, tmp_path, url, copied):
    calls = []
    monkeypatch.setattr(book, "build", lambda *given, **named: tmp_path / "html" / "index.html")
    monkeypatch.setattr(book, "settings", lambda source: {"repository": {"url": url}})
    monkeypatch.setattr(archive, "pack", lambda *given: None)
    monkeypatch.setattr(pdf, "print_book", lambda *given: None)
    monkeypatch.setattr(colab, "write", lambda *given: calls.append(given))
    publish.publish(tmp_path, tmp_path)
    assert calls == [(tmp_path / "html", tmp_path / "_build" / "colab" / "chapters", tmp_path)] * copied


def test_copies_of_chapters_that_are_gone_are_removed(tmp_path):
    (tmp_path / "_config.yml").write_text(
        f'html: {{baseurl: ""}}\nrepository: {{url: {REPOSITORY}, branch: main}}\n', encoding="utf-8"
    )
    target = tmp_path / "_build" / "colab" / "chapters"
    target.mkdir(parents=True)
    (target / "old.ipynb").write_text("{}", encoding="utf-8")
    assert colab.write(tmp_path, target, tmp_path) == []
    assert list(target.iterdir()) == []


def prose(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


@pytest.mark.parametrize("chapter", EQUATIONS)
def test_a_copy_is_plain_markdown(copies, chapter):
    for text in prose(copies[chapter]):
        assert MYST.search(re.sub(r"`[^`{}]*\{[^`]*`", "", text) if "`\\" in text else text) is None, text


@pytest.mark.parametrize("chapter", EQUATIONS)
def test_a_copy_numbers_its_equations_as_the_site_does(published, copies, chapter):
    tags = re.findall(r"\\tag\{(.*?)\}", "\n".join(prose(copies[chapter])))
    assert [f"({tag})" for tag in tags] == list(numbers(published, chapter).values())
    assert list(numbers(published, chapter)) == EQUATIONS[chapter]


@pytest.mark.parametrize("chapter", EQUATIONS)
def test_links_of_a_copy_lead_to_places_of_the_site(published, copies, chapter):
    text = "\n".join(prose(copies[chapter]))
    targets = [urlsplit(target) for target in re.findall(rf"\]\({re.escape(ADDRESS)}([^)]*)\)", text)]
    assert len(targets) > 5
    for url in set(targets):
        page = (published / url.path).read_text(encoding="utf-8")
        assert not url.fragment or f' id="{unquote(url.fragment)}"' in page, url.geturl()


def test_a_copy_runs_to_the_same_outputs(copies, tmp_path):
    copy = copies["00_notation"]
    stored = [cell.outputs for cell in copy.cells if cell.cell_type == "code"]
    notebooks.execute(copy, tmp_path)
    fresh = [cell.outputs for cell in copy.cells if cell.cell_type == "code"]
    for old, new in zip(stored, fresh, strict=True):
        texts = [[o.get("text") or o.get("data", {}).get("text/plain") for o in one] for one in (old, new)]
        assert texts[0] == texts[1]


def test_a_copy_installs_what_it_imports(copies):
    for chapter, copy in copies.items():
        set_up, *code = [cell.source for cell in copy.cells if cell.cell_type == "code"]
        install = f'"bn-utils @ git+{REPOSITORY}@main"'
        torch = "torch" in "".join(re.findall("^(?:from|import).*", "\n".join(code), re.MULTILINE))
        assert f"matplotlib {'torch ' if torch else ''}{install}" in set_up, chapter


def test_a_copy_folds_its_solutions_and_keeps_its_captions(copies):
    copy = copies["00_notation"]
    solutions = [cell for cell in copy.cells if "solution" in cell.metadata.get("tags", ())]
    assert len(solutions) == 4
    assert all(cell.metadata.cellView == "form" and "# @title" in cell.source for cell in solutions)
    assert any(text.startswith("*Fig. 1* Left: the delta") for text in prose(copy))


@pytest.fixture(params=[REPOSITORY, f"{REPOSITORY}.git"])
def page(tmp_path, request):
    """The built page of a small chapter."""
    (tmp_path / "chapters").mkdir()
    text = """<article><h1>Title</h1>
        <div class="math" id="equation-eq-a"><span class="eqno">(1.2)</span></div>
        <a class="reference internal" href="#equation-eq-a">(1.2)</a>
        <figure id="fig-a"><span class="caption-number">Fig. 3 </span></figure></article>"""
    (tmp_path / "chapters" / "small.html").write_text(text, encoding="utf-8")
    settings = {"html": {"baseurl": ""}, "repository": {"url": request.param, "branch": "main"}}
    return colab.Page(tmp_path, "small", settings)


@pytest.mark.parametrize(
    ("myst", "plain"),
    [
        ("(here)=\n## Head", "## Head"),
        ("$$\na = b\n$$ (eq-a)", "$$\na = b\n\\tag{1.2}\n$$"),
        (r"$\textcolor{#0077BB}{\frac{a}{b_{i}}} c$", r"${\color{#0077BB}{\frac{a}{b_{i}}}} c$"),
        ("By {eq}`eq-a`, not `{eq}` nor `h_{id}` `", "By (1.2), not `{eq}` nor `h_{id}` `"),
        (":::{note}\nTwo\nlines\n:::", "> **Note**\n> \n> Two\n> lines"),
        ("```{warning} Mind\nText\n```", "> **Mind**\n> \n> Text"),
        (":::{explorable} paths\nIn words, {eq}`eq-a`.\n:::", "In words, (1.2)."),
        ("```{table} Caption\n| a |\n|---|\n```", "*Caption*\n\n| a |\n|---|"),
        (
            "::::{explorable} p\n:::{figure} ../_static/x.svg\n:name: fig-a\n:alt: An x\nWords.\n:::\n::::",
            "![An x](https://raw.githubusercontent.com/example/book/main/_static/x.svg)\n\n*Fig. 3* Words.",
        ),
    ],
)
def test_myst_has_a_plain_form(page, myst, plain):
    assert page.plain(myst) == plain


@pytest.mark.parametrize(
    ("myst", "reason"),
    [
        ("{doc}`x`", "the role doc has no plain form"),
        ("```{mermaid}\nx\n```", "the directive mermaid has no plain form"),
        ("{eq}`eq-b`", "found #equation-eq-a in place of eq-b"),
    ],
)
def test_what_has_no_plain_form_is_an_error(page, myst, reason):
    with pytest.raises(SystemExit, match=reason):
        page.plain(myst)


def test_copies_need_the_address_of_the_repository(site, tmp_path):
    with pytest.raises(SystemExit, match=r"set repository\.url in _config\.yml"):
        colab.write(site, tmp_path)


def test_the_commands_run_from_a_shell(project):
    (project / "_build" / "book.zip").unlink(missing_ok=True)
    done = subprocess.run([sys.executable, "tools/archive.py"], cwd=project, capture_output=True, text=True)
    assert (project / "_build" / "book.zip").is_file()
    assert done.stdout.startswith("The site is packed: file:")
