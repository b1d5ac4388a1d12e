"""How cards reach each other, by what the driver answers and refuses."""

from machines import FakeNvml, no_driver

from inference_arena.facts import Link
from inference_arena.hardware.links import read_links

CARD = "NVIDIA H100 80GB HBM3"


def links(*names: str, **answers: object) -> tuple[Link, ...]:
    return read_links(nvml=lambda: FakeNvml(*names, **answers))


def test_two_cards_with_nvlink_say_so_and_how_many_links_are_up():
    (link,) = links(
        CARD, CARD,
        nvmlDeviceGetTopologyCommonAncestor=50, nvmlDeviceGetP2PStatus=0, nvmlDeviceGetNvLinkState=1,
    )  # fmt: skip

    assert link == Link(a=0, b=1, way="nvlink", pcie_way="other-node", peer_access=True, nvlinks=36)


def test_two_cards_that_must_go_through_the_processor_say_so():
    (link,) = links(CARD, CARD, nvmlDeviceGetTopologyCommonAncestor=30, nvmlDeviceGetP2PStatus=1)

    assert link == Link(a=0, b=1, way="pcie-host", pcie_way="pcie-host", peer_access=False)


def test_what_a_driver_refuses_is_unknown():
    assert links(CARD, CARD) == (Link(a=0, b=1),)


def test_every_pair_of_cards_is_told_once():
    assert [(link.a, link.b) for link in links(CARD, CARD, CARD)] == [(0, 1), (0, 2), (1, 2)]


def test_a_single_card_and_a_machine_without_a_driver_have_no_links():
    assert links(CARD) == ()
    assert read_links(nvml=no_driver) == ()
