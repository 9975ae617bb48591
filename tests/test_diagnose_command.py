"""`python -m bn_utils.diagnose layers.py`: whatever the file does ends in a sentence and an exit code."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
import right_backwards as right
from code_mutants import source_of
from messages import exactly

from bn_utils.diagnose import __main__ as command
from bn_utils.diagnose.__main__ import diagnose_file, main
from bn_utils.diagnose.loading import LoadError, load

HEAD = "import numpy as np\n\n\n"
FORWARD = source_of(right.forward).replace("def forward", "def batchnorm_forward")
BACKWARD = source_of(right.staged).replace("def staged", "def batchnorm_backward")
ALT = source_of(right.closed).replace("def closed", "def batchnorm_backward_alt")
RIGHT = HEAD + FORWARD + BACKWARD + ALT
WRONG = RIGHT.replace("* -0.5 *", "* -1 *")


def file(folder, text):
    path = folder / "layers.py"
    path.write_text(text, encoding="utf-8")
    return path


def run(capsys, *arguments):
    """The exit code and the output of the command."""
    code = main([str(argument) for argument in arguments])
    return code, capsys.readouterr().out


def test_a_right_file(tmp_path, capsys):
    code, text = run(capsys, file(tmp_path, RIGHT))
    assert code == 0
    assert text.splitlines()[0] == "batchnorm_backward: right"
    assert "batchnorm_backward_alt: right" in text


def test_a_wrong_file_as_a_process_of_its_own(tmp_path):
    path = file(tmp_path, WRONG)
    shell = [sys.executable, "-m", "bn_utils.diagnose", str(path)]
    done = subprocess.run(shell, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert "variance-no-half" in done.stdout
    line = (
        WRONG.splitlines().index("    dvar = np.sum(dx_hat * (x - mu) * -1 * (var + eps) ** (-1.5), axis=0)")
        + 1
    )
    assert f"First wrong line: {line}: dvar = np.sum(" in done.stdout


def test_json(tmp_path, capsys):
    code, text = run(capsys, file(tmp_path, WRONG), "--json")
    data = json.loads(text)
    assert code == 1
    assert data["error"] is None
    assert [report["ok"] for report in data["reports"]] == [False, True]


def test_functions_are_chosen_by_name(tmp_path, capsys):
    path = file(tmp_path, WRONG)
    assert run(capsys, path, "batchnorm_backward_alt")[0] == 0
    path = file(tmp_path, RIGHT.replace("def batchnorm_backward(", "def my_backward("))
    assert run(capsys, path, "my_backward")[0] == 1  # it got our cache, in another order
    mine = ALT.replace("batchnorm_backward_alt", "mine_backward") + FORWARD.replace("batchnorm", "mine")
    path = file(tmp_path, RIGHT + mine)
    assert run(capsys, path, "mine_backward")[0] == 0


LINEAR = """
def affine_forward(x, w, b):
    return x @ w + b, (x, w)


def affine_backward(dout, cache):
    x, w = cache
    return dout @ w.T, x.T @ dout, dout.sum(axis=0)


def relu_backward(dout, cache):
    return dout * (cache.y >= 0)
"""


def test_the_other_layers_are_known_by_their_names(tmp_path, capsys):
    code, text = run(capsys, file(tmp_path, LINEAR), "affine_backward", "relu_backward")
    assert code == 0
    assert "  dW: right" in text
    reports = diagnose_file(tmp_path / "layers.py", ["affine_backward", "relu_backward"])["reports"]
    assert [list(report["outputs"]) for report in reports] == [["dX", "dW", "db"], ["dy"]]
    assert "  dy: right" in text


ENDED = "layers.py ended Python itself ({}): look for exit, or for a crash in a library."
NONE = (
    "layers.py has no function batchnorm_backward, batchnorm_backward_alt, batch_norm_backward, bn_backward."
)
PART = " A part of it could not be loaded, it raises "
ERRORS = {
    "an endless loop": (
        "while True: pass\n",
        "layers.py did not end within 2 seconds: look for a loop that never ends.",
    ),
    "an exit": ("import os\nos._exit(7)\n", ENDED.format("exit code 7")),
    "a crash": ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n", ENDED.format("signal SIGSEGV")),
    "a polite exit": ("raise SystemExit(3)\n", NONE + PART + "SystemExit: 3."),
    "an error": ("1 / 0\n", NONE + PART + "ZeroDivisionError: division by zero."),
    "no Python": ("this is no Python\n", "layers.py is no Python 3: invalid syntax (layers.py, line 1)"),
    "an empty file": ("", NONE),
    "other names": (
        "def my_backward(dout, cache): pass\n",
        NONE + " It has my_backward: give one of them by name.",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_what_cannot_be_run_ends_in_a_sentence(tmp_path, capsys, case):
    text, sentence = ERRORS[case]
    path = file(tmp_path, text)
    code, output = run(capsys, path, "--timeout", "2" if case == "an endless loop" else "30")
    assert (code, output) == (2, sentence + "\n")
    assert json.loads(run(capsys, path, "--json", "--timeout", "2")[1])["error"] == sentence


def test_a_loop_in_the_function_itself_is_stopped(tmp_path, capsys):
    path = file(tmp_path, "def bn_backward(dout, cache):\n    while True: pass\n")
    code, output = run(capsys, path, "--timeout", "2")
    assert code == 2
    assert "look for a loop that never ends" in output


def test_a_function_that_raises_could_not_be_run(tmp_path, capsys):
    code, output = run(capsys, file(tmp_path, "def bn_backward(dout, cache):\n    exit(3)\n"))
    assert code == 2
    assert "Your backward pass raises SystemExit: 3" in output


def test_a_file_that_is_not_there_or_no_text(tmp_path, capsys):
    assert run(capsys, tmp_path / "no.py")[1].endswith("no.py cannot be read: No such file or directory\n")
    assert run(capsys, tmp_path)[1].endswith("cannot be read: Is a directory\n")
    path = tmp_path / "layers.py"
    path.write_bytes(b"# coding: no-such\n\xff\xfe\x00")
    assert run(capsys, path) == (
        2,
        "layers.py is no text in the encoding that it names: unknown encoding: no-such\n",
    )
    path.write_bytes(b"x = 1\n\xff")
    assert "is no text in the encoding that it names" in run(capsys, path)[1]


def test_the_time_must_be_a_positive_number(capsys):
    for text in ("0", "inf", "-1", "1e300", "soon"):
        with pytest.raises(SystemExit):
            main(["layers.py", "--timeout", text])
        assert f"must be a number of seconds > 0, at most 86400, got {text}" in capsys.readouterr().err


# Files of the course: they import much, and some were written for Python 2

COURSE = """from builtins import range
from past.builtins import xrange
import numpy as np
import scipy_is_not_here.ndimage as nd
from cs231n.im2col import *
from .layer_utils import affine_relu_forward
from ..fast import conv as fast_conv
from numba_is_not_here import jit, prange

print("loaded")
Conv = fast_conv.Layer
for _ in xrange(1):
    pass


@jit
def helper(a):
    return a


@jit(nopython=True)
def helper_too(a):
    return a


"""


def test_a_file_of_the_course_loads_without_its_modules(tmp_path, capsys):
    before = set(sys.modules)
    used = BACKWARD.replace("N = dout.shape[0]", "N = helper(helper_too(dout)).shape[0]")
    assert diagnose_file(file(tmp_path, COURSE + FORWARD + used + ALT))["reports"][0]["ok"]
    made_up = {"course", "past", "cs231n", "scipy_is_not_here", "numba_is_not_here"}
    assert made_up.isdisjoint(name.split(".")[0] for name in set(sys.modules) - before)
    calls = COURSE + FORWARD + BACKWARD.replace("N = dout.shape[0]", "N = fast_conv(dout).shape[0]")
    code, output = run(capsys, file(tmp_path, calls))
    assert code == 2
    assert "fast.conv is called, but its module is not here" in output


def test_modules_beside_the_file_are_used(tmp_path):
    (tmp_path / "helpers.py").write_text("def rows(a):\n    return len(a)\n", encoding="utf-8")
    (tmp_path / "sizes.py").write_text("def rows(a):\n    return len(a)\n", encoding="utf-8")
    for line in ("from helpers import rows", "from .sizes import rows"):
        text = line + "\n" + RIGHT.replace("N = dout.shape[0]", "N = rows(dout)")
        assert all(report["ok"] for report in diagnose_file(file(tmp_path, text))["reports"])


def test_a_module_beside_the_file_that_fails_is_made_up(tmp_path):
    (tmp_path / "broken_helpers.py").write_text("1 / 0\n", encoding="utf-8")
    names, _ = load(file(tmp_path, "import broken_helpers\n" + RIGHT))
    with pytest.raises(AttributeError):
        getattr(names["broken_helpers"], "__wrapped__")  # noqa: B009
    with pytest.raises(AttributeError):
        getattr(names["broken_helpers"].something, "__wrapped__")  # noqa: B009


def test_python_2_is_read_as_far_as_it_goes(tmp_path):
    printing = RIGHT.replace("    dvar =", '    print "shape", dout.shape\n    dvar =')
    assert all(report["ok"] for report in diagnose_file(file(tmp_path, printing))["reports"])
    tabs = "if True:\n        x = 1\n\ty = 2\n\n\n" + RIGHT
    assert load(file(tmp_path, tabs))[0]["y"] == 2
    other = "def conv(x):\n    raise ValueError, x\n\n\n" + RIGHT
    (wrong, alt) = diagnose_file(file(tmp_path, other.replace("* -0.5 *", "* -1 *")))["reports"]
    assert alt["ok"]
    assert wrong["line"]["text"].startswith("dvar = np.sum(")
    with pytest.raises(LoadError, match=r"^layers.py is no Python 3: "):
        load(file(tmp_path, "def conv(x):\n    raise ValueError, x\n"))


def test_a_missing_function_is_named(tmp_path):
    message = (
        "layers.py has no function f. "
        "It has batchnorm_backward, batchnorm_backward_alt: give one of them by name."
    )
    with pytest.raises(LoadError, match=exactly(message)):
        diagnose_file(file(tmp_path, RIGHT), ["f"])


SKELETON = """import numpy as np


def batchnorm_forward(x, gamma, beta, bn_param):
    mode = bn_param["mode"]
    eps = bn_param.get("eps", 1e-5)
    out, cache = None, None
    return out, cache


def batchnorm_backward(dout, cache):
    dx, dgamma, dbeta = None, None, None
    return dx, dgamma, dbeta
"""


def test_the_empty_skeleton_of_the_course(tmp_path, capsys):
    code, output = run(capsys, file(tmp_path, SKELETON))
    assert code == 1
    assert "out is None: nothing computes it yet. [out-none]" in output


def test_more_that_files_do(tmp_path, capsys):
    head = """from __future__ import annotations
import dataclasses
try:
    import cupy_is_not_here as np
except ImportError:
    import numpy as np


@dataclasses.dataclass
class Cache:
    x: np.ndarray


"""
    assert run(capsys, file(tmp_path, head + FORWARD + BACKWARD))[0] == 0
    noisy = RIGHT.replace("    dvar =", "    print('x' * 10**6)\n    dvar =")
    code, output = run(capsys, file(tmp_path, noisy))
    assert (code, len(output) < 1000) == (0, True)
    asking = RIGHT.replace("    dvar =", "    input()\n    dvar =")
    assert "raises EOFError" in run(capsys, file(tmp_path, asking))[1]
    many = "import " + ", ".join(f"is_not_here_{k}" for k in range(200)) + "\n"
    assert run(capsys, file(tmp_path, many + RIGHT))[0] == 0
    failing = "class Net(is_not_here.Module):\n    pass\n\n\n1 / 0\n"
    assert run(capsys, file(tmp_path, "import is_not_here\n" + failing + RIGHT))[0] == 0
    threads = "import threading, time\nthreading.Thread(target=time.sleep, args=(99,)).start()\n"
    assert run(capsys, file(tmp_path, threads + RIGHT), "--timeout", "20")[0] == 0


@pytest.fixture
def outputs():
    """The two outputs of the process, put back after the test."""
    kept = os.dup(1), os.dup(2)
    yield
    for number, file in enumerate(kept, start=1):
        os.dup2(file, number)
        os.close(file)


@pytest.mark.parametrize(
    ("text", "given", "error"),
    [
        (RIGHT, [], None),
        ("", ["f"], "layers.py has no function f."),
        (RIGHT, [3], "The diagnosis itself failed, please report it: TypeError: "),
    ],
)
def test_the_process_of_its_own_answers_in_json(tmp_path, outputs, monkeypatch, text, given, error):
    reading, writing = os.pipe()
    os.dup2(writing, 1)
    os.close(writing)
    monkeypatch.setattr(command, "diagnose_file", lambda path, names: diagnose_file(path, names or given))
    # other tests of this process may have left threads, at which it would end itself
    monkeypatch.setattr(command, "threading", SimpleNamespace(active_count=lambda: 1))
    assert main(["--here", str(file(tmp_path, text))]) == 0
    os.dup2(2, 1)
    with os.fdopen(reading, encoding="utf-8") as answer:
        found = json.load(answer)
    assert (found["error"] or "").startswith(error or "")
    assert (found["error"] is None) == (error is None)


def test_names_of_modules_that_are_not_here(tmp_path):
    names, failure = load(file(tmp_path, COURSE))
    assert failure == ""
    assert "__wrapped__" not in dir(names["Conv"])
    with pytest.raises(AttributeError):
        getattr(names["nd"], "__wrapped__")  # noqa: B009
    with pytest.raises(AttributeError):
        getattr(names["Conv"], "__wrapped__")  # noqa: B009
    with pytest.raises(ImportError, match=r"^fast.conv.Layer is called, but its module is not here$"):
        names["Conv"](1)
    with pytest.raises(LoadError, match="cannot be read"):
        load(tmp_path / "no.py")
    path = tmp_path / "layers.py"
    path.write_bytes(b"# coding: no-such\n")
    with pytest.raises(LoadError, match="encoding"):
        load(path)
    assert load(file(tmp_path, "import os.path, json.tool as t\n" + COURSE))[1] == ""
    assert load(file(tmp_path, "1 / 0\nraise SystemExit\n"))[1] == "ZeroDivisionError: division by zero"


def test_a_terminal_of_another_encoding(tmp_path):
    path = file(tmp_path, WRONG.replace("axis=0)\n    dmu", "axis=0)  # \u65b9\u5dee\n    dmu"))
    shell = [sys.executable, "-m", "bn_utils.diagnose", str(path)]
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252"}
    done = subprocess.run(shell, capture_output=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (1, b"")
    assert b"\\u65b9" in done.stdout


def test_the_forward_pass_is_one_of_the_name_that_fits(tmp_path, capsys):
    three = FORWARD.replace(
        "batchnorm_forward(x, gamma, beta, eps)", "batchnorm_forward_train(x, gamma, beta)"
    )
    test = "def batchnorm_forward_test(x):\n    return x\n\n\n"
    path = file(
        tmp_path,
        "eps = 1e-4\n\n\n"
        + test
        + three.replace("forward_train", "forward_a").replace("var, std,", "std, var,")
        + three
        + BACKWARD,
    )
    (report,) = diagnose_file(path)["reports"]
    assert report["ok"]
    assert report["notes"] == ["this is with the forward pass batchnorm_forward_train."]
    assert run(capsys, file(tmp_path, BACKWARD.replace("batchnorm_backward", "grad")), "grad")[0] == 1
    (report,) = diagnose_file(tmp_path / "layers.py", ["grad"])["reports"]
    assert report["notes"] == [
        "the file has no grad: your function got the cache of bn_utils.batchnorm_forward."
    ]
    code, output = run(capsys, file(tmp_path, BACKWARD))
    assert code == 1
    assert (
        "Note: the file has no batchnorm_forward: your function got the cache of bn_utils.batchnorm_forward."
        in output
    )
