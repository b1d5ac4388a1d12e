"""The one kind of value that crosses a border: frozen, strict, unknown keys refused."""

from pydantic import BaseModel, ConfigDict


class Fact(BaseModel):
    """A frozen value with keyword-only fields; read it with `model_validate_json`.

    Floats that are not numbers are refused: an infinite latency is a bug, not a measurement.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)
