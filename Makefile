# The commands of the book. README.md gives the same for Windows, without make.
PYTHON ?= python3
BIN = .venv/bin
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: book test notebooks lab lock mutants clean

book: .venv/book.stamp
	@$(BIN)/python tools/book.py

test: .venv/full.stamp
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/pytest -n auto --dist=loadfile --cov=bn_utils --cov-branch --cov-fail-under=100
	@echo "All tests passed: style, units, notebooks re-run and compared, site built and checked."

notebooks: .venv/full.stamp
	@$(BIN)/python tools/notebooks.py

lab: .venv/full.stamp
	@$(BIN)/python tools/lab.py

lock:
	rm -rf .venv/lock
	$(PYTHON) -m venv .venv/lock
	.venv/lock/bin/python -m pip install --quiet -r requirements.txt
	.venv/lock/bin/python tools/lock.py

mutants: .venv/full.stamp
	@$(PIP) mutmut==3.4.0 -c constraints.txt
	@$(BIN)/mutmut run

clean:
	rm -rf .venv _build .pytest_cache .ruff_cache .hypothesis .coverage mutants *.egg-info
	@echo "Removed the environment and all that was built; work/ is left alone."

.venv/book.stamp: requirements-book.txt constraints.txt
	@$(PYTHON) -m venv .venv
	@echo "Installing what building the book needs ..."
	@$(PIP) -r requirements-book.txt -c constraints.txt
	@touch $@

.venv/full.stamp: requirements.txt requirements-book.txt constraints.txt pyproject.toml
	@$(PYTHON) -m venv .venv
	@echo "Installing everything the book needs ..."
	@$(PIP) -r requirements.txt -c constraints.txt
	@touch $@ .venv/book.stamp
