"""Which program starts an engine: one that is given, the arena's own, one on PATH, the built-in one."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from inference_arena.errors import NotFoundError
from inference_arena.run.installed import MANIFEST, Installed, environment_of, folder_of
from inference_arena.run.programs import here, programs_for
from inference_arena.store import Home


def executable(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def package(environment: Path, name: str, version: str) -> None:
    info = environment / "lib" / "python3.11" / "site-packages" / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def own(home: Home, engine: str, release: str, *, program: str | None = None) -> Path:
    """A release as the arena installs it."""
    environment = environment_of(home, engine, release)
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python").symlink_to(sys.executable)
    if program is not None:
        executable(environment / "bin" / program)
    made = Installed(
        engine=engine, release=release, place="processor", asked=engine, version=release, python="3.11.7", packages=1,
        bytes=1, installed_at=datetime(2026, 11, 24, tzinfo=UTC),
    )  # fmt: skip
    (folder_of(home, engine, release) / MANIFEST).write_text(made.model_dump_json())
    return environment


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH, in an environment of its own."""
    folder = tmp_path / "other" / "bin"
    folder.mkdir(parents=True)
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_the_newest_release_of_the_arenas_own_comes_first_and_then_the_one_on_path(home: Home, path: Path) -> None:
    for release in ("0.9.2", "0.32.0", "0.24.0"):
        own(home, "vllm", release, program="vllm")
    executable(path / "vllm")
    package(path.parent, "vllm", "0.33.0")
    found = here("vllm", home=home)

    assert [one.where for one in found] == ["arena", "arena", "arena", "PATH"]
    assert [one.program.version for one in found] == ["0.32.0", "0.24.0", "0.9.2", "0.33.0"]


def test_a_release_that_is_asked_for_is_found_wherever_it_is(home: Home, path: Path) -> None:
    own(home, "vllm", "0.32.0", program="vllm")
    executable(path / "vllm")
    package(path.parent, "vllm", "0.33.0")
    (program,) = programs_for("vllm", home=home, release="0.33.0")

    assert program.argv == (str(path / "vllm"),)


def test_an_install_that_did_not_end_is_no_program(home: Home, path: Path) -> None:
    own(home, "vllm", "0.32.0", program="vllm")
    (folder_of(home, "vllm", "0.32.0") / MANIFEST).unlink()
    with pytest.raises(NotFoundError, match="vLLM is not on this machine") as caught:
        programs_for("vllm", home=home)

    assert caught.value.try_ == "arena engines install vllm"


def test_a_release_that_is_not_here_is_said_with_those_that_are(home: Home, path: Path) -> None:
    own(home, "vllm", "0.32.0", program="vllm")
    with pytest.raises(NotFoundError, match=r"vLLM 0\.24\.0 is not on this machine") as caught:
        programs_for("vllm", home=home, release="0.24.0")

    assert (caught.value.why, caught.value.try_) == ("there is 0.32.0", "arena engines install vllm==0.24.0")


def test_the_programs_beside_an_engine_are_found_by_it(home: Home, path: Path) -> None:
    """Compilers of kernels are started by name."""
    environment = own(home, "sglang", "0.5.23")
    (program,) = programs_for("sglang", home=home)

    assert program.argv == (str(environment / "bin" / "python"), "-m", "sglang.launch_server")
    assert program.env["PATH"] == f"{environment / 'bin'}{os.pathsep}{path}"


def test_an_own_llama_cpp_is_started_by_our_server_with_its_packages(home: Home, path: Path) -> None:
    environment = own(home, "llamacpp", "b10809")
    package(environment, "xllamacpp", "2026.9.10809")
    program = programs_for("llamacpp", home=home)[0]

    assert program.argv == (sys.executable, "-m", "inference_arena.run.llama_server")
    assert program.env == {"PYTHONPATH": str(environment / "lib" / "python3.11" / "site-packages")}
    assert (program.version, program.built_in) == ("b10809", False)


# given


def test_a_program_that_is_given_is_taken_and_nothing_else(home: Home, path: Path, tmp_path: Path) -> None:
    own(home, "vllm", "0.32.0", program="vllm")
    given = executable(tmp_path / "mine" / "bin" / "vllm")
    package(tmp_path / "mine", "vllm", "0.20.0+cu128")
    (program,) = programs_for("vllm", home=home, program=str(given))

    assert (program.argv, program.version, program.why) == ((str(given),), "0.20.0", "it was named")


@pytest.mark.parametrize("engine", ["vllm", "transformers"])
def test_an_environment_that_is_given_is_started_by_the_program_in_it(
    engine: str, home: Home, path: Path, tmp_path: Path
) -> None:
    given = executable(tmp_path / "mine" / "bin" / engine)
    (program,) = programs_for(engine, home=home, program=str(tmp_path / "mine"))

    assert program.argv == (str(given),)
    assert program.version is None


def test_an_environment_with_sglang_is_started_by_its_python(home: Home, path: Path, tmp_path: Path) -> None:
    python = executable(tmp_path / "mine" / "bin" / "python")
    package(tmp_path / "mine", "sglang", "0.5.14")

    for given in (tmp_path / "mine", python):
        (program,) = programs_for("sglang", home=home, program=str(given))
        assert (program.argv, program.version) == ((str(python), "-m", "sglang.launch_server"), "0.5.14")


def test_a_python_with_vllm_is_started_by_its_module(home: Home, path: Path, tmp_path: Path) -> None:
    """As where its packages are on PYTHONPATH."""
    python = executable(tmp_path / "mine" / "python3", "#!/bin/sh\necho version: 0.24.0\n")
    (program,) = programs_for("vllm", home=home, program=str(python))

    assert (program.argv, program.version) == ((str(python), "-m", "vllm.entrypoints.cli.main"), "0.24.0")


def test_a_bare_name_is_looked_for_on_path(home: Home, path: Path) -> None:
    python = executable(path / "python3", "#!/bin/sh\necho version: 0.24.0\n")

    assert programs_for("vllm", home=home, program="python3")[0].argv[0] == str(python)
    assert programs_for("vllm", home=home)[0].argv == (str(python), "-m", "vllm.entrypoints.cli.main")


def test_a_python_on_path_without_the_engine_is_no_engine(home: Home, path: Path) -> None:
    executable(path / "python3")

    assert here("vllm", home=home) == ()
    assert here("sglang", home=home) == ()


def test_a_link_to_a_program_leads_to_its_version(home: Home, path: Path, tmp_path: Path) -> None:
    tool = executable(tmp_path / "tools" / "vllm" / "bin" / "vllm")
    package(tmp_path / "tools" / "vllm", "vllm", "0.31.0")
    (path / "vllm").symlink_to(tool)
    (program,) = programs_for("vllm", home=home)

    assert program.version == "0.31.0"


def test_where_no_packages_lie_beside_a_program_its_interpreter_is_asked(
    home: Home, path: Path, tmp_path: Path
) -> None:
    """As on Debian, whose folders have other names."""
    asked = executable(tmp_path / "python3", "#!/bin/sh\necho version: 0.30.0\n")
    executable(path / "vllm", f"#!{asked}\n")
    (program,) = programs_for("vllm", home=home)

    assert program.version == "0.30.0"


@pytest.mark.parametrize("name", ["nowhere", "folder", "file"])
def test_what_cannot_be_started_is_said(name: str, home: Home, path: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("text")
    with pytest.raises(NotFoundError) as caught:
        programs_for("vllm", home=home, program=str(tmp_path / name))

    assert "--program PATH" in caught.value.try_


def test_a_given_program_of_another_release_is_refused(home: Home, path: Path, tmp_path: Path) -> None:
    given = executable(tmp_path / "mine" / "bin" / "vllm")
    package(tmp_path / "mine", "vllm", "0.20.0")
    with pytest.raises(NotFoundError, match=r"vLLM 0\.20\.0, not 0\.24\.0"):
        programs_for("vllm", home=home, release="0.24.0", program=str(given))


def test_an_unknown_engine_is_said(home: Home) -> None:
    with pytest.raises(NotFoundError, match="no engine is called 'ollama'"):
        programs_for("ollama", home=home)


def test_a_python_that_finds_the_engine_elsewhere_is_asked_for_its_version(home: Home, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "vllm-0.24.0.dist-info").mkdir(parents=True)
    (elsewhere / "vllm-0.24.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: vllm\nVersion: 0.24.0\n"
    )
    python = executable(tmp_path / "bin" / "python", f'#!/bin/sh\nPYTHONPATH={elsewhere} exec {sys.executable} "$@"\n')

    (found,) = programs_for("vllm", home=home, program=str(python))

    assert found.version == "0.24.0"
