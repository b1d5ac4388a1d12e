"""GuideLLM itself against the same server: its numbers, brought back as its report, and ours say the same."""

from pathlib import Path

from survival import Arena

from inference_arena.load.truth import Script, start_truth_server

SCRIPT = Script(tokens=40, ttft_s=0.1, token_interval_s=0.01)
LOAD = ("--concurrency", "2", "--requests", "40", "--input-tokens", "32", "--output-tokens", "40")
TIMES = {"time_to_first_token_ms": 100.0, "inter_token_latency_ms": 10.0}
LIMIT_S = 300.0
TRIES = 3  # a busy machine makes a difference of measurement, which is then rightly said


def installed(arena: Arena, env: Path) -> None:
    """Where the arena would have installed it."""
    folder = arena.home / "tools" / "guidellm" / "0.8.1"
    folder.mkdir(parents=True)
    (folder / "env").symlink_to(env)
    (folder / "ready").touch()


def test_the_same_load_measured_by_guidellm_agrees_with_ours_within_what_is_printed(
    arena: Arena, guidellm_env: Path, tmp_path: Path
) -> None:
    installed(arena, guidellm_env)
    with start_truth_server(SCRIPT, log_path=tmp_path / "truth.log") as server:
        measured = arena.run("run", "--url", server.url, *LOAD, "--json", timeout_s=LIMIT_S)
        assert measured.code == 0, measured.err
        for _ in range(TRIES):
            done = arena.run("crosscheck", "last", "--url", server.url, "--json", timeout_s=LIMIT_S)
            (point,) = done.document["points"]
            verdicts = {parting["name"]: parting for parting in point["partings"]}
            if done.code == 0:
                break

    assert done.code == 0, verdicts
    for name, truth_ms in TIMES.items():
        assert verdicts[name]["verdict"] == "agree"
        assert verdicts[name]["theirs"] >= truth_ms
    assert verdicts["time_per_output_token_ms"]["verdict"] == "definition"
    kept = arena.run("show", point["report"], "--json").document
    assert kept["tool"] == "guidellm"
    assert "their-client" in {doubt["code"] for doubt in kept["doubts"]}


def test_guidellm_as_the_driver_leaves_a_report_of_every_load(arena: Arena, guidellm_env: Path, tmp_path: Path) -> None:
    installed(arena, guidellm_env)
    with start_truth_server(SCRIPT, log_path=tmp_path / "truth.log") as server:
        done = arena.run("run", "--url", server.url, *LOAD, "--driver", "guidellm", "--json", timeout_s=LIMIT_S)

    assert done.code == 0, done.err
    (report,) = done.document["reports"]
    assert report["points"][0]["ok"] >= 30
    assert arena.records == []
