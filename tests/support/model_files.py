"""Files of models taken apart and put together again, as somebody might who means harm."""

from __future__ import annotations

import hashlib
import io
import json
import warnings
import zipfile
from typing import Any


def unpacked(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(members: dict[str, bytes], seal: bool = True, **changes: Any) -> bytes:
    """A zip of members, whose manifest names their right sizes and hashes."""
    manifest = json.loads(members["manifest.json"]) | changes
    if seal:
        manifest["members"] = {
            name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in members.items()
            if name != "manifest.json"
        }
    members = members | {"manifest.json": json.dumps(manifest).encode()}
    return zipped([(zipfile.ZipInfo(name), data) for name, data in members.items()])


def zipped(members: list[tuple[zipfile.ZipInfo, bytes]], **arguments: Any) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", **arguments) as archive:
        warnings.simplefilter("ignore")  # a name that stands twice
        for info, data in members:
            archive.writestr(info, data)
    return buffer.getvalue()


def model_of(data: bytes) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(unpacked(data)["manifest.json"])["model"]
    return result


def inside(node: Any) -> Any:
    """What a tag stands before: the fields of a record, the items of a tuple or a dict."""
    if isinstance(node, dict) and len(node) == 1:
        ((tag, payload),) = node.items()
        if tag in ("tuple", "dict") or tag[:1].isupper():
            return payload
    return node
