.PHONY: setup lock test lint format demo wheel clean

# The environment .venv from requirements.lock; nothing happens when it is up to date.
setup:
	@bash infra/setup.sh

# Resolve pyproject.toml anew into requirements.lock (all platforms, hashes, no index address).
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-header --extra lab --extra dev --extra bench pyproject.toml -o requirements.lock

# What needs no broker runs in two processes; Kafka, PostgreSQL and Spark start once, for the rest.
test: setup
	.venv/bin/pytest -n 2 --dist worksteal tests/unit tests/engine tests/property tests/data
	.venv/bin/pytest tests/integration

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

format: setup
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

# The whole pipeline on this machine for about two minutes, with attacks; see README.md. KEEP=1 leaves the console running.
demo: setup
	.venv/bin/gridwatch demo $(if $(KEEP),--keep)

# The one artifact that a Spark cluster gets: dist/gridwatch-VERSION-py3-none-any.whl.
wheel: setup
	@rm -rf build
	@.venv/bin/python -c 'from setuptools.build_meta import build_wheel; build_wheel("dist")' >/dev/null
	@ls dist/gridwatch-*.whl

clean:
	rm -rf .venv var build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
