"""Pairs of sequences: sources and their targets become two panels, and targets what sources were.

Sources come as a list, a Series or a column of a frame, of texts or of lists of symbols; what is
made of them goes back into the same.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd

from tsgen._messages import written
from tsgen.data.native import Kind, is_frame, like, opened
from tsgen.data.sequence_reader import Learned, SymbolSpec, learn_sequences, read_sequences
from tsgen.data.sequences import SymbolPanel, TextSymbols, Unit
from tsgen.data.vocabulary import Vocabulary
from tsgen.errors import FrameError, SettingError

__all__ = ["LearnedPairs", "PairSpec", "Sources", "learn_pairs", "read_sources", "read_targets"]


F = TypeVar("F", bound=pd.Series | pd.DataFrame)


@dataclass(frozen=True)
class PairSpec:
    """How pairs come.

    Attributes
    ----------
    source_unit, target_unit : {"character", "word"}
        What a symbol of text is.
    source_col, target_col : str, optional
        The columns of a frame.
    name : Hashable, optional
        Of a Series of targets, as it came in ``fit``.
    source_texts, target_texts : bool
        Whether they are texts, or else lists of symbols.
    """

    source_unit: Unit = "character"
    target_unit: Unit = "character"
    source_col: Any = None
    target_col: Any = None
    name: Hashable = None
    source_texts: bool = True
    target_texts: bool = True

    @property
    def target_name(self) -> Hashable:
        """Of the column or Series that targets are written to."""
        if self.target_col is not None:
            return self.target_col  # type: ignore[no-any-return]
        return "target" if self.name is None else self.name


class LearnedPairs(NamedTuple):
    """What `fit` reads."""

    sources: Learned
    targets: Learned
    spec: PairSpec


@dataclass(frozen=True)
class Sources:
    """Sources, and what they came in.

    Attributes
    ----------
    panel : SymbolPanel
    holder : Series or DataFrame, optional
        What they are in; a list if it isn't said.
    alone : bool
        Whether there is a text alone, not in a list.
    name : Hashable
        What targets are called in a frame or Series.
    kind : {"pandas", "polars", "arrow"}
        What they come in.
    """

    panel: SymbolPanel
    holder: pd.Series | pd.DataFrame | None
    alone: bool
    name: Hashable
    kind: Kind = "pandas"

    def native(self, frame: F) -> F:
        """A frame as one of the library that the sources are of."""
        return like(self.kind, frame)

    def write(self, targets: Sequence[Any]) -> Any:
        """A target for each source, as a list, a Series, or a column beside the sources."""
        if self.holder is None:
            return targets[0] if self.alone else list(targets)
        found = pd.Series(list(targets), index=self.holder.index, name=self.name, dtype=object)
        if isinstance(self.holder, pd.Series):
            return self.native(found.infer_objects())
        frame = self.holder.copy()
        frame[self.name] = found.infer_objects()
        return self.native(frame)

    def write_several(
        self, targets: Sequence[Sequence[Any]], columns: Mapping[str, Any]
    ) -> pd.DataFrame:
        """A row for each of several targets of a source.

        Parameters
        ----------
        targets : sequence of N sequences of K
        columns : mapping of str to ndarray of shape (N, K)
            What else to say of each.

        Returns
        -------
        DataFrame
            Of pandas, with the index of sources and ``source``, or the columns of their frame.

        Raises
        ------
        SettingError
            If one of these columns is there already, or is what targets are called.
        """
        counts = [len(each) for each in targets]
        rows = np.repeat(np.arange(len(targets)), counts)
        if isinstance(self.holder, pd.DataFrame):
            frame = self.holder.iloc[rows].copy()
        else:
            index = None if self.holder is None else self.holder.index[rows]
            frame = pd.DataFrame({} if self.alone else {"source": rows}, index=index)
            frame = frame if index is not None else frame.reindex(range(len(rows)))
        given = [*frame.columns] if isinstance(self.holder, pd.DataFrame) else []
        ours = {*frame.columns, *columns} - {*given} | {*columns}
        twice = [name for name in (*given, self.name) if name in ours]
        if twice:
            raise SettingError(
                f"{written(twice[0])} is a column of the pairs, and also one that is written "
                "beside several targets of a source: rename that of the pairs"
            )
        frame = frame.assign(**{name: np.ravel(values) for name, values in columns.items()})
        flat = [target for each in targets for target in each]
        frame[self.name] = pd.Series(flat, index=frame.index, dtype=object).infer_objects()
        return frame


def learn_pairs(
    source: Any,
    target: Any,
    spec: PairSpec,
    *,
    min_count: int = 1,
    known: tuple[Vocabulary, Vocabulary] | None = None,
) -> LearnedPairs:
    """Read pairs, and the vocabularies of both sides.

    Parameters
    ----------
    source, target : list, Series, array, or a frame as the source alone
        Texts, or lists of symbols; as many of both.
    spec : PairSpec
    min_count : int, default 1
        Symbols that come less often are unknown ones.
    known : pair of Vocabulary, optional
        Whose symbols stay what they are.

    Raises
    ------
    FrameError
        With what is wrong with the pairs.
    SettingError
        For columns that don't say what is what.

    Examples
    --------
    >>> from tsgen.data import PairSpec, learn_pairs
    >>> pairs = learn_pairs(["ab", "b"], ["AY B IY", "B IY"], PairSpec(target_unit="word"))
    >>> list(pairs.sources.vocabulary.symbols), list(pairs.targets.vocabulary.symbols)
    (['a', 'b'], ['AY', 'B', 'IY'])
    """
    source, target = _in_pandas(source), _in_pandas(target)
    if isinstance(source, pd.DataFrame):
        if target is not None:
            raise SettingError(
                "a frame has both columns: pass source_col= and target_col= instead of a target, "
                "or a Series of sources and one of targets"
            )
        source, target = _column(source, spec.source_col), _column(source, spec.target_col)
    elif spec.source_col is not None or spec.target_col is not None:
        raise SettingError("source_col= and target_col= are columns of a frame: pass one, fit(df)")
    elif target is None:
        raise SettingError("there are no targets: fit(source, target), as many of both")
    sides = _listed(source, "source"), _listed(target, "target")
    if len(sides[0]) != len(sides[1]):
        raise FrameError(
            [f"there are {len(sides[0]):,} sources and {len(sides[1]):,} targets: pass a target "
             "for each source"]
        )  # fmt: skip
    units = spec.source_unit, spec.target_unit
    learned = [
        _said_of(f"{name}s", learn_sequences, items, SymbolSpec(unit=unit), min_count=min_count,
                 stops=True, known=None if known is None else known[side])
        for side, (name, items, unit) in enumerate(
            zip(("source", "target"), sides, units, strict=True)
        )
    ]  # fmt: skip
    texts = [isinstance(each.panel.layout, TextSymbols) for each in learned]
    name = target.name if isinstance(target, pd.Series) else None
    how = replace(spec, name=name, source_texts=texts[0], target_texts=texts[1])
    return LearnedPairs(learned[0], learned[1], how)


def read_sources(source: Any, vocabulary: Vocabulary, spec: PairSpec) -> Sources:
    """Read sources of known symbols; all others are unknown ones.

    Parameters
    ----------
    source : str, list, Series, array or DataFrame
        A frame has the column ``source_col`` of the spec.
    vocabulary : Vocabulary
    spec : PairSpec
        As pairs were learned.
    """
    native = opened(source) if is_frame(source) else None
    holder, source = (None, source) if native is None else (native.frame, native.frame)
    if isinstance(source, pd.DataFrame):
        column = spec.source_col
        if column is None:
            raise SettingError("sources were no frame in fit: pass the column with them, df[name]")
        source = _column(source, column)
    alone = isinstance(source, str)
    items = [source] if alone else _listed(source, "source")
    panel = _read(items, vocabulary, "source", unit=spec.source_unit, texts=spec.source_texts)
    kind = "pandas" if native is None else native.kind
    return Sources(panel, holder, alone, spec.target_name, kind)


def read_targets(target: Any, sources: Sources, vocabulary: Vocabulary, spec: PairSpec) -> Any:
    """Read the targets of sources, of which a frame has a column, as a `SymbolPanel`."""
    target = _in_pandas(target)
    if isinstance(sources.holder, pd.DataFrame) and target is None:
        target = _column(sources.holder, spec.target_col)
    if target is None:
        raise SettingError("there are no targets: pass as many as there are sources")
    items = [target] if isinstance(target, str) else _listed(target, "target")
    if len(items) != len(sources.panel):
        raise FrameError(
            [f"there are {len(sources.panel):,} sources and {len(items):,} targets: pass a target "
             "for each source"]
        )  # fmt: skip
    return _read(items, vocabulary, "target", unit=spec.target_unit, texts=spec.target_texts)


def _read(
    items: list[Any], vocabulary: Vocabulary, side: str, *, unit: Unit, texts: bool
) -> SymbolPanel:
    panel: SymbolPanel = _said_of(
        f"{side}s", read_sequences, items, vocabulary, SymbolSpec(unit=unit)
    )
    if isinstance(panel.layout, TextSymbols) != texts:
        kinds = ("lists of symbols", "texts")
        hint = "" if texts else "; a single one is a list of one list, [symbols]"
        raise FrameError(
            [f"{side}s are {kinds[not texts]}, but in fit they were {kinds[texts]}{hint}"]
        )
    return panel


def _in_pandas(data: Any) -> Any:
    return opened(data).frame if is_frame(data) else data


def _column(frame: pd.DataFrame, name: Any) -> pd.Series:
    if name is None or name not in frame.columns:
        names = ", ".join(map(repr, frame.columns))
        raise SettingError(
            f"there is no column {written(name)}: pass source_col= and target_col=, two of {names}"
        )
    column: pd.Series | pd.DataFrame = frame[name]
    if isinstance(column, pd.DataFrame):
        raise FrameError(
            [f"{column.shape[1]} columns are called {written(name)}: rename all but one of them"]
        )
    return column


def _listed(items: Any, side: str) -> list[Any]:
    """The sequences of one side; a Series names the row of one that is missing."""
    if isinstance(items, str):
        raise FrameError(
            [f"the {side} is one text, {written(items)}: pass a list of texts, even of one"]
        )
    if isinstance(items, pd.Series):
        missing = items.index[items.isna().to_numpy()]
        if len(missing):
            raise FrameError(
                [f"{len(missing):,} of {len(items):,} {side}s are missing, the first in row "
                 f"{written(missing[0])}: drop them, or fill them with ''"]
            )  # fmt: skip
        return items.astype(object).tolist()
    if not pd.api.types.is_list_like(items) or isinstance(items, dict | set):
        raise TypeError(
            f"{side}s: expected a list or Series of texts or of lists of symbols, got "
            f"{type(items).__name__}"
        )
    return list(items)


def _said_of(what: str, read: Any, *arguments: Any, **options: Any) -> Any:
    """What a reader returns; what it complains of is said of one side."""
    try:
        return read(*arguments, **options)
    except FrameError as error:
        raise FrameError([f"{what}: {problem}" for problem in error.problems]) from None
