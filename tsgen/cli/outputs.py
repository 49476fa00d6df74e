"""Where may be written, checked before any work; and files written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from tsgen.cli.wording import CommandError
from tsgen.io import whole_file

__all__ = ["STANDARD", "check_outputs", "write_bytes"]

STANDARD = Path("-")
"""Standard input, or standard output."""
_written: set[tuple[int, ...]] = set()
"""The files that this process has written, as it left them: they are its own to replace."""


def check_outputs(
    outputs: Mapping[str, Path | None], inputs: Iterable[Path | None], *, overwrite: bool
) -> None:
    """Refuse what can't or mustn't be written, before the time for a fit is spent.

    Parameters
    ----------
    outputs : mapping of str to Path or None
        By their options.
    inputs : iterable of Path or None
        Files that are read, which no output ever replaces.
    overwrite : bool
        Whether other files that exist may be replaced.
    """
    wanted = {option: path for option, path in outputs.items() if path not in (None, STANDARD)}
    read = [path for path in inputs if path is not None and path != STANDARD]
    seen: dict[str, Path] = {}
    for option, path in wanted.items():
        assert path is not None
        try:
            _check_place(path)
        except OSError as error:  # such as a name that is too long
            raise CommandError(f"can't write {path}: {error.strerror}") from None
        for other in read:
            if _same(path, other):
                raise CommandError(
                    f"{option} {path} is {_called(path, other)}: it would be lost; give {option} "
                    "another name"
                )
        for taken, other in seen.items():
            if _same(path, other):
                raise CommandError(
                    f"{taken} {other} and {option} {path} are one file; give them two names"
                )
        if not (overwrite or _is_own(path)) and path.is_file():
            raise CommandError(
                f"{path} exists; --overwrite replaces it, or give {option} another name"
            )
        seen[option] = path


def write_bytes(content: bytes, path: Path, *, overwrite: bool) -> None:
    """Write a whole file, or nothing; to standard output or a device as it is."""
    try:
        if path == STANDARD:
            sys.stdout.buffer.write(content)
            sys.stdout.buffer.flush()
        elif path.exists() and not path.is_file():
            path.write_bytes(content)
        else:
            target = Path(os.path.realpath(path))
            with whole_file(target, overwrite=overwrite or _is_own(target)) as file:
                file.write(content)
            _written.add(_trace(target))
    except FileExistsError:
        raise CommandError(f"{path} exists by now; --overwrite replaces it") from None
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CommandError(f"can't write {path}: {error.strerror or error}") from error


def _check_place(path: Path) -> None:
    if path.is_dir():
        raise CommandError(f"can't write {path}: it is a folder")
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        raise CommandError(f"can't write {path}: its links lead in a circle")
    with contextlib.suppress(FileNotFoundError):
        target.stat()  # raises what the system says of a name that can't be
    folder = target.parent
    if not folder.is_dir():
        raise CommandError(f"can't write {path}: there is no folder {folder}")
    if not os.access(folder, os.W_OK):
        raise CommandError(f"can't write {path}: the folder {folder} may not be written to")


def _same(one: Path, other: Path) -> bool:
    """Whether two paths are one file, however they are spelled or linked."""
    try:
        return os.path.samefile(one, other)
    except OSError:  # one of them isn't there yet
        return os.path.realpath(one) == os.path.realpath(other)


def _trace(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _is_own(path: Path) -> bool:
    return path.is_file() and _trace(path) in _written


def _called(path: Path, other: Path) -> str:
    return "the file that is read" if path == other else f"the file {other}, which is read"
