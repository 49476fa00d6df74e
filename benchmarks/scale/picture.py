"""Seconds and memory against series: the picture of docs/more-than-memory.md.

python -m benchmarks.scale.picture
"""

from __future__ import annotations

from benchmarks import record

PICTURE = record.ROOT / "docs" / "images" / "scale.png"
COLOURS = ("#2e6f95", "#d1495b")


def main() -> None:
    """Draw the picture."""
    from matplotlib.figure import Figure

    runs = record.read("scale_forecast").sort_values("series")
    figure = Figure(figsize=(8.0, 3.2), layout="constrained")
    panels = figure.subplots(1, 2)
    named = {"seconds": "seconds", "peak_mib": "peak memory above imports, MiB"}
    for axes, (column, label) in zip(panels, named.items(), strict=True):
        for (name, rows), colour in zip(runs.groupby("model"), COLOURS, strict=True):
            shown = f"{name}, {rows['units'].iloc[0]} units"
            axes.plot(rows["series"], rows[column], "o-", color=colour, label=shown)
        axes.set(xscale="log", xlabel="series of 100 rows", ylabel=label)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color="#e5e9f0", linewidth=0.8)
    panels[0].set_yscale("log")
    panels[1].set_ylim(bottom=0)
    panels[0].legend(frameon=False)
    figure.savefig(PICTURE, dpi=110)


if __name__ == "__main__":
    main()
