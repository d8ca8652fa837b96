# The handful of daily commands; `just` alone lists them. Each line runs by hand just as well.

default:
    @just --list

# install everything into .venv
setup:
    uv sync

# a sample share drive, processed to the reports
demo:
    uv run s2p demo

# all tests, or those named: just test s2p_assets_tests/cli/test_cli.py
test *WORDS:
    uv run pytest {{ WORDS }}

# all tests with the share of lines that they run, and its gate
coverage:
    uv run pytest --cov --cov-report=term:skip-covered --cov-fail-under=85

# format and lint, mending what can be mended
lint:
    uv run ruff format
    uv run ruff check --fix

# types and import direction
types:
    uv run mypy
    uv run lint-imports

# links, commands and words of the documentation
docs:
    uv run pytest -n 0 s2p_assets_tests/test_docs.py

# all that CI runs
check:
    .ci/run
