"""A search for settings: trials of a forecaster on backtests, by Optuna."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from sklearn.base import clone

from tsgen._messages import written
from tsgen._runtime import isolated, progress_line, quiet
from tsgen._validation import checked_horizon, number, one_of, seed_of, whole_number
from tsgen.data import AnyFrame, Panel, hold_out, opened
from tsgen.errors import MissingExtraError, SettingError, TsgenError
from tsgen.evaluation import score
from tsgen.forecasters import LSTMForecaster, NeuralForecaster, Settings, check_is_repeatable

if TYPE_CHECKING:
    import optuna

__all__ = ["Space", "Tuned", "tune"]

Space: TypeAlias = Mapping[str, Sequence[Any] | tuple[float, float]]
"""What may be chosen for each argument: a list of values, or a range ``(low, high)``."""

_METRICS = ("mase", "rmsse", "mae", "rmse", "smape")
_STUDY = "tsgen"
_TRIALS = "trials.log"
_SEARCH = "search.json"


@dataclass(frozen=True)
class Tuned:
    """What a search has found.

    Attributes
    ----------
    model : LSTMForecaster or GRUForecaster
        With the best settings, not fitted: ``tuned.model.fit(df)`` trains it on all rows.
    params : dict of str to object
        Those of its arguments that were chosen; none where the model as it was did best.
    score : float
        Of the best trial.
    trials : DataFrame
        ``trial``, ``score`` (missing where a trial failed), ``seconds`` and a column for each
        argument, missing where a trial left it as it was; the best trial comes first.
    """

    model: NeuralForecaster
    params: dict[str, Any]
    score: float
    trials: pd.DataFrame = field(repr=False)


@isolated()
def tune(
    df: AnyFrame,
    horizon: int,
    *,
    budget: float = 600.0,
    n_trials: int | None = None,
    model: NeuralForecaster | None = None,
    space: Space | None = None,
    metric: str = "mase",
    n_windows: int = 1,
    step: int | None = None,
    run_dir: str | os.PathLike[str] | None = None,
    random_state: int | None = 0,
    verbose: bool = True,
    **fit: Any,
) -> Tuned:
    """Search for settings that forecast a frame's last rows best.

    Each trial fits a copy of the model to all but the last rows, and is scored by a backtest on
    these. The first one is the model as it is; the others draw from the space by a tree-structured
    Parzen estimator [1]_, as Optuna [2]_ has it. Look at the score of other rows than these before
    you believe it: the best of many trials is lucky, too.

    Parameters
    ----------
    df : Series or DataFrame
        In any layout that ``fit`` reads.
    horizon : int
        H, the steps of a forecast.
    budget : float, default 600
        Seconds; the trial that is under way then is finished, and the first one is always made.
    n_trials : int, optional
        Most trials, if there is time for them.
    model : LSTMForecaster or GRUForecaster, default LSTMForecaster()
        What is tuned; its arguments that aren't in the space stay as they are.
    space : mapping of str to list or (low, high), optional
        What may be chosen for each argument: one of a list, or a number between two bounds (whole
        numbers if both are; by the logarithm where the upper one is 10 times the lower or more).
        By default the context, the lags' residual, the size of the network, the learning rate,
        the dropout, the loss and the training strategy, as far as the model leaves them open;
        what begins with pretrained weights keeps their size and residual.
    metric : {"mase", "rmsse", "mae", "rmse", "smape"}, default "mase"
        Of `tsgen.score`; the lowest is best.
    n_windows, step : int
        Cutoffs of the backtest and the rows between them, by default a horizon.
    run_dir : path, optional
        A folder for the trials: the same call goes on with them, and its budget with what is left.
    random_state : int or None, default 0
    verbose : bool, default True
        Whether to show a progress bar on a terminal.
    **fit
        More arguments of ``fit``, such as ``freq`` or ``target_col``.

    Returns
    -------
    Tuned

    Raises
    ------
    MissingExtraError
        Without Optuna: it comes with ``tsgen[tune]``.
    TsgenError
        For arguments that can't be used, a ``run_dir`` of another search, or if the model as it
        is fails; a trial that fails with other settings is left out.

    References
    ----------
    .. [1] Bergstra, Bardenet, Bengio, Kégl: Algorithms for Hyper-Parameter Optimization.
       NeurIPS 2011.
    .. [2] Akiba, Sano, Yanase, Ohta, Koyama: Optuna: A Next-generation Hyperparameter
       Optimization Framework. KDD 2019.

    Examples
    --------
    >>> import tsgen
    >>> df = tsgen.load_dataset("sunspots")
    >>> tuned = tsgen.tune(
    ...     df,
    ...     11,
    ...     n_trials=2,
    ...     model=tsgen.LSTMForecaster(max_steps=5),
    ...     space={"hidden_size": [8, 16]},
    ...     verbose=False,
    ... )
    >>> tuned.trials.columns.tolist()
    ['trial', 'score', 'seconds', 'hidden_size']
    >>> forecast = tuned.model.fit(df).predict(11)
    """
    _optuna()
    horizon = checked_horizon(horizon)
    backtest = _Backtest(
        horizon,
        whole_number("n_windows", n_windows, "cutoffs of each series"),
        horizon if step is None else whole_number("step", step, "rows between cutoffs"),
        one_of("metric", metric, _METRICS),
        fit.get("short", "error"),
    )
    budget = number("budget", budget, 0.0, 1e9)
    if n_trials is not None:
        whole_number("n_trials", n_trials, "trials")
    names = {key: fit[key] for key in ("id_col", "time_col", "target_col") if key in fit}
    df = opened(df)
    train, _ = hold_out(df, backtest.rows, **names)
    template = clone(model if model is not None else LSTMForecaster())
    if run_dir is not None:
        check_is_repeatable(template.random_state)
    probe = clone(template)
    probe.prepare(train, **fit)
    trial = _Trial(
        template,
        space if space is not None else _default_space(template, probe.settings_),
        lambda candidate: backtest.score(_fitted(candidate, train, fit), df),
    )
    _, all_rows = clone(template).prepare(df, **fit)
    described = [all_rows.fingerprint(), *backtest[:-1],
                 *({name: repr(value) for name, value in values.items()}
                   for values in (template.get_params(deep=False), trial.space))]  # fmt: skip
    with quiet("optuna"):
        study = _study(None if run_dir is None else Path(run_dir), described, seed_of(random_state))
        with _progress(budget - _seconds_of(study), shown=verbose) as seen:
            _search(study, trial, budget, n_trials, seen)
    return trial.best_of(study)


def _study(run_dir: Path | None, described: list[Any], seed: int) -> optuna.Study:
    """The search of a folder, or a new one."""
    import optuna

    study = optuna.create_study(
        storage=None if run_dir is None else _storage(run_dir, described),
        study_name=_STUDY,
        load_if_exists=True,
    )
    # A search that goes on must not draw what it drew before.
    study.sampler = optuna.samplers.TPESampler(seed=(seed + len(study.trials)) % 2**32)
    return study


def _search(
    study: optuna.Study,
    trial: _Trial,
    budget: float,
    n_trials: int | None,
    seen: Callable[..., None],
) -> None:
    """Trials until seconds or numbers run out; the first is of the model as it is."""
    if not _finished(study):
        # What fails here fails for a reason that no settings mend.
        study.optimize(trial.as_it_is, n_trials=1, callbacks=[seen])
    left = budget - _seconds_of(study)
    more = None if n_trials is None else n_trials - _finished(study)
    if left > 0 and (more is None or more > 0):
        study.optimize(trial, n_trials=more, timeout=left, catch=(TsgenError,), callbacks=[seen])


def _seconds_of(study: optuna.Study) -> float:
    return sum(map(_seconds, study.trials))


def _finished(study: optuna.Study) -> int:
    """Trials that ran to their end, whether they came to a score or not."""
    return sum(trial.state.is_finished() for trial in study.trials)


@dataclass
class _Trial:
    """Draws settings and scores a forecaster that has them."""

    template: NeuralForecaster
    space: Space
    scored: Callable[[NeuralForecaster], float]

    def __post_init__(self) -> None:
        unknown = sorted(set(self.space) - set(self.template.get_params()))
        if unknown:
            raise SettingError(
                f"space={written(unknown[0])} is no argument of "
                f"{type(self.template).__name__}: expected "
                f"some of {', '.join(sorted(self.template.get_params()))}"
            )
        for name, choices in self.space.items():
            ordered = not _is_range(choices) or choices[0] < choices[1]
            if isinstance(choices, str) or not list(choices) or not ordered:
                raise SettingError(
                    f"space[{name!r}]={written(choices)}: expected a list of values, or two "
                    "numbers (low, high)"
                )

    def as_it_is(self, trial: optuna.Trial) -> float:
        """The score of the model without anything drawn."""
        return self.scored(clone(self.template))

    def __call__(self, trial: optuna.Trial) -> float:
        """What Optuna minimises."""
        drawn = {name: self._one(trial, name, choices) for name, choices in self.space.items()}
        return self.scored(clone(self.template).set_params(**drawn))

    @staticmethod
    def _one(trial: optuna.Trial, name: str, choices: Sequence[Any] | tuple[float, float]) -> Any:
        if _is_range(choices):
            low, high = choices
            log = bool(low > 0 and high >= 10 * low)
            if isinstance(low, Integral) and isinstance(high, Integral):
                return trial.suggest_int(name, int(low), int(high), log=log)
            return trial.suggest_float(name, float(low), float(high), log=log)
        # By what they are called, since Optuna keeps plain values alone.
        of_label = {repr(choice): choice for choice in choices}
        return of_label[trial.suggest_categorical(name, list(of_label))]

    def _value(self, name: str, drawn: Any) -> Any:
        """A drawn value as the argument has it."""
        choices = self.space[name]
        return drawn if _is_range(choices) else {repr(item): item for item in choices}[drawn]

    def best_of(self, study: optuna.Study) -> Tuned:
        """What the trials of a study come to."""
        rows = [
            {"trial": item.number, "score": item.value, "seconds": _seconds(item)}
            | self._values(item)
            for item in study.trials
        ]
        columns = ["trial", "score", "seconds", *self.space]
        trials = pd.DataFrame(rows, columns=columns).sort_values("score", ignore_index=True)
        if trials["score"].isna().all():
            raise SettingError(
                "the model as it is came to a score that is no number: are there values, and for "
                "'mase' and 'rmsse' series that aren't constant, in the rows to forecast?"
            )
        best = study.best_trial
        params = self._values(best)
        chosen = clone(self.template).set_params(**params)
        return Tuned(chosen, params, float(best.values[0]), trials)

    def _values(self, trial: Any) -> dict[str, Any]:
        """What a trial drew, as the arguments have it."""
        return {name: self._value(name, drawn) for name, drawn in trial.params.items()}


def _is_range(choices: Any) -> bool:
    """Whether choices are two numbers; a list is never one."""
    return (
        isinstance(choices, tuple)
        and len(choices) == 2
        and all(isinstance(bound, Real) and not isinstance(bound, bool) for bound in choices)
    )


def _default_space(model: NeuralForecaster, settings: Settings) -> Space:
    """What is searched of what the model leaves open."""
    context = settings.context_length
    seasonal = ["last", "seasonal", None] if settings.season_length > 1 else ["last", None]
    space: dict[str, Sequence[Any] | tuple[float, float]] = {
        "context_length": sorted({max(1, context // 2), context, context * 3 // 2}),
        "residual": seasonal,
        "hidden_size": [16, 32, 64, 128],
        "learning_rate": (5e-4, 1e-2),
        "dropout": [0.0, 0.1, 0.3],
        "loss": ["mse", "mae"],
        "training_strategy": ["teacher_forcing", "free_running", "noisy_inputs"],
    }
    if settings.init != "random":  # which would be lost by any of these
        del space["residual"], space["hidden_size"]
    usual = type(model)().get_params(deep=False)
    given = model.get_params(deep=False)
    return {name: choices for name, choices in space.items() if given[name] == usual[name]}


def _fitted(model: NeuralForecaster, train: AnyFrame, fit: Mapping[str, Any]) -> NeuralForecaster:
    """A model that has learned, beside others, from the rows before all cutoffs."""
    module, data = model.set_params(verbose=False).prepare(train, **fit)
    interrupted = model._learn(module, data, beside=True)
    if interrupted is not None:  # half a training says nothing of its settings
        raise KeyboardInterrupt(f"tune: {interrupted}")
    return model


class _Backtest(NamedTuple):
    """How a fitted model is scored."""

    horizon: int
    n_windows: int
    step: int
    metric: str
    short: Literal["error", "skip"]

    @property
    def rows(self) -> int:
        """Rows after the first cutoff."""
        return self.horizon + (self.n_windows - 1) * self.step

    def score(self, model: NeuralForecaster, df: AnyFrame) -> float:
        """The mean score of a model's targets on the rows that it isn't fitted to."""
        found = model.backtest(
            df, self.horizon, n_windows=self.n_windows, step=self.step, short=self.short
        )
        rows = opened(found).frame
        columns = model.panel_.columns
        if columns.id not in rows:
            rows = rows.copy()
            rows[columns.id] = model.history_.labels()[columns.id][0]
        scores = [
            score(
                rows,
                self.metric,
                train=_training_rows(model.history_, target),
                season_length=model.settings_.season_length,
                freq=1,
                id_col=columns.id,
                time_col=columns.time,
                target_col=target,
            )[self.metric]
            for target in columns.targets
        ]
        return float(np.mean(scores))


def _training_rows(panel: Panel, target: str) -> pd.DataFrame:
    """The rows of one target that a model was fitted to, counted instead of dated."""
    columns, ids = panel.columns, panel.ids
    position = panel.shown
    if columns.others:
        position = position[ids[position].get_level_values(1) == target]
    names = ids.get_level_values(0) if panel.names_channels else ids
    parts = [
        pd.DataFrame(
            {
                columns.id: [names[i]] * len(values),
                columns.time: np.arange(len(values)),
                target: values,
            }
        )
        for i in position
        for values in [panel.series(i)]
    ]
    return pd.concat(parts, ignore_index=True)


# --- Optuna --------------------------------------------------------------------------------------


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise MissingExtraError(
            "tsgen.tune needs the package optuna: pip install 'tsgen[tune]'"
        ) from error
    return optuna


def _storage(folder: Path, described: Sequence[Any]) -> Any:
    """Trials in a folder, which says what search it belongs to; that of another is refused."""
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(json.dumps(described).encode()).hexdigest()
    path = folder / _SEARCH
    if path.exists() and json.loads(path.read_text())["search"] != digest:
        raise SettingError(
            f"run_dir={str(folder)!r} holds another search: other rows, model, space or horizon; "
            "choose another folder, or delete this one to begin anew"
        )
    path.write_text(json.dumps({"search": digest}))
    return JournalStorage(JournalFileBackend(str(folder / _TRIALS)))


def _seconds(trial: Any) -> float:
    return trial.duration.total_seconds() if trial.duration is not None else 0.0


@contextmanager
def _progress(budget: float, *, shown: bool) -> Iterator[Callable[[Any, Any], None]]:
    """Show what of the budget is spent; yields what to call after each trial."""
    line = progress_line("tune", "{task.fields[said]}", shown=shown)
    if line is None:
        yield lambda study, trial: None
        return
    with line:
        task = line.add_task("tune", total=budget, said="the model as it is")
        began = time.monotonic()

        def seen(study: Any, trial: Any) -> None:
            finished = [item.value for item in study.trials if item.value is not None]
            best = f", best {min(finished):.4g}" if finished else ""
            said = f"trial {trial.number + 1}{best}"
            line.update(task, completed=time.monotonic() - began, said=said)

        yield seen
