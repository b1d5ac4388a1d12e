"""The helper module beside this file: with pytest's importlib mode the tests are no package."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def sides() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sides", Path(__file__).parent / "sides.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
