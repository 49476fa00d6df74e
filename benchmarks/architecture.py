"""The import graph of tsgen in numbers: `make architecture`.

A room is a module or package directly in ``tsgen/``, an arrow an import between two of them, the
floors the rooms of the longest chain of imports; an arrow is upward where its target also leads
back to its start. Circles are those among files.
"""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

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
    print("\nMost files that one room enters:")
    for room in sorted(names, key=lambda room: -len(below[room]))[:5]:
        print(f"  {room.removeprefix('tsgen.'):14} {len(below[room])}")


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


if __name__ == "__main__":
    main()
