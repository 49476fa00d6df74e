"""What is known of an estimator at a glance: what was read, chosen and learned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from tsgen._messages import written
from tsgen._typing import FloatArray, IntArray
from tsgen.data import Panel, in_chunks, listing

if TYPE_CHECKING:
    from tsgen.training import Losses, TrainingReport

__all__ = [
    "FitRecord",
    "Summary",
    "count_missing",
    "lines_of_network",
    "lines_of_panel",
    "lines_of_training",
]

_FIRST_WEIGHTS = {
    "random": "random weights",
    "pretrained": "the shipped pretrained weights",
    "fitted": "the weights of a fitted model",
}


@dataclass(frozen=True)
class Summary:
    """Facts in sections; ``str`` is a table of them, and notebooks show one in HTML.

    Attributes
    ----------
    title : str
    sections : dict of str to dict of str to str
        A text for each fact, by section and name.

    Examples
    --------
    >>> from tsgen.forecasters.summary import Summary
    >>> Summary("Naive", {"read": {"series": "2", "rows": "84"}})
    Naive
      read
        series  2
        rows    84
    """

    title: str
    sections: Mapping[str, Mapping[str, str]]

    def __str__(self) -> str:
        width = max((len(name) for _, name, _ in self._facts()), default=0)
        lines = [self.title]
        for section, facts in self.sections.items():
            lines.append(f"  {section}")
            lines += [f"    {name:<{width}}  {text}" for name, text in facts.items()]
        return "\n".join(lines)

    __repr__ = __str__

    def _facts(self) -> Iterable[tuple[str, str, str]]:
        for section, facts in self.sections.items():
            for name, text in facts.items():
                yield section, name, text

    def _repr_html_(self) -> str:
        rows = [f"<caption>{escape(self.title)}</caption>"]
        for section, facts in self.sections.items():
            rows.append(f'<tr><th colspan="2">{escape(section)}</th></tr>')
            rows += [
                f"<tr><td>{escape(name)}</td><td>{escape(text)}</td></tr>"
                for name, text in facts.items()
            ]
        return f'<table class="tsgen-summary">{"".join(rows)}</table>'


@dataclass(frozen=True)
class FitRecord:
    """What a fit was, in numbers that are kept with the model.

    Attributes
    ----------
    rows : int
        Values, or symbols, that were read.
    missing : int
        How many of them weren't known.
    steps : int
        Of the optimiser.
    seconds : float
        Of training and of what was measured after it, on the machine of the fit.
    loss : float, optional
        The mean of the last steps.
    free_running, teacher_forced : float, optional
        Errors in closed loop, and of single steps, as in ``report_``.
    measured : str
        What these are: of what, and on which rows.
    interrupted : str, optional
        What ended the training early.
    """

    rows: int
    missing: int
    steps: int
    seconds: float
    loss: float | None
    free_running: float | None
    teacher_forced: float | None
    measured: str
    interrupted: str | None = None

    @classmethod
    def of(
        cls, rows: int, missing: int, seconds: float, losses: Losses, report: TrainingReport
    ) -> FitRecord:
        """The record of a training that has ended."""
        last = report.losses["loss"].iloc[-1] if len(report.losses) else None
        free, forced = (report.errors[name].mean() for name in ("free_running", "teacher_forced"))
        return cls(
            rows, missing, len(losses.training), round(float(seconds), 3), _finite(last),
            _finite(free), _finite(forced), f"{report.measure} on {report.measured_on}",
            losses.interrupted,
        )  # fmt: skip


def _finite(value: Any) -> float | None:
    return float(value) if value is not None and np.isfinite(value) else None


def count_missing(values: FloatArray, offsets: IntArray) -> int:
    """How many values are NaN, some series at a time."""
    return int(sum(np.isnan(rows).sum() for _, rows in in_chunks(values, offsets)))


def lines_of_panel(panel: Panel, record: FitRecord | None) -> dict[str, str]:
    """Facts on the series that were read."""
    columns, layout = panel.columns, panel.layout
    kind = "wide" if layout.shares_end else "long"
    lines = {
        "frame": "a series" if getattr(layout, "is_series", False) else f"{kind}, {layout.kind}",
        "series": _count(len(panel), panel.ids),
        "frequency": panel.frequency.name,
        "last row": _span(panel),
    }
    if record is not None:
        holes = f", {record.missing:,} of them missing" if record.missing else ""
        lines["values"] = f"{record.rows:,}{holes}"
    if panel.channels > 1:
        lines["system"] = f"{panel.channels} channels that see each other"
    for name in ("future", "past", "static"):
        if names := getattr(columns, name):
            lines[f"{name} covariates"] = listing([written(each) for each in names])
    return lines


def _count(count: int, ids: Any) -> str:
    if count == 1:
        return "1"
    return f"{count:,}: {written(ids[0])} to {written(ids[-1])}"


def _span(panel: Panel) -> str:
    ends = (str(end).removesuffix(" 00:00:00") for end in (panel.ends.min(), panel.ends.max()))
    return " to ".join(dict.fromkeys(ends))


def lines_of_network(cell: str, settings: Any, members: int = 1) -> dict[str, str]:
    """Facts on the networks."""
    layers = f"{settings.num_layers} layers" if settings.num_layers > 1 else "1 layer"
    network = f"{cell.upper()}, {layers} of {settings.hidden_size} units"
    return {"network": network if members == 1 else f"{members} of {network}; their median"}


def lines_of_training(
    record: FitRecord | None, settings: Any, weights: Iterable[Any]
) -> dict[str, str]:
    """Facts on how networks were trained."""
    size = sum(weight.numel() for weight in weights)
    lines = {"weights": f"{size:,}, {size * 4 / 1024:,.0f} KiB"}
    init = getattr(settings, "init", "random")
    lines["began with"] = _FIRST_WEIGHTS.get(init, f"weights of {init}")
    if record is None:
        return lines | {"steps": f"up to {settings.max_steps:,}"}
    lines["steps"] = f"{record.steps:,} of {settings.max_steps:,} in {record.seconds:.1f} s"
    if record.interrupted:
        lines["ended"] = record.interrupted
    if record.loss is not None:
        lines["last loss"] = f"{record.loss:.4g}"
    if record.free_running is not None and record.teacher_forced is not None:
        lines["error in closed loop"] = f"{record.free_running:.3g} ({record.measured})"
        lines["error of one step"] = f"{record.teacher_forced:.3g}"
    return lines
