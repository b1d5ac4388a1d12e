"""What is asked for is judged before anything is started."""

from pathlib import Path

import pytest

from builders import a_record
from gguf_files import STRING, U32, gguf
from inference_arena.errors import UsageError
from inference_arena.run.ask import make_job
from inference_arena.run.asked import Asked
from inference_arena.run.job import Job


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Made for 4096 tokens."""
    path = tmp_path / "small.gguf"
    entries = [("general.architecture", STRING, "llama"), ("llama.context_length", U32, 4096)]
    path.write_bytes(gguf(entries, [("token_embd.weight", (32, 4), "f32")]))
    return path


def job(**asked: object) -> Job:
    return make_job(Asked.model_validate(asked), host=a_record().host, embedded=None, programs=())


def test_a_context_beyond_the_models_own_is_refused_with_the_models_limit(model):
    with pytest.raises(UsageError) as refused:
        job(model=str(model), context_tokens=4097)

    assert "--context 4097" in refused.value.what
    assert "4096" in refused.value.what
    assert refused.value.why
    assert "--context 4096" in refused.value.try_


def test_the_models_whole_context_may_be_asked_for(model):
    assert job(model=str(model), context_tokens=4096).trial.settings.context_tokens == 4096
