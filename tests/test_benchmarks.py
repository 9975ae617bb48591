"""The benchmark of the backward passes: it measures what the chapter shows, and its tables are its data."""

import ast
import json
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "benchmarks" / "backward.py"


@pytest.fixture
def backward(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPT.parent)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "1")  # which the script sets, too: so that it is undone
    yield __import__("backward")
    del sys.modules["backward"]


@pytest.mark.parametrize("name", ["staged", "closed", "means"])
def test_a_way_is_measured_as_the_chapter_writes_it(name):
    source = SCRIPT.read_text(encoding="utf-8")
    (way,) = (node for node in ast.parse(source).body if getattr(node, "name", "") == name)
    chapter = (ROOT / "chapters" / "16_speed.md").read_text(encoding="utf-8")
    assert ast.get_source_segment(source, way) in chapter


def test_every_way_is_right_and_measured(backward, monkeypatch):
    monkeypatch.setattr(backward, "SECONDS", 0.01)
    monkeypatch.setattr(backward, "SHORTEST", 1e-4)
    found = backward.measure(40, 30, np.dtype(np.float64))
    for name, row in found["ways"].items():
        assert name == "copy" or row["error"] < 1e-14
    assert found["ways"]["staged"]["arrays"] > 2
    assert found["ways"]["fused"]["arrays"] > found["ways"]["fused, out"]["arrays"]


@pytest.mark.parametrize(("controls", "attempts"), [([1.0], 1), ([2.0, 1.02], 2), ([2.0] * 9, 5)])
def test_a_shape_waits_for_a_quiet_machine(backward, monkeypatch, controls, attempts):
    answers = iter([*controls[:attempts], *[3.0] * 8])
    monkeypatch.setattr(backward, "ratio", lambda *_: next(answers))
    found = backward.measure(40, 30, np.dtype(np.float64))
    assert found["attempts"] == attempts
    assert found["ways"]["kernel"]["ratio"] == controls[attempts - 1]


def test_the_stored_tables_are_those_of_the_stored_data(backward):
    found = json.loads(backward.MEASURED.read_text(encoding="utf-8"))
    assert (SCRIPT.parent / "backward.md").read_text(encoding="utf-8") == backward.report(found)
    for row in found["results"]:
        errors = {name: way["error"] for name, way in row["ways"].items() if "error" in way}
        assert errors["fused"] < (1e-6 if row["dtype"] == "float32" else 1e-13)
