"""The cast that never changes: an 8 GB laptop, a 24 GB card, an 80 GB card."""

import pytest

from cast import card
from inference_arena.plan import Target


@pytest.fixture
def laptop_8gb() -> Target:
    return card("GeForce RTX 4060 Laptop GPU", gib=7.75, sold=8, capability="8.9", bandwidth=256e9, flops=22e12)


@pytest.fixture
def rtx_3090() -> Target:
    return card("GeForce RTX 3090", gib=23.69, sold=24, capability="8.6", bandwidth=936.2e9, flops=71e12)


@pytest.fixture
def h100() -> Target:
    return card("H100 SXM5 80 GB", gib=79.19, sold=80, capability="9.0", bandwidth=3350e9, flops=989e12)
