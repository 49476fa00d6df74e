"""One forecaster for each group of series, where one for all isn't wanted."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeAlias, TypeVar

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, clone

from tsgen._messages import written
from tsgen.data import AnyFrame, Native, is_frame, opened
from tsgen.errors import (
    FailedGroupsWarning,
    FrameError,
    ModelExistsError,
    ModelFileError,
    NotFittedError,
    SettingError,
    warn_user,
)
from tsgen.forecasters.base import Forecaster, with_hints
from tsgen.forecasters.summary import Summary
from tsgen.io import PathLike, whole_file

__all__ = ["GroupedForecaster"]

Group: TypeAlias = tuple[Any, ...]
"""Its value of each column that groups are made by."""
T = TypeVar("T")

_INDEX = "groups.json"
_FORMAT = 1
_SHOWN = 3


class GroupedForecaster(BaseEstimator):
    """A forecaster of its own for each group of series, such as a region or a brand.

    Groups are fitted one by one or side by side; one that fails doesn't end the others. What is
    asked of all is answered by each for its own series.

    Parameters
    ----------
    forecaster : Forecaster
        What each group gets a copy of, such as ``LSTMForecaster(verbose=False)``.
    by : str or list of str
        Columns of long frames, whose values say to which group a row belongs. They may be the
        column of ids: then each series has a model.
    n_jobs : int, optional
        Processes, -1 for as many as there are cores. By default one, or what
        ``joblib.parallel_config`` says, by which groups also go to the machines of a cluster.

    Attributes
    ----------
    forecasters_ : dict of group to Forecaster
        Those that are fitted. A group is the value of ``by``, or a tuple of them for a list.
    errors_ : dict of group to Exception
        What ended the others.

    Examples
    --------
    >>> import pandas as pd
    >>> import tsgen
    >>> df = tsgen.load_dataset("bike_rentals").assign(city="Washington")
    >>> model = tsgen.GroupedForecaster(tsgen.SeasonalNaive(), by=["city", "unique_id"])
    >>> model.fit(df).predict(7).columns.tolist()
    ['unique_id', 'ds', 'y', 'city']
    >>> len(model.forecasters_)
    2
    """

    def __init__(
        self, forecaster: Forecaster, by: str | Sequence[str], *, n_jobs: int | None = None
    ) -> None:
        self.forecaster = forecaster
        self.by = by
        self.n_jobs = n_jobs

    @with_hints
    def fit(self, df: AnyFrame, **arguments: Any) -> Self:
        """Fit a forecaster to the rows of each group.

        Parameters
        ----------
        df : DataFrame
            A long frame with the columns ``by``, of any library that `LSTMForecaster.fit` reads.
        **arguments
            Of the forecaster's ``fit``.

        Returns
        -------
        self

        Raises
        ------
        FrameError
            If ``df`` has no such columns, or rows without a group.
        Exception
            What ended the first group, if none could be fitted.

        Warns
        -----
        FailedGroupsWarning
            If some couldn't be fitted; ``errors_`` says why.
        """
        groups = _split(df, self._columns, "df")
        fits = Parallel(n_jobs=self.n_jobs)(
            delayed(_fitted)(self.forecaster, rows, arguments) for rows in groups.values()
        )
        fitted: dict[Hashable, Forecaster] = {}
        failed: dict[Hashable, Exception] = {}
        for group, (forecaster, history, error) in zip(groups, fits, strict=True):
            if error is not None:
                failed[self._name(group)] = error
                continue
            if history is not None:  # which doesn't travel with a forecaster
                forecaster.history_ = history
            fitted[self._name(group)] = forecaster
        _report(failed, len(groups), "fitted")
        self.forecasters_, self.errors_ = fitted, failed
        return self

    @with_hints
    def predict(
        self, horizon: int, *, df: AnyFrame | None = None, **arguments: Any
    ) -> pd.DataFrame:
        """Continue the series of all groups that could be fitted, or those of another frame.

        Parameters
        ----------
        horizon : int
            How many steps to generate.
        df : DataFrame, optional
            Rows to go on from, with the columns ``by``.
        **arguments
            Of the forecaster's ``predict``, such as ``level=``; frames among them, such as
            ``future_df``, are split by their columns ``by``.

        Returns
        -------
        DataFrame
            The forecasts of one group after those of another, each with its columns ``by``.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        FrameError
            For groups of ``df`` that have no forecaster.
        Exception
            What ended the first group, if none could be forecast.

        Warns
        -----
        FailedGroupsWarning
            If some couldn't be forecast; they are left out.
        """
        return self._each(
            "forecast", df, lambda one, given: one.predict(horizon, **given), arguments
        )

    @with_hints
    def backtest(self, df: AnyFrame, horizon: int, **arguments: Any) -> pd.DataFrame:
        """Forecast the series of each group from many cutoffs whose truth is known.

        Parameters
        ----------
        df : DataFrame
            With the columns ``by``.
        horizon, **arguments
            Of the forecaster's ``backtest``.

        Returns
        -------
        DataFrame
            As from the forecaster, with the columns ``by``.

        Raises
        ------
        NotFittedError, FrameError, Exception
            As of ``predict``.

        Warns
        -----
        FailedGroupsWarning
            If some groups failed; they are left out.
        """
        return self._each(
            "backtested", df, lambda one, given: one.backtest(horizon=horizon, **given), arguments
        )  # fmt: skip

    @with_hints
    def fitted(self, df: AnyFrame) -> pd.DataFrame:
        """Forecast each row of the groups of a frame from those before it.

        As the forecaster's ``fitted``, with the columns ``by``.
        """
        return self._each("forecast", df, lambda one, given: one.fitted(**given), {})

    @with_hints
    def anomalies(self, df: AnyFrame, *, threshold: float = 5.0) -> pd.DataFrame:
        """The rows of each group that are far from what those before them let expect.

        As the forecaster's ``anomalies``, with the columns ``by``.
        """
        return self._each(
            "searched", df, lambda one, given: one.anomalies(**given), {"threshold": threshold}
        )

    def summary(self) -> Summary:
        """How many groups could be fitted, and the summary of the first of them."""
        self._check_fitted("summary")
        name, first = next(iter(self.forecasters_.items()))
        groups = {"fitted": f"{len(self.forecasters_):,}", "failed": f"{len(self.errors_):,}"}
        sections = {
            f"{section} of {written(name)}": facts
            for section, facts in first.summary().sections.items()
        }
        return Summary(f"{first._call}, by {written(self.by)}", {"groups": groups} | sections)

    def save(self, folder: PathLike, *, overwrite: bool = False) -> None:
        """Write the fitted forecasters into a folder, side by side, each as one safe file.

        Parameters
        ----------
        folder : path
            It is made if there is none. ``groups.json``, written last, says whose each file is.
        overwrite : bool, default False
            Whether models that are there are replaced.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        FileExistsError
            If the folder has such models, and ``overwrite`` is false.
        SettingError
            If the forecasters can't be saved, as naive ones, or a group's name can't be written.
        """
        self._check_fitted("save")
        target = Path(folder)
        if (target / _INDEX).exists() and not overwrite:
            raise ModelExistsError(
                f"{written(str(target))} has models already: pass overwrite=True, or another folder"
            )
        named = [(self._values(name), one) for name, one in self.forecasters_.items()]
        index = {
            "format": _FORMAT,
            "by": self.by if isinstance(self.by, str) else list(self.by),
            "groups": [[_plain(value) for value in group] for group, _ in named],
        }
        if not all(hasattr(one, "save") for _, one in named):
            kind = type(self.forecaster).__name__
            raise SettingError(f"a {kind} can't be saved: it learns nothing, fit it anew")
        target.mkdir(parents=True, exist_ok=True)
        before = _files_of(target) if overwrite else []
        # An old index beside new files would give models to other groups.
        (target / _INDEX).unlink(missing_ok=True)
        for number, (_, one) in enumerate(named):
            one.save(target / _file(number), overwrite=overwrite)
        for left_over in before[len(named) :]:
            left_over.unlink(missing_ok=True)
        with whole_file(target / _INDEX, overwrite=overwrite) as file:
            file.write(json.dumps(index, indent=1).encode())

    @classmethod
    def load(cls, folder: PathLike, *, trusted: Iterable[Any] = ()) -> Self:
        """Read the forecasters that ``save`` wrote; nothing in the files is run.

        Parameters
        ----------
        folder : path
        trusted : list of str or type
            As of `tsgen.load`.

        Returns
        -------
        GroupedForecaster

        Raises
        ------
        ModelFileError
            If the folder has no such models, or one of them can't be read.
        """
        from tsgen.forecasters import load

        by, groups = _read_index(Path(folder))
        forecasters = [
            load(Path(folder) / _file(number), trusted=trusted) for number in range(len(groups))
        ]
        loaded = cls(clone(forecasters[0]), by)
        names = [loaded._name(group) for group in groups]
        loaded.forecasters_ = dict(zip(names, forecasters, strict=True))
        loaded.errors_ = {}
        return loaded

    # --- groups

    @property
    def _columns(self) -> list[str]:
        return [self.by] if isinstance(self.by, str) else list(self.by)

    def _name(self, group: Group) -> Hashable:
        """What a group is called in ``forecasters_``."""
        return group[0] if isinstance(self.by, str) else group

    def _values(self, name: Any) -> Group:
        return (name,) if isinstance(self.by, str) else name

    def _check_fitted(self, call: str) -> None:
        if not hasattr(self, "forecasters_"):
            raise NotFittedError(
                f"this GroupedForecaster isn't fitted yet: call fit(df) before {call}"
            )

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "forecasters_")

    def _each(
        self,
        done: str,
        df: AnyFrame | None,
        ask: Callable[[Any, dict[str, Any]], pd.DataFrame],
        arguments: Mapping[str, Any],
    ) -> pd.DataFrame:
        """What each forecaster answers for its own rows, one after the other."""
        self._check_fitted("predict")
        columns = self._columns
        asked = {**({} if df is None else {"df": df}), **arguments}
        frames = {
            name: _split(frame, columns, name) for name, frame in asked.items() if is_frame(frame)
        }
        names = [self._values(name) for name in self.forecasters_] if df is None else frames["df"]
        self._check_known(names)
        answers, failed = [], dict[Hashable, Exception]()
        for group in names:
            given = {**asked, **{name: parts.get(group) for name, parts in frames.items()}}
            try:
                answer = ask(self.forecasters_[self._name(group)], given)
            except Exception as error:
                failed[self._name(group)] = error
            else:
                native = opened(answer)
                answers.append(_labelled(native.frame, columns, group))
        _report(failed, len(answers) + len(failed), done)
        together = pd.concat(answers, ignore_index=isinstance(answers[0].index, pd.RangeIndex))
        return native.like(together)

    def _check_known(self, groups: Iterable[Group]) -> None:
        unknown = [group for group in groups if self._name(group) not in self.forecasters_]
        if unknown:
            shown = ", ".join(written(self._name(group)) for group in unknown[:_SHOWN])
            more = f" and {len(unknown) - _SHOWN} others" if len(unknown) > _SHOWN else ""
            raise FrameError(
                [
                    f"no forecaster was fitted for {written(self.by)} of {shown}{more}: fit with "
                    "rows of theirs (errors_ has those that failed), or leave them out"
                ]
            )


def _fitted(
    forecaster: Forecaster, rows: AnyFrame, arguments: Mapping[str, Any]
) -> tuple[Any, Any, Exception | None]:
    """A copy that has learned from the rows, and what it learned from; or what went wrong."""
    try:
        fitted = clone(forecaster).fit(rows, **arguments)
    except Exception as error:
        return None, None, error
    return fitted, fitted.__dict__.get("history_"), None


def _split(data: Any, columns: list[str], argument: str) -> dict[Group, Any]:
    """The rows of each group, in the order in which groups first come."""
    native = opened(data) if is_frame(data) else Native(data)
    df = native.frame
    if not isinstance(df, pd.DataFrame):
        raise TypeError(f"{argument}: expected a long frame with {columns}, got {written(df)}")
    lacking = [name for name in columns if name not in df.columns]
    if lacking:
        raise FrameError([f"{argument} has no column {written(lacking[0])}, which by= names"])
    nowhere = df[columns].isna().any(axis=1).to_numpy()
    if nowhere.any():
        row = int(np.flatnonzero(nowhere)[0])
        raise FrameError(
            [
                f"{argument}: row {row} has no value of {written(columns)} ({int(nowhere.sum())} "
                "such rows): fill it in, or drop these rows"
            ]
        )
    groups: dict[Group, Any] = dict(iter(df.groupby(columns, sort=False, observed=True)))
    if native.kind == "pandas":
        return groups
    return {group: Native(rows, native.kind) for group, rows in groups.items()}


def _labelled(answer: pd.DataFrame, columns: list[str], group: Group) -> pd.DataFrame:
    """A group's answer, with its columns ``by`` where it lacks them."""
    own = {*answer.columns, *answer.index.names}
    return answer.assign(
        **{name: value for name, value in zip(columns, group, strict=True) if name not in own}
    )


def _report(failed: Mapping[Hashable, Exception], of: int, done: str) -> None:
    """Raise what ended all groups, or warn of what ended some."""
    if not failed:
        return
    group, error = next(iter(failed.items()))
    if len(failed) == of:
        error.add_note(f"of the group {written(group)}; none of {of} could be {done}")
        raise error
    warn_user(
        f"{len(failed)} of {of} groups couldn't be {done}, first {written(group)}: {error}",
        FailedGroupsWarning,
    )


def _file(number: int) -> str:
    return f"{number:06d}.tsgen"


def _files_of(folder: Path) -> list[Path]:
    """The files of the models in a folder, by its index."""
    if not (folder / _INDEX).exists():
        return []
    return [folder / _file(number) for number in range(len(_read_index(folder)[1]))]


def _plain(value: Any) -> Any:
    """A part of a group's name as JSON has it."""
    plain = value.item() if isinstance(value, np.generic) else value
    if not isinstance(plain, str | int | float | bool):
        kind = type(value).__name__
        raise SettingError(
            f"a group named {written(value)} can't be saved ({kind}): make text or numbers of the "
            "columns by="
        )
    return plain


def _read_index(folder: Path) -> tuple[str | list[str], list[Group]]:
    """By which columns there are groups in a folder, and which."""
    path = folder / _INDEX
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
        by, groups = index["by"], [tuple(group) for group in index["groups"]]
        wrong = index["format"] != _FORMAT or not groups
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelFileError(
            f"{written(str(folder))} has no models of GroupedForecaster.save: {error}"
        ) from error
    if wrong:
        raise ModelFileError(
            f"{written(str(path))} is of another version of tsgen, or has no groups"
        )
    return by, groups
