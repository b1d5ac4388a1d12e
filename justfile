# Named tasks; each line is what a person would type.

python := ".venv/bin/python"

# set up and run the main job
run:
    python3 start.py

# set up and pass the tests
test:
    python3 start.py test

# what CI checks besides the tests
check:
    {{python}} -m ruff format --check .
    {{python}} -m ruff check .
    {{python}} -m mypy
    .venv/bin/lint-imports

fix:
    {{python}} -m ruff check --fix .
    {{python}} -m ruff format .

# write goldens and generated reference pages anew
golden:
    ARENA_GOLDEN=write {{python}} -m pytest -q tests/docs tests/engines

# pin versions and hashes; no download addresses
lock:
    uv pip compile pyproject.toml --extra embedded --extra engines --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "just lock" -q -o requirements.lock
    uv pip compile pyproject.toml --extra embedded --extra engines --extra charts --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command "just lock" -q -o requirements-dev.lock
