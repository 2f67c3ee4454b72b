"""What is installed is what is meant: every package and data file, and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.tree import ROOT, files

PACKAGES = ("balie", "media", "signalling", "web")


COMPILED = "media/native/_batches."


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("packaging"), {})


def built(folder: Path, environment: dict[str, str]) -> Path:
    """From a copy, with the build tools that are here: a build writes into its source and asks a network."""
    source, target = folder / "source", folder / "dist"
    for name in files():
        if not name.startswith(("tests/", "benchmarks/")):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, source / name)
    target.mkdir()
    build = f"import setuptools.build_meta as b; print(b.build_wheel({str(target)!r}))"
    done = subprocess.run(
        [sys.executable, "-c", build],
        cwd=source,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    made = list(target.glob("*.whl"))
    assert len(made) == 1
    return made[0]


def contents(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_the_wheel_holds_all_of_the_packages_and_nothing_else(wheel: Path) -> None:
    expected = set()
    for name in files():
        top = name.partition("/")[0]
        if top in PACKAGES:
            expected.add(name)
        elif top == "migrations":
            expected.add(f"balie/{name}")
    assert {name for name in contents(wheel) if not name.startswith(COMPILED)} == expected


def test_the_loops_are_compiled_where_there_is_a_compiler(wheel: Path, tmp_path: Path) -> None:
    assert any(name.startswith(COMPILED) for name in contents(wheel)) == (shutil.which("cc") is not None)
    without = built(tmp_path, {"CC": "false"})
    assert not any(name.startswith(COMPILED) for name in contents(without)), "and without one balie is built as well"


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name.rpartition(".dist-info/")[2]: name for name in archive.namelist() if ".dist-info/" in name}
        metadata = archive.read(names["METADATA"]).decode()
        assert "License-Expression: EUPL-1.2\n" in metadata
        assert "Requires-Python: >=3.11\n" in metadata
        assert archive.read(names["licenses/LICENSE"]) == (ROOT / "LICENSE").read_bytes()
        assert "balie = balie.cli:main" in archive.read(names["entry_points.txt"]).decode()
        assert archive.read(names["top_level.txt"]).decode().split() == sorted(PACKAGES)


def test_the_wheel_runs_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    """With nothing of the checkout in reach: its templates, its data, its migrations."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    program = (
        "import balie.migrations, balie.cli, pathlib, web.render\n"
        "balie.cli.check_siblings()\n"
        "web.render.environment().get_template('call.html')\n"
        "print(pathlib.Path(web.render.__file__).parents[1])\n"
    )
    libraries = [path for path in sys.path if path and Path(path).resolve() != ROOT]
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[1:] += {libraries!r}\n{program}"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()) == tmp_path
