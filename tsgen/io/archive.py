"""One safe zip file: a manifest and a few named members, read with limits and written whole.

The file is an uncompressed zip that nothing is ever extracted or run from. Sizes are checked before
anything is read, and the sha256 of a member, which the manifest names, before anyone sees it. It is
written beside its target and moved into place, so that whoever reads sees one whole file, the old
or the new. What the members mean is the caller's affair.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from tsgen.errors import ModelExistsError, ModelFileError

try:
    import fcntl
except ImportError:  # Windows, where an open file can't be deleted, so that no lock is needed
    fcntl = None  # type: ignore[assignment]

__all__ = [
    "BEWARE",
    "COPY_AGAIN",
    "MANIFEST",
    "PathLike",
    "check_target",
    "checked_infos",
    "damage",
    "mapping",
    "parse_json",
    "printable",
    "read_archive",
    "whole_file",
    "write_archive",
]

MANIFEST = "manifest.json"
COPY_AGAIN = "copy it again from where it was saved, or save the model anew"
BEWARE = "no tsgen model has that, so don't use this file; ask whoever made it for a sound one"

PathLike = str | os.PathLike[str]

_JSON_LIMIT = 64 * 2**20
_DIRECTORY_LIMIT = 4096


# --- reading -------------------------------------------------------------------------------------


def read_archive(
    path: Path,
    check: Callable[[Any], None],
    *,
    required: Iterable[str],
    optional: Iterable[str] = (),
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The manifest and the members of a file, of the sizes and hashes that the manifest names.

    Parameters
    ----------
    path : Path
    check : callable
        Called with the manifest before any other member is read; refuses it by an exception.
    required, optional : iterables of str
        The members that must and that may be there; any other is refused.

    Raises
    ------
    ModelFileError
        If the file is no such archive, damaged, altered or unsafe. The message is what comes after
        the file's name.
    FileNotFoundError
        If there is none.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no file {path}") from None
    if not stat.S_ISREG(mode):
        raise ModelFileError("is no file but a folder or a device: pass the model's own path")
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        _check_ends(file, size)
        with damage("it"), ZipFile(file) as archive:
            infos = {info.filename: info for info in checked_infos(archive, size)}
            if MANIFEST not in infos:
                raise ModelFileError(f"lacks its manifest: {COPY_AGAIN}")
            manifest = parse_json(archive.read(infos[MANIFEST]), MANIFEST)
            check(manifest)
            listed = mapping(manifest["members"])
            _check_names(set(infos) - {MANIFEST}, set(listed), set(required), set(optional))
            members = {
                name: _verified(archive.read(infos[name]), name, entry)
                for name, entry in listed.items()
            }
    return manifest, members


@contextlib.contextmanager
def damage(what: str) -> Iterator[None]:
    """Whatever zipfile finds wrong is damage; it has no one type for that."""
    try:
        yield
    except (ModelFileError, MemoryError):
        raise
    except Exception as error:
        raise ModelFileError(
            f"is damaged ({what}: {type(error).__name__}: {error}): {COPY_AGAIN}"
        ) from error


def _check_ends(file: BinaryIO, size: int) -> None:
    """Tell what is no model from what is a cut one, by the first and the last bytes."""
    head = file.read(30 + len(MANIFEST))
    start = head[:4]
    if size == 0:
        raise ModelFileError(f"is empty: {COPY_AGAIN}")
    if re.match(rb"\x80[\x02-\x05]", start):
        raise ModelFileError(
            "is no tsgen model but a pickle, which can run any code and which tsgen never opens: "
            "save models with model.save(path)"
        )
    if start != b"PK\x03\x04"[: len(start)]:
        raise ModelFileError(
            f"is no tsgen model: it starts with {start!r}; such files are made by model.save(path)"
        )
    if len(head) == 30 + len(MANIFEST) and not head.endswith(MANIFEST.encode()):
        raise ModelFileError(
            "is a zip that doesn't start with a tsgen manifest, and so no tsgen model (PyTorch "
            "checkpoints are such zips; they hold pickles, which tsgen never opens): save models "
            "with model.save(path)"
        )
    file.seek(-min(size, 42), os.SEEK_END)
    end = file.read()
    # The end of a zip without a comment, as we write it.
    if len(end) < 42 or end[-22:-18] != b"PK\x05\x06" or end[-2:] != b"\0\0":
        raise ModelFileError(f"is cut short, or something was added behind its end: {COPY_AGAIN}")
    # zipfile reads the whole directory, or the one of the 64-bit record, which only files of more
    # than 4 GiB have.
    bogus = end[:4] == b"PK\x06\x07" and size < 2**32
    if bogus or int.from_bytes(end[-10:-6], "little") > _DIRECTORY_LIMIT:
        raise ModelFileError(f"has far too long a list of members: {BEWARE}")
    file.seek(0)


def checked_infos(archive: ZipFile, size: int) -> list[ZipInfo]:
    """The members, if their declared sizes, kinds and names are harmless."""
    infos = archive.infolist()
    names = [info.filename for info in infos]
    for info in infos:
        _check_info(info)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ModelFileError(f"has the member {printable(twice)} twice: {BEWARE}")
    # Members that overlap could declare more than the file holds.
    if sum(info.file_size for info in infos) > size:
        raise ModelFileError(f"declares more bytes than it has, as a zip bomb does: {BEWARE}")
    return infos


def _check_info(info: ZipInfo) -> None:
    name = printable(info.filename)
    if stat.S_ISLNK(info.external_attr >> 16):
        raise ModelFileError(f"has the symbolic link {name}: {BEWARE}")
    if info.compress_type != ZIP_STORED or info.file_size != info.compress_size:
        raise ModelFileError(f"has the compressed member {name}, as a zip bomb has: {BEWARE}")
    if info.filename.endswith(".json") and info.file_size > _JSON_LIMIT:
        raise ModelFileError(f"has a member {name} of {info.file_size:,} bytes: {BEWARE}")


def _check_names(found: set[str], named: set[str], required: set[str], optional: set[str]) -> None:
    unknown = sorted((found - named) | (named - required - optional))
    if unknown:
        raise ModelFileError(f"has a member {printable(unknown[0])} too many: {BEWARE}")
    missing = sorted((named | required) - (found & named))
    if missing:
        raise ModelFileError(f"lacks its member {missing[0]}: {COPY_AGAIN}")


def _verified(data: bytes, name: str, entry: Any) -> bytes:
    if mapping(entry).get("sha256") != hashlib.sha256(data).hexdigest():
        raise ModelFileError(f"was altered: {name} has not the sha256 it was saved with")
    return data


def mapping(value: Any) -> dict[str, Any]:
    """A value out of JSON, if it is an object."""
    if not isinstance(value, dict):
        raise ModelFileError(
            f"can't be loaded: expected names and values, got a {type(value).__name__}"
        )
    return value


def _size_and_hash(data: bytes) -> dict[str, Any]:
    return {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def parse_json(data: bytes, what: str) -> Any:
    """Strict JSON: no name twice, no NaN, no depth that could exhaust the stack."""
    try:
        return json.loads(data, object_pairs_hook=_without_twins, parse_constant=_no_constant)
    except RecursionError:
        raise ModelFileError(f"has a {what} nested absurdly deep: {BEWARE}") from None
    except ValueError as error:
        raise ModelFileError(f"is damaged ({what} is no JSON: {error}): {COPY_AGAIN}") from error


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    known = dict(pairs)
    if len(known) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return known


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def printable(value: Any, most: int = 80) -> str:
    """Text of a stranger for a message: escaped, and never long."""
    return repr(str(value)[:most])


# --- writing -------------------------------------------------------------------------------------


def check_target(path: PathLike, *, overwrite: bool) -> Path:
    """Where a model shall be written, behind all links, or an error before any work is done.

    Examples
    --------
    >>> from tsgen.io.archive import check_target
    >>> check_target("no such folder/model.tsgen", overwrite=False)
    Traceback (most recent call last):
    ...
    FileNotFoundError: there is no folder ...no such folder: create it before saving
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(f"{path} is a folder: pass the path of a file in it")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {target.parent}: create it before saving")
    if os.path.lexists(target) and not target.is_file():  # a file would be moved into its place
        raise OSError(f"{path} is a device, a pipe or a link to itself: pass the path of a file")
    if not overwrite and target.exists():
        raise _exists(target)
    return target


def _exists(target: Path) -> ModelExistsError:
    return ModelExistsError(f"{target} exists: pass overwrite=True to replace it")


def write_archive(
    target: Path, manifest: Mapping[str, Any], members: Mapping[str, bytes], *, overwrite: bool
) -> None:
    """Write beside the target, and move into place what is safely on the disk.

    Parameters
    ----------
    target : Path
        As `check_target` returns it.
    manifest : mapping of str to plain JSON values
        The sizes and hashes of the members are added to it under ``"members"``.
    members : mapping of str to bytes
    overwrite : bool
        Whether a file that exists is replaced.

    Raises
    ------
    ModelExistsError
        If the file exists, though it may have been made meanwhile, and ``overwrite`` is false.
    OSError
        If the file can't be written.
    """
    listed = {name: _size_and_hash(data) for name, data in members.items()}
    text = json.dumps({**manifest, "members": listed}, indent=1, allow_nan=False)
    members = {MANIFEST: text.encode("ascii"), **members}
    try:
        with whole_file(target, overwrite=overwrite) as file:
            _write_zip(file, members)
    except ModelExistsError:
        raise
    except OSError as error:
        raise OSError(
            error.errno,
            f"can't save the model ({error.strerror or error}); what was there before is untouched",
            str(target),
        ) from error


@contextlib.contextmanager
def whole_file(target: Path, *, overwrite: bool) -> Iterator[BinaryIO]:
    """A file beside the target, moved into place once all is safely on the disk.

    After an error the target is what it was before.
    """
    _remove_leftovers(target)
    temporary: Path | None = None
    try:
        file, temporary = _create_beside(target)
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if fcntl is None:
                file.close()  # Windows doesn't move an open file
            # Elsewhere it is still locked: no other process takes it for a leftover.
            if target.exists():
                shutil.copymode(target, temporary)
            _move(temporary, target, overwrite=overwrite)
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
    _sync_folder(target.parent)


def _write_zip(file: BinaryIO, members: Mapping[str, bytes]) -> None:
    with ZipFile(file, "w", ZIP_STORED) as archive:
        for name, data in members.items():
            # A fixed date: the same model is the same file.
            info = ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.external_attr = 0o644 << 16
            archive.writestr(info, data)


def _move(temporary: Path, target: Path, *, overwrite: bool) -> None:
    if not overwrite:
        # Unlike a move, a link never replaces what another process has put there meanwhile.
        try:
            os.link(temporary, target)
            return
        except FileExistsError:
            raise _exists(target) from None
        except OSError:  # a file system without links
            if target.exists():
                raise _exists(target) from None
    os.replace(temporary, target)


def _sync_folder(folder: Path) -> None:
    """Make the move itself last; not every system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _create_beside(target: Path) -> tuple[BinaryIO, Path]:
    """A new file in the target's folder, locked for as long as it is open."""
    while True:
        path = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
        file = path.open("x+b")
        _lock(file, wait=True)
        # Between the two lines above another process may have swept it away.
        if fcntl is None or os.fstat(file.fileno()).st_nlink:
            return file, path
        file.close()


def _remove_leftovers(target: Path) -> None:
    """Remove what saves to the same target left when they were killed; a living one is locked."""
    pattern = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-f]{{16}}\.tmp")
    for path in target.parent.iterdir():
        if pattern.fullmatch(path.name) and not path.is_symlink():
            with contextlib.suppress(OSError), path.open("r+b") as file:
                _lock(file, wait=False)
                if fcntl is not None:
                    path.unlink()
            if fcntl is None:
                with contextlib.suppress(OSError):
                    path.unlink()


def _lock(file: BinaryIO, *, wait: bool) -> None:
    """Lock a file; ``OSError`` if another process holds it and we shall not wait."""
    if fcntl is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        if not wait:
            raise  # held by a living save; or the file system has no locks, and nothing is swept
