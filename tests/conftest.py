"""What all tests share: the hypothesis profile and the three backward passes."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

import bn_utils as bn

if not __debug__:
    pytest.exit("unset PYTHONOPTIMIZE: it removes the assertions, and every test would pass", returncode=2)
PROFILE = tempfile.TemporaryDirectory(prefix="ipython-")  # no profile of the user's reaches a kernel
os.environ["IPYTHONDIR"] = PROFILE.name

# derandomised: a red test is red on every machine and in every run
settings.register_profile("house", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("house")


def pytest_addoption(parser):
    help = "check every wrong version of every equation, not a sample (some minutes)"
    parser.addoption("--all-mutations", action="store_true", help=help)


@pytest.fixture(
    scope="session",
    params=[bn.batchnorm_backward, bn.batchnorm_backward_staged, bn.batchnorm_backward_delta],
    ids=["closed", "staged", "delta"],
)
def backward(request):
    """Each of the three backward passes of batch norm."""
    return request.param


@pytest.fixture
def copy(tmp_path):
    """A copy of the project, to be broken."""
    generated = shutil.ignore_patterns(
        ".git", ".venv", "_build", "work", "mutants", ".*_cache", ".hypothesis"
    )
    return Path(shutil.copytree(Path(__file__).parents[1], tmp_path / "copy", ignore=generated))
