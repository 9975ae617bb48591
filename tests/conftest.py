"""What all tests share: the hypothesis profile, the backward passes, the built site and a browser."""

import os
import shutil
import tempfile
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import uuid4

import book
import nbval.kernel
import pytest
from breaking import edit_text
from browsing import FLAGS, FOUND
from filelock import FileLock
from hypothesis import settings
from jupyter_client import KernelManager
from playwright.sync_api import sync_playwright

import bn_utils as bn

if not __debug__:
    pytest.exit("unset PYTHONOPTIMIZE: it removes the assertions, and every test would pass", returncode=2)
PROFILE = tempfile.TemporaryDirectory(prefix="ipython-")  # no profile of the user's reaches a kernel
os.environ["IPYTHONDIR"] = PROFILE.name


def kernel_manager(**options):
    """Start kernels on sockets of their own: a port that is chosen may be taken before a kernel opens it."""
    return KernelManager(transport="ipc", ip=f"{PROFILE.name}/{uuid4().hex[:8]}", **options)


if os.name != "nt":
    nbval.kernel.KernelManager = kernel_manager

# derandomised: a red test is red on every machine and in every run
settings.register_profile("house", derandomize=True, deadline=None, max_examples=50)
settings.load_profile("house")


def pytest_addoption(parser):
    help = "every wrong version, figure and published form, in place of samples (forty minutes)"
    parser.addoption("--thorough", action="store_true", help=help)


@pytest.fixture(
    scope="session",
    params=[
        bn.batchnorm_backward,
        bn.batchnorm_backward_staged,
        bn.batchnorm_backward_delta,
        bn.fused.batchnorm_backward,
    ],
    ids=["closed", "staged", "delta", "fused"],
)
def backward(request):
    """Each backward pass of batch norm."""
    return request.param


LONG = ("test_browser", "test_red", "test_chapters", "test_ledger")  # seconds a test, or minutes in all


def pytest_configure(config):
    config.addinivalue_line("markers", "thorough: takes long, and runs with --thorough alone")


def pytest_collection_modifyitems(config, items):
    """Skip what takes long, all forms of a published book included, and start long files first.

    So no process is left with one at the end.
    """
    if not config.getoption("--thorough"):
        for item in items:
            fixtures = set(getattr(item, "fixturenames", ()))  # a cell of a notebook has none
            if item.get_closest_marker("thorough") or {"project", "published"} & fixtures:
                item.add_marker(pytest.mark.skip(reason="takes long: pytest --thorough"))
    items.sort(key=lambda item: item.path.stem not in LONG)


def copy_project(target):
    """Copy the project without what is generated."""
    generated = shutil.ignore_patterns(
        ".git", ".venv", "_build", "work", "mutants", ".*_cache", ".hypothesis"
    )
    return Path(shutil.copytree(Path(__file__).parents[1], target, ignore=generated))


@pytest.fixture
def copy(tmp_path):
    """A copy of the project, to be broken."""
    return copy_project(tmp_path / "copy")


def made_once(tmp_path_factory, name, make):
    """The folder that `make` fills in a scratch folder and returns: once for all processes of the tests."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    with FileLock(shared / f"{name}.lock"):
        if not (shared / name).exists():
            make(tmp_path_factory.mktemp(f"making-{name}")).rename(shared / name)
    return shared / name


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The folder of the built site; a warning of the build is an error."""
    return made_once(tmp_path_factory, "site", lambda scratch: book.build(output=scratch).parent)


@pytest.fixture(scope="session")
def published(tmp_path_factory):
    """The folder of a site whose addresses are set, in the folder that stands for its host."""

    def make(scratch):
        source = copy_project(scratch / "copy")
        edit_text(source, "_config.yml", '  url: ""', "  url: https://github.com/example/course")
        edit_text(source, "_config.yml", 'baseurl: ""', "baseurl: https://example.net/book")
        host = scratch / "host"
        host.mkdir()
        book.build(source, source).parent.rename(host / "book")
        return host

    return made_once(tmp_path_factory, "host", make) / "book"


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder; for what it does not have it gives book/404.html, if that is there."""

    def log_message(self, *args):
        pass

    def send_error(self, code, message=None, explain=None):
        pages = list(Path(self.directory).glob("book/404.html"))
        self.error_message_format = pages[0].read_text(encoding="utf-8").replace("%", "%%") if pages else ""
        super().send_error(code, message, explain)


@contextmanager
def served(folder):
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def address(site):
    """Where the site is served, on this machine alone."""
    with served(site) as address:
        yield address


@pytest.fixture(scope="session")
def published_address(published):
    """Where the site whose addresses are set is served, under the path that it is published at."""
    with served(published.parent) as address:
        yield f"{address}/book"


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=FOUND, args=FLAGS)
