"""The explorables in a real browser: the same numbers as bn_utils, by mouse and by keyboard."""

import gzip
import re
from pathlib import Path

import numpy as np
import pytest
from browsing import Visit, needs_browser
from playwright.sync_api import expect

import bn_utils as bn

pytestmark = needs_browser
FOLDER = Path(__file__).parents[1] / "_static" / "explorables"
CHAPTERS = {"jacobian": "03_delta_notation", "paths": "04_final_formulas"}
ALL_TERMS = """async ([address, cases]) => {
    const {terms} = await import(address);
    const range = (length) => [...Array(length).keys()];
    return cases.map(({h, gamma, eps}) => range(h.length).map(k => gamma.map((_, l) =>
        range(h.length).map(i => gamma.map((_, j) => Object.values(terms(h, gamma, eps, k, l, i, j)))))));
}"""
ALL_PATHS = """async ([address, cases]) => {
    const {paths} = await import(address);
    return cases.map(({h, g, gamma, eps}) => paths(h, g, gamma, eps));
}"""


def golden(module, seed=3, number=20):
    """Random cases, and what bn_utils computes for them."""
    rng = np.random.default_rng(seed)
    for _ in range(number):
        N, H, eps = int(rng.integers(2, 7)), int(rng.integers(1, 4)), float(rng.uniform(0.01, 2))
        h, gamma, g = rng.normal(1, 3, size=(N, H)), rng.normal(size=H), rng.normal(size=(N, H))
        if module == "jacobian":
            parts = [part(h, eps) for part in (bn.dhhat_dh_delta, bn.dhhat_dh_mean, bn.dhhat_dh_variance)]
            expected = np.stack(parts, axis=-1) * gamma[:, None, None, None]
            yield {"h": h.tolist(), "gamma": gamma.tolist(), "eps": eps}, expected
        else:
            h, gamma, g = h[:, :1], gamma[:1], g[:, :1]
            cache = bn.batchnorm_forward(h, gamma, gamma, eps)[1]
            dh, dgamma, dbeta = bn.batchnorm_backward(g, cache)
            expected = np.concatenate([dh[:, 0], dgamma, dbeta, cache.h_hat[:, 0]])
            yield {"h": h[:, 0].tolist(), "g": g[:, 0].tolist(), "gamma": gamma[0], "eps": eps}, expected


def numbers_of(found):
    """What the module `paths` returns, as one array; the three paths must add up to dh."""
    total = np.sum([found["direct"], found["mean"], found["variance"]], axis=0)
    np.testing.assert_allclose(total, found["dh"], rtol=0, atol=1e-14)
    return np.concatenate([found["dh"], [found["dgamma"], found["dbeta"]], found["hHat"]])


def worst_error(page, name, address):
    cases, expected = zip(*golden(name), strict=True)
    script = ALL_TERMS if name == "jacobian" else ALL_PATHS
    found = page.evaluate(script, [address, list(cases)])
    found = [np.array(one) if name == "jacobian" else numbers_of(one) for one in found]
    return max(bn.relative_error(mine, right) for mine, right in zip(found, expected, strict=True))


@pytest.mark.parametrize("name", CHAPTERS)
def test_it_computes_what_bn_utils_computes(browser, address, name):
    with Visit(browser) as visit:
        page = visit.open(f"{address}/intro.html")
        assert worst_error(page, name, f"{address}/_static/explorables/{name}.mjs") < 1e-12


ERRORS = [
    ("jacobian", "mean: -slope / N", "mean: slope / N"),
    ("jacobian", "* centred[i]", "* centred[k]"),
    ("jacobian", "l === j ?", "true ?"),
    ("paths", "dot(g, hHat)", "dot(g, c)"),
    ("paths", "dot(c, c) / N", "dot(c, c) / (N - 1)"),
    ("paths", "x * dgamma", "dgamma"),
]


@pytest.mark.parametrize(("name", "old", "new"), ERRORS)
def test_a_planted_error_is_noticed(browser, address, name, old, new):
    text = (FOLDER / f"{name}.mjs").read_text(encoding="utf-8")
    assert text.count(old) == 1
    broken = f"{address}/_static/explorables/broken.mjs"
    with Visit(browser) as visit:
        body = text.replace(old, new)
        visit.page.route(broken, lambda route: route.fulfill(body=body, content_type="text/javascript"))
        page = visit.open(f"{address}/intro.html")
        try:
            error = worst_error(page, name, broken)
        except AssertionError:
            return
        assert error > 1e-3


@pytest.mark.parametrize("name", CHAPTERS)
def test_its_script_is_small(name):
    assert len(gzip.compress((FOLDER / f"{name}.mjs").read_bytes())) < 10_000


def numbers(text):
    return [
        float(number.replace("\N{MINUS SIGN}", "-")) for number in re.findall(r"[\u2212-]?\d+\.\d+", text)
    ]


@pytest.fixture
def explorable(browser, address):
    """Opens the explorable of a chapter; returns the page and the part of it."""
    visits = []

    def open(name, state="", **options):
        visits.append(Visit(browser, **options))
        page = visits[-1].open(f"{address}/chapters/{CHAPTERS[name]}.html{state}")
        part = page.locator(f"[data-explorable='{name}']")
        part.scroll_into_view_if_needed()
        return page, part

    yield open
    assert [fault for visit in visits for fault in visit.faults] == []
    for visit in visits:
        visit.context.close()


def test_the_jacobian_can_be_pointed_at_and_walked_over(explorable):
    page, part = explorable("jacobian")
    readout = part.locator("[aria-live]").first
    cell = part.locator("[role=gridcell]").first
    cell.click()
    expect(readout).to_contain_text("k=1, l=1, i=1, j=1: direct 0.33, mean")
    expect(cell).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(readout).to_contain_text("k=1, l=1, i=2, j=1: direct 0,")
    direct, *_ = bn.dhhat_dh_delta(np.array([[1.0], [3], [8]]), 1 / 3)[0, 0, 0]
    assert direct == pytest.approx(1 / 3)


def test_the_paths_can_be_dragged_and_pushed(explorable):
    page, part = explorable("paths")
    point = part.locator("[role=slider]").first
    before = float(point.get_attribute("aria-valuenow"))
    box = point.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 60, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    dragged = float(point.get_attribute("aria-valuenow"))
    assert dragged > before + 0.3
    point.focus()
    page.keyboard.press("ArrowLeft")
    assert float(point.get_attribute("aria-valuenow")) == pytest.approx(dragged - 0.1, abs=0.051)
    part.get_by_role("button", name="all g equal").click()
    assert "dh₁" in part.inner_text() or "dh" in part.inner_text()
    assert "0.000" in part.inner_text()


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("jacobian", "#jacobian=1,0;3,2&eps=0.5&gamma=1,-2&at=2,1,2,1"),
        ("paths", "#paths=1.5_0.5~-1_0_2~1_-1_0.5"),
    ],
)
def test_a_link_reproduces_a_state(explorable, name, state):
    _, part = explorable(name, state)
    if name == "jacobian":
        assert part.locator("[role=gridcell]").count() == 16
        assert part.locator("[aria-live]").first.inner_text().startswith("k=2, l=1, i=2, j=1")
    else:
        sliders = part.locator("[role=slider]")
        assert [float(sliders.nth(k).get_attribute("aria-valuenow")) for k in (0, 2, 4)] == [-1, 0, 2]


@pytest.mark.parametrize("name", CHAPTERS)
def test_it_fits_a_small_phone(explorable, name):
    page, _ = explorable(name, width=360)
    assert page.evaluate("document.documentElement.scrollWidth") == 360


@pytest.mark.parametrize("name", CHAPTERS)
def test_without_a_script_its_text_stands_there(explorable, name):
    _, part = explorable(name, java_script_enabled=False)
    assert "needs a script" in part.inner_text()
