"""The extensions of Sphinx where the book itself does not reach them."""

from types import SimpleNamespace

import pytest
from docutils import nodes
from extensions import extension
from sphinx.errors import ExtensionError

REPOSITORY = "https://github.com/example/book"


def drawn_map(rows):
    """The HTML of a map of chapters, in a book that has one label, ch-a."""
    chapter_map = extension("chapter_map")
    labels = SimpleNamespace(labels={"ch-a": ("chapters/a", "ch-a", "A")})
    builder = SimpleNamespace(
        env=SimpleNamespace(get_domain=lambda name: labels, toc_secnumbers={"chapters/a": {"": (3,)}}),
        current_docname="intro",
        get_relative_uri=lambda here, there: f"{there}.html",
    )
    writer = SimpleNamespace(builder=builder, body=[])
    with pytest.raises(nodes.SkipNode):
        chapter_map.visit(writer, chapter_map.chapter_map("", rows=rows))
    return "".join(writer.body)


def test_a_map_shows_any_name():
    assert ">3 Means &lt; &amp; sums</text>" in drawn_map([("ch-a", "Means < & sums", [])])


def test_a_map_says_which_label_no_page_has():
    with pytest.raises(ExtensionError, match=r"^chapter-map: no page has the label 'ch-b'$"):
        drawn_map([("ch-b", "B", [])])


def test_symbols_are_found_by_the_names_of_greek_letters():
    letter = extension("finding").letter
    assert [letter(name) for name in ("lambda", "epsilon", "sigma")] == list("\u03bb\u03b5\u03c3")
    with pytest.raises(KeyError):
        letter("hat")


def test_symbols_that_another_process_has_read_are_kept():
    names = extension("finding").Names(SimpleNamespace(domaindata={}))
    names.data["symbols"] = {"h": ("a", "symbol-h")}
    other = {"h": ("b", "symbol-h"), "mu": ("b", "symbol-mu"), "y": ("c", "symbol-y")}
    names.merge_domaindata(["b"], {"symbols": other})
    assert names.data["symbols"] == {"h": ("a", "symbol-h"), "mu": ("b", "symbol-mu")}


@pytest.fixture
def buttons(monkeypatch, tmp_path):
    """The function that gives what a chapter's buttons lead to, by the address of the repository."""
    for name in ("book.zip", ".DS_Store", "notes.txt"):
        (tmp_path / name).write_text("", encoding="utf-8")
    monkeypatch.setenv("BOOK_DOWNLOADS", str(tmp_path))
    forms = extension("forms")

    def found(url):
        options = {"repository_url": url, "repository_branch": "main"}
        app = SimpleNamespace(config=SimpleNamespace(html_theme_options=options, html_extra_path=[]))
        forms.add_files(app, app.config)
        assert app.config.html_extra_path == [str(tmp_path / "book.zip")]
        groups = [{"label": "download-buttons", "buttons": []}]
        context = {"header_buttons": groups, "pathto": lambda name, resource: name}
        forms.add_buttons(app, "chapters/a", "page.html", context, None)
        return [button["url"] for group in groups for button in group["buttons"]]

    return found


@pytest.mark.parametrize("url", [REPOSITORY, f"{REPOSITORY}/", f"{REPOSITORY}.git"])
def test_buttons_lead_to_copies_on_github_and_to_what_is_made_for_download(buttons, url):
    assert buttons(url) == [
        "https://colab.research.google.com/github/example/book/blob/colab/chapters/a.ipynb",
        "https://mybinder.org/v2/gh/example/book/main?urlpath=lab/tree/chapters/a.ipynb",
        "book.zip",
    ]


def test_another_host_has_no_copies_to_be_run(buttons):
    assert buttons("https://gitlab.com/example/book") == buttons("") == ["book.zip"]
