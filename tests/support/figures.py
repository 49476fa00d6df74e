"""What is seen of a figure."""

from typing import Any

from matplotlib.figure import Figure


def pictures(figure: Figure) -> list[Any]:
    return [axis for axis in figure.axes if axis.get_visible()]
