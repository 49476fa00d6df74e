"""The import graph and the code of tsgen in numbers: `make architecture`.

A room is a module or package directly in ``tsgen/``, an arrow an import between two of them, the
floors the rooms of the longest chain of imports; an arrow is upward where its target also leads
back to its start. Circles are those among files.
"""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp


def main() -> None:
    """Print the table."""
    files = grimp.build_graph("tsgen", cache_dir=None)
    rooms = grimp.build_graph("tsgen", cache_dir=None)
    names = sorted(rooms.find_children("tsgen"))
    for room in names:
        rooms.squash_module(room)
    below = {
        room: rooms.find_modules_directly_imported_by(room) & set(names) - {room} for room in names
    }
    upward = [(a, b) for a in names for b in below[a] if rooms.chain_exists(b, a)]
    for what, found in {
        "rooms": len(names),
        "floors": floors(below),
        "arrows": sum(map(len, below.values())),
        "arrows upward": len(upward),
        "circles among files": circles(files),
    }.items():
        print(f"{what:20} {found}")
    for what, figure in code().items():
        print(f"{what:20} {figure}")


def floors(below: dict[str, set[str]]) -> int:
    """The rooms of the longest chain of imports."""
    height: dict[str, int] = {}
    for room in TopologicalSorter(below).static_order():  # what is imported comes first
        height[room] = 1 + max((height[other] for other in below[room]), default=0)
    return max(height.values())


def circles(files: grimp.ImportGraph) -> int:
    """Whether files import each other in a circle: 0, or 1 for the first that is found."""
    doors = {name for name in files.modules if files.find_children(name)}
    graph = {name: files.find_modules_directly_imported_by(name) - doors for name in files.modules}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError:
        return 1
    return 0


def code() -> dict[str, str]:
    """Lines, comments, and the largest functions; docstrings don't count, nor do public ones."""
    lines, comments, lengths, parameters = 0, 0, [], []
    for path in sorted((Path(__file__).parents[1] / "tsgen").rglob("*.py")):
        text = path.read_text()
        lines += text.count("\n")
        comments += sum(line.lstrip().startswith("#") for line in text.splitlines())
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                name = f"{path.stem}.{node.name}"
                lengths.append((_length(node), name))
                parameters += [(_parameters(node), name)] if node.name.startswith("_") else []
    longest, most = max(lengths), max(entry for entry in parameters if "__init__" not in entry[1])
    return {
        "lines": f"{lines:,}",
        "comment lines": f"{comments / lines:.1%}",
        "longest function": f"{longest[0]} lines, {longest[1]}",
        "most parameters": f"{most[0]}, {most[1]}",
    }


def _length(node: ast.FunctionDef) -> int:
    return sum(
        child.end_lineno - child.lineno + 1  # type: ignore[operator]
        for child in node.body
        if not (isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant))
    )


def _parameters(node: ast.FunctionDef) -> int:
    names = [argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)]
    return sum(name not in ("self", "cls") for name in names)


if __name__ == "__main__":
    main()
