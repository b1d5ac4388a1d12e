"""A valid record and trial to start from."""

import pytest

from builders import a_record
from inference_arena.plan import Trial
from inference_arena.record import Record


@pytest.fixture
def sample_record() -> Record:
    return a_record()


@pytest.fixture
def sample_trial(sample_record: Record) -> Trial:
    return sample_record.trial
