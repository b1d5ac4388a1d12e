"""`arena compare --run`: launches both sides anew, in turn, and goes on after an interruption."""

import signal

from survival import QUICK, Arena, json_of


def two_records(arena: Arena) -> list[str]:
    ids = []
    for slots in ("1", "2"):
        done = arena.run("run", str(arena.model), "--parallel", slots, *QUICK, "--json")
        assert done.code == 0, done.err
        ids.append(done.document["id"])
    return ids


def test_both_sides_are_launched_anew_in_turn_and_then_compared(faked: Arena) -> None:
    one, other = two_records(faked)
    done = faked.run("compare", one, other, "--run", "2", "--json")

    assert done.code == 0, done.err
    sides = {side["label"]: set(side["records"]) for side in done.document["sides"]}
    new = sorted(set().union(*sides.values()) - {one, other})
    assert [len(side) for side in sides.values()] == [3, 3]
    assert ["A" if record in sides["A"] else "B" for record in new] == ["A", "B", "B", "A"]


def test_ctrl_c_keeps_the_launches_so_far_and_the_same_command_goes_on(faked: Arena) -> None:
    one, other = two_records(faked)
    slow = {"FAKE_SCRIPT": json_of({"tokens": 8, "ttft_s": 600.0})}
    running = faked.start("compare", one, other, "--run", "1", env=slow)
    faked.wait_for(running, "stage", stage="probe")
    running.signal_group(signal.SIGINT)
    stopped = running.end()
    done = faked.run("compare", one, other, "--run", "1", "--json")

    assert stopped.code == 130
    assert "goes on" in stopped.err
    assert done.code == 0, done.err
    finished = [side["records"] for side in done.document["sides"]]
    assert [len(side) for side in finished] >= [2, 2]
    assert not list((faked.home / "comparisons").iterdir())


def test_a_record_that_lost_its_command_is_refused_before_anything_starts(faked: Arena) -> None:
    one, other = two_records(faked)
    (faked.home / "commands" / f"{other}.json").unlink()
    done = faked.run("compare", one, other, "--run", "1")

    assert done.code == 1
    assert "how" in done.err
    assert "is not known here" in done.err
    assert len(faked.records) == 2
