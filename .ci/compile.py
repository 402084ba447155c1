"""The compiled build of the proxy's core: a hook of hatchling, which makes C of its typed modules with mypyc.

RINGFENCE_COMPILE=1 asks for it: `RINGFENCE_COMPILE=1 pip install .` needs a C compiler and Python's headers. Where
either is missing, or anything fails, the wheel is what it is without: pure Python. RINGFENCE_COMPILE=require fails.
RINGFENCE_OPTIMISE=0 (3 by itself) takes less of the C compiler's time, for whoever only tests what is compiled.

Nothing compiled ever lies beside the sources, where it would be imported instead of what somebody edits: C and objects
are kept in .compiled/, the modules go into the wheel alone, and an editable install is always pure.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import shutil
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# One shared object for all modules: they call each other without the detour over Python. It lies beside the packages.
_LIBRARY = "ringfence_proxy"
_SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")
# Modules call each other, and Python, without a detour over a table.
_FLAGS = ("-fvisibility=hidden", "-fno-plt")


class CompiledCore(BuildHookInterface[Any]):
    """Adds compiled modules to a wheel. Configured in pyproject.toml: `compiled` are modules and folders of such,
    `interpreted` are those of them that stay as they are."""

    def dependencies(self) -> list[str]:
        """The build's own requirements: mypy, and the packages whose types it has to know."""
        return ["mypy>=2.4", "setuptools>=66", *self.metadata.core.dependencies] if _asked() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile where it is asked for, and tell hatchling what there is."""
        root = Path(self.root)
        _refuse_strays(root)
        if not _asked() or version == "editable":
            return
        try:
            built = _build(root, _modules(root, self.config["compiled"], self.config["interpreted"]))
        except (Exception, SystemExit) as error:  # mypyc ends the process for what it cannot compile
            if _asked() == "require":
                raise RuntimeError(f"the proxy's core was not compiled: {error}") from error
            self.app.display_warning(f"pure Python, for the core was not compiled: {error}")
            return
        build_data["force_include"] |= {str(path): str(path.relative_to(built)) for path in built.rglob(f"*{_SUFFIX}")}
        build_data["pure_python"] = False
        build_data["infer_tag"] = True


def _asked() -> str:
    value = os.environ.get("RINGFENCE_COMPILE", "")
    return "" if value == "0" else value


def _level() -> str:
    return os.environ.get("RINGFENCE_OPTIMISE") or "3"


def _refuse_strays(root: Path) -> None:
    for stray in (*root.glob("proxy/**/*.so"), *root.glob("proxy/**/*.pyd"), *root.glob("*__mypyc*.so")):
        raise RuntimeError(f"{stray} would be imported instead of its source: delete it")


def _modules(root: Path, compiled: list[str], interpreted: list[str]) -> list[str]:
    found = {path for name in compiled for path in (root / name).glob("**/*.py")}
    found |= {root / name for name in compiled if name.endswith(".py")}
    found -= {root / name for name in interpreted}
    return sorted(str(path.relative_to(root)) for path in found if path.name != "__init__.py")


def _build(root: Path, modules: list[str]) -> Path:
    """The folder of the compiled modules; made anew where any source of the proxy has changed."""
    if not _has_compiler():
        raise RuntimeError("no C compiler, or no headers of Python")
    folder = root / ".compiled" / _SUFFIX.strip(".")
    built, made_of = folder / "modules", folder / "made-of"
    key = _key(root, modules)
    if not made_of.exists() or made_of.read_text() != key:
        made_of.unlink(missing_ok=True)
        shutil.rmtree(built, ignore_errors=True)
        said = io.StringIO()
        try:
            with contextlib.chdir(root), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                _compile(modules, folder)
        except SystemExit:
            raise RuntimeError(said.getvalue()) from None
        made_of.write_text(key)
    return built


def _has_compiler() -> bool:
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    return shutil.which(compiler) is not None and Path(sysconfig.get_path("include"), "Python.h").exists()


def _key(root: Path, modules: list[str]) -> str:
    from mypy.version import __version__

    key = hashlib.sha256(f"{__version__} {_level()} {modules}".encode())
    for path in (*sorted(root.glob("proxy/**/*.py")), root / "pyproject.toml", Path(__file__)):
        key.update(path.read_bytes())
    return key.hexdigest()


def _compile(modules: list[str], folder: Path) -> None:
    """Make C of the modules, a file of each, and objects of the C, as many at once as there are processors."""
    from mypyc.build import mypycify  # first: it chooses whose distutils there are
    from setuptools import Distribution
    from setuptools.command.build_ext import build_ext

    class Build(build_ext):
        """Compiles again what has changed."""

        def build_extension(self, extension: Any) -> None:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                extension.extra_objects = list(
                    pool.map(lambda source: self._object(source, extension), extension.sources)
                )
            extension.sources = []
            super().build_extension(extension)

        def _object(self, source: str, extension: Any) -> str:
            (made,) = self.compiler.object_filenames([source], output_dir=self.build_temp)
            newest = max(headers, Path(source).stat().st_mtime, Path(__file__).stat().st_mtime)
            if not Path(made).exists() or Path(made).stat().st_mtime < newest:
                arguments = [*extension.extra_compile_args, *_FLAGS]
                how = {"include_dirs": extension.include_dirs, "extra_postargs": arguments}
                self.compiler.compile([source], output_dir=self.build_temp, **how)
            return str(made)

    extensions = mypycify(
        ["--config-file=pyproject.toml", "--ignore-missing-imports", *modules],
        group_name=_LIBRARY,
        multi_file=True,
        opt_level=_level(),
        debug_level="0",
        target_dir=str(folder / "c"),
    )
    headers = max(path.stat().st_mtime for path in folder.glob("c/**/*.h"))
    build = Build(Distribution({"name": "ringfence", "ext_modules": extensions}))
    build.build_lib, build.build_temp = str(folder / "modules"), str(folder / f"objects-{_level()}")
    build.parallel = os.cpu_count()
    build.ensure_finalized()
    build.run()
