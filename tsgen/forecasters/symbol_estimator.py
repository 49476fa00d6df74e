"""What the estimators of symbols share: how they are fitted, and how symbols are drawn."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping
from copy import copy
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, Self, TypeVar

from tsgen._messages import written
from tsgen._validation import is_auto, number, seed_number, whole_number
from tsgen.data import Vocabulary, read_vectors
from tsgen.errors import DivergenceError, SettingError, TrainingInterrupted, warn_user
from tsgen.forecasters.saving import SavableEstimator
from tsgen.forecasters.summary import FitRecord, lines_of_network, lines_of_training
from tsgen.forecasters.symbol_settings import GivenVectors, SymbolSettings
from tsgen.inference import Sampling
from tsgen.io import PathLike
from tsgen.nn import Cell, SymbolNetwork

if TYPE_CHECKING:
    from tsgen.training import TrainingReport

__all__ = ["SymbolEstimator"]


class FittedSymbols(Protocol):
    """A fitted model as a value."""

    @property
    def network(self) -> SymbolNetwork:
        """That of symbols."""

    @property
    def weights(self) -> int:
        """A checksum of the weights."""


M = TypeVar("M", bound=FittedSymbols)


class SymbolEstimator(SavableEstimator, Generic[M]):
    """An estimator whose model is one of symbols; subclasses say what they read."""

    cell: ClassVar[Cell]
    model_: M
    settings_: SymbolSettings
    report_: TrainingReport
    """Of the last ``fit``; a loaded model has none."""
    first_weights_: int
    """A checksum of the weights before training, while it lasts."""
    record_: FitRecord | None = None
    """Of the fit, in numbers; files of earlier versions have none."""
    freeze_embeddings: bool

    def _sections(self) -> dict[str, dict[str, str]]:
        settings, record = self.settings_, self.record_
        read = self._what_was_read()
        if record is not None:
            read["symbols"] = f"{record.rows:,}"
        chosen = {
            "preset": settings.preset,
            **lines_of_network(self.cell, settings),
            "strategy": f"{settings.training_strategy}",
        }
        learned = lines_of_training(record, settings, self.model_.network.parameters())
        return {"read": read, "chosen": chosen, "learned": learned}

    @abstractmethod
    def _what_was_read(self) -> dict[str, str]:
        """Facts on sequences."""

    def export_onnx(self, path: PathLike, *, overwrite: bool = False) -> None:
        """Say that models of symbols can't be exported; those of numbers are.

        Raises
        ------
        SettingError
        """
        raise SettingError(
            f"{type(self).__name__} can't be exported to ONNX, which LSTMForecaster and "
            "GRUForecaster can: serve it with tsgen.load(path)"
        )

    def _fit_apart(self, learn: Callable[[Self], str | None]) -> Self:
        """Learn in a copy, whose attributes come in place of these all at once.

        Who generates meanwhile has the model before this one, or this one.
        """
        learner = copy(self)
        try:
            interrupted = learn(learner)
        except DivergenceError:
            # The best weights before what went wrong, if any were learned.
            if learner.model_.weights != learner.__dict__.pop("first_weights_"):
                self.__dict__ = learner.__dict__
            raise
        del learner.first_weights_
        self.__dict__ = learner.__dict__
        if interrupted is not None:
            warn_user(f"{interrupted}; the model has the best weights so far", TrainingInterrupted)
        return self

    def _start_from(self, init: Any) -> Self | None:
        """A fitted estimator to go on from, which may be this one."""
        if init is None:
            return None
        if type(init) is not type(self):
            raise SettingError(
                f"init={written(init)}: expected a fitted {type(self).__name__}; one in a file is "
                "read by tsgen.load(path)"
            )
        init._check_fitted("fit(init=)")
        self._check_like(init)
        return copy(init)

    def _check_like(self, init: Self) -> None:
        """Refuse arguments that say otherwise than the model that training goes on from."""

    def _refuse_others(
        self, alike: Mapping[str, tuple[Any, Any]], always: Collection[str] = ()
    ) -> None:
        """By name what is given and what a model has.

        Defaults may not have been given: but for those that ``always`` count, they are no reason.
        """
        defaults = type(self)().get_params(deep=False)
        for name, (given, has) in alike.items():
            may_differ = is_auto(given) or (name not in always and given == defaults[name])
            if given != has and not may_differ:
                raise SettingError(
                    f"{name}={written(given)} beside init=, a model that has {written(has)}: pass "
                    f"{name}={written(has)}, or fit without init="
                )

    def _vectors(self, vocabularies: Mapping[str, Vocabulary], start: Any) -> GivenVectors:
        """The vectors that arguments have for the symbols of vocabularies, by argument.

        None are read where training goes on from a model.
        """
        if start is not None:
            return dict.fromkeys(vocabularies)
        given = {name: getattr(self, name) for name in vocabularies}
        if self.freeze_embeddings and all(vectors is None for vectors in given.values()):
            either = " or ".join(f"{name}=" for name in given)
            raise SettingError(f"freeze_embeddings=True needs vectors: pass {either}")
        return {
            name: None if vectors is None else read_vectors(vectors, vocabularies[name], name)
            for name, vectors in given.items()
        }

    def _refuse_vectors(self, init: Self, names: Iterable[str]) -> None:
        """A model that has learned vectors goes on with these."""
        for name in names:
            if getattr(self, name) is not None and getattr(init, name) is None:
                raise SettingError(
                    f"{name}= beside init=, a model that learned vectors of its own: leave "
                    f"{name} out, or fit without init="
                )

    def _model(self, call: str) -> M:
        """The model on the CPU, in evaluation mode."""
        self._check_fitted(call)
        network = self.model_.network
        if network.training or network.device.type != "cpu":
            network.cpu().eval()
        return self.model_

    def _seed(self, random_state: int | None) -> int:
        """That of a call, or else the model's."""
        if random_state is None:
            return self.settings_.random_state
        return seed_number("random_state", random_state)

    def _sampling(
        self, random_state: int | None, temperature: float, top_k: int | None, top_p: float | None
    ) -> Sampling:
        return Sampling(
            self._seed(random_state),
            number("temperature", temperature, 0.0, 1e6),
            None if top_k is None else whole_number("top_k", top_k, "of the likeliest symbols"),
            None if top_p is None else number("top_p", top_p, 0.0, 1.0),
        )
