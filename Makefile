# The commands of the book. README.md gives the same for Windows, without make.
PYTHON ?= python3
BIN = .venv/bin
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

NEWER = import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make clean, then name it, as in make book PYTHON=python3.12")
ENVIRONMENT = $(PYTHON) -c '$(NEWER)' && $(PYTHON) -m venv .venv && $(BIN)/python -c '$(NEWER)'
RETRY = { echo "The installation failed; mend the cause above, make clean, and try again."; exit 1; }

PYTEST = $(BIN)/pytest --numprocesses=auto --dist=loadfile --no-loadscope-reorder

.PHONY: book pdf zip publish test thorough notebooks lab bench audit lock mutants clean

book: .venv/book.stamp
	@$(BIN)/python tools/book.py

pdf: .venv/book.stamp
	@$(BIN)/python tools/pdf.py

zip: .venv/book.stamp
	@$(BIN)/python tools/archive.py

publish: .venv/book.stamp
	@$(BIN)/python tools/publish.py

test: .venv/full.stamp
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(PYTEST)
	@echo "All tests passed: style, units, notebooks re-run and compared, site built and checked."

thorough: .venv/full.stamp
	@$(PYTEST) --thorough --cov=bn_utils --cov-branch --cov-fail-under=100

notebooks: .venv/full.stamp
	@$(BIN)/python tools/notebooks.py

lab: .venv/lab.stamp
	@$(BIN)/python tools/lab.py

bench: .venv/full.stamp
	@$(BIN)/python benchmarks/backward.py

audit: .venv/book.stamp
	@$(BIN)/python benchmarks/audit.py

lock:
	rm -rf .lock
	$(PYTHON) -m venv .lock
	.lock/bin/python -m pip install --quiet -r requirements.txt -r requirements-lab.txt
	.lock/bin/python -m pip freeze --exclude-editable > .lock/frozen.txt
	sed 's/+[a-z0-9.]*$$//' .lock/frozen.txt > constraints.txt
	rm -rf .lock
	@echo "constraints.txt holds every version; run make test before you commit it."

mutants: .venv/full.stamp
	@$(INSTALL) mutmut==3.8.1
	@$(BIN)/mutmut run
	@$(BIN)/mutmut results

clean:
	rm -rf .venv .lock _build mutants .pytest_cache .ruff_cache .hypothesis .coverage *.egg-info
	@echo "The environment and all that was built are removed; work/ is left alone."

.venv/book.stamp: requirements-book.txt constraints.txt
	@echo "Installing what building the book needs ..."
	@$(ENVIRONMENT)
	@$(INSTALL) -r requirements-book.txt || $(RETRY)
	@touch $@

.venv/full.stamp: requirements.txt requirements-book.txt constraints.txt pyproject.toml
	@echo "Installing what running and testing the book needs ..."
	@$(ENVIRONMENT)
	@$(INSTALL) -r requirements.txt || $(RETRY)
	@touch $@ .venv/book.stamp

.venv/lab.stamp: .venv/full.stamp requirements-lab.txt
	@echo "Installing JupyterLab ..."
	@$(INSTALL) -r requirements-lab.txt || $(RETRY)
	@touch $@
