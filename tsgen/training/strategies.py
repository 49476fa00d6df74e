"""What a network is fed while it learns: observed rows, its own predictions, or some of both.

A forecast feeds predictions back, and a network that has seen nothing but observed rows meets its
own errors there for the first time (exposure bias). Each strategy is a small object with one
method; what they share is the reading of a window's context.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from tsgen._messages import written
from tsgen._validation import number, one_of, whole_number
from tsgen.errors import SettingError
from tsgen.generation import Feedback, closed_loop, read_over_holes, rollout, run
from tsgen.nn import RolloutState
from tsgen.training.losses import WindowErrors
from tsgen.training.step import LossTerm, TrainingExamples

__all__ = [
    "STRATEGIES",
    "Curve",
    "FreeRunning",
    "NoisyInputs",
    "PushForward",
    "ScheduledSampling",
    "TeacherForcing",
    "TrainingStrategy",
]

Curve: TypeAlias = Literal["linear", "inverse_sigmoid", "exponential"]


class TrainingStrategy(ABC):
    """What is fed in while a network learns; subclasses are dataclasses of plain settings."""

    @property
    def rows_after_cutoff(self) -> int | None:
        """The rows after the cutoff that it wants; ``None`` leaves it to the frequency."""
        return None

    @property
    def is_random(self) -> bool:
        """Whether it draws from the generator of its examples."""
        return False

    @property
    def is_curriculum(self) -> bool:
        """Whether what is asked changes over the training, so that early losses say nothing."""
        return False

    @abstractmethod
    def loss_terms(self, examples: TrainingExamples) -> Sequence[LossTerm]:
        """The parts of the loss."""

    def _keep(self, name: str, value: float) -> None:
        """Set a checked number, which is a plain one then: a file takes no others."""
        object.__setattr__(self, name, value)


@dataclass(frozen=True)
class TeacherForcing(TrainingStrategy):
    """Every row is predicted from the observed rows before it [1]_; the default.

    The fastest and most stable way to train, whose one-step errors are the smallest; the closed
    loop may drift where small errors grow.

    References
    ----------
    .. [1] Williams, Zipser: A Learning Algorithm for Continually Running Fully Recurrent Neural
       Networks. Neural Computation 1(2), 1989.

    Examples
    --------
    >>> import tsgen
    >>> model = tsgen.LSTMForecaster(training_strategy=tsgen.TeacherForcing())
    """

    def loss_terms(self, examples: TrainingExamples) -> Sequence[LossTerm]:
        """The errors of all rows."""
        return [LossTerm(1.0, examples.read(examples.batch.values.shape[1])[1])]


@dataclass(frozen=True)
class NoisyInputs(TrainingStrategy):
    """Noise on what is fed in, never on the targets, around any other strategy [1]_.

    Parameters
    ----------
    std : float, default 0.05
        Standard deviation of the noise: with ``window_norm`` 1 is the spread of the context,
        without it the spread that the scaler brings values to.
    strategy : TrainingStrategy, default TeacherForcing()
        What is done with the noisy values.

    References
    ----------
    .. [1] Sanchez-Gonzalez et al.: Learning to Simulate Complex Physics with Graph Networks.
       ICML 2020.

    Examples
    --------
    >>> import tsgen
    >>> strategy = tsgen.NoisyInputs(0.02, tsgen.FreeRunning())
    >>> model = tsgen.LSTMForecaster(training_strategy=strategy)
    """

    std: float = 0.05
    strategy: TrainingStrategy = field(default_factory=TeacherForcing)

    def __post_init__(self) -> None:
        self._keep("std", number("std", self.std, 0.0, 100.0))
        if not isinstance(self.strategy, TrainingStrategy):
            raise SettingError(
                f"strategy={written(self.strategy)}: expected an object such as tsgen.FreeRunning()"
            )

    @property
    def rows_after_cutoff(self) -> int | None:
        """Those of the strategy inside."""
        return self.strategy.rows_after_cutoff

    @property
    def is_random(self) -> bool:
        """Always."""
        return True

    @property
    def is_curriculum(self) -> bool:
        """What the strategy inside is."""
        return self.strategy.is_curriculum

    def loss_terms(self, examples: TrainingExamples) -> Sequence[LossTerm]:
        """Those of the strategy inside, which is fed noisy values."""
        inputs = examples.inputs
        drawn = torch.randn(
            inputs.shape, generator=examples.generator, dtype=inputs.dtype, device=inputs.device
        )
        noisy = inputs + self.std * drawn * examples.batch.known
        return self.strategy.loss_terms(replace(examples, fed=noisy))


@dataclass(frozen=True)
class _AfterCutoff(TrainingStrategy):
    """Teacher forcing over the context, and something else after the cutoff.

    Parameters
    ----------
    steps : int, optional
        Rows after the cutoff; by default those that suit the frequency, such as 48 hours.
    share : float, default 0.5
        What the rows after the cutoff weigh in the loss; the context has the rest.
    """

    steps: int | None = None
    share: float = 0.5

    def __post_init__(self) -> None:
        if self.steps is not None:
            self._keep("steps", whole_number("steps", self.steps, "rows after the cutoff"))
        self._keep("share", number("share", self.share, 0.0, 1.0))

    @property
    def rows_after_cutoff(self) -> int | None:
        """The number of steps."""
        return self.steps

    def loss_terms(self, examples: TrainingExamples) -> Sequence[LossTerm]:
        """The errors of the context and of the rows after the cutoff."""
        state, context = examples.read(examples.cutoff)
        return [
            LossTerm(1.0 - self.share, context),
            LossTerm(self.share, self._ahead(examples, state)),
        ]

    @abstractmethod
    def _ahead(self, examples: TrainingExamples, state: RolloutState) -> WindowErrors:
        """The errors after the cutoff."""


@dataclass(frozen=True)
class FreeRunning(_AfterCutoff):
    """The closed loop is trained as it is used: each prediction is the next input [1]_.

    Gradients flow through the whole rollout. Where the loop folds (an LSTM of one layer whose
    residual isn't the last value) it costs hardly more than teacher forcing.

    Parameters
    ----------
    steps : int, optional
        k, the length of the closed loop; by default as many rows as suit the frequency.
    share : float, default 0.5
        What the closed loop weighs in the loss; the teacher-forced context has the rest.
    grow : float, default 0.0
        The share of the training over which k grows from 1 to ``steps`` [2]_; 0 begins with all.

    References
    ----------
    .. [1] Teutsch, Mäder: Flipped Classroom: Effective Teaching for Time Series Forecasting.
       TMLR, 2022.
    .. [2] Bengio, Louradour, Collobert, Weston: Curriculum Learning. ICML 2009.

    Examples
    --------
    >>> import tsgen
    >>> model = tsgen.LSTMForecaster(training_strategy=tsgen.FreeRunning(grow=0.5))
    """

    grow: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._keep("grow", number("grow", self.grow, 0.0, 1.0))

    @property
    def is_curriculum(self) -> bool:
        """As long as the loop grows."""
        return self.grow > 0

    def _ahead(self, examples: TrainingExamples, state: RolloutState) -> WindowErrors:
        steps = examples.horizon
        if self.grow > 0:
            steps = min(steps, max(1, math.ceil(steps * examples.progress / self.grow)))
        exogenous = examples.covariates(slice(examples.cutoff, examples.cutoff + steps))
        return examples.errors(closed_loop(examples.network, state, steps, exogenous))


@dataclass(frozen=True)
class ScheduledSampling(_AfterCutoff):
    """After the cutoff a coin decides for each step: the observed value or the prediction [1]_.

    Parameters
    ----------
    steps : int, optional
        Rows after the cutoff; by default those that suit the frequency.
    share : float, default 0.5
        What they weigh in the loss; the teacher-forced context has the rest.
    start, end : float, default 1.0 and 0.0
        The probability of the observed value at the start and at the end of the training.
        ``start < end`` is an increasing curriculum, which does better on chaotic systems [2]_.
    curve : {"linear", "inverse_sigmoid", "exponential"}, default "linear"
        How the probability goes from one to the other.
    per : {"step", "batch"}, default "step"
        Whether each step of each window has a coin of its own, or one coin decides for all steps
        of a batch.

    References
    ----------
    .. [1] Bengio, Vinyals, Jaitly, Shazeer: Scheduled Sampling for Sequence Prediction with
       Recurrent Neural Networks. NeurIPS 2015.
    .. [2] Teutsch, Mäder: Flipped Classroom: Effective Teaching for Time Series Forecasting.
       TMLR, 2022.

    Examples
    --------
    >>> import tsgen
    >>> tsgen.ScheduledSampling(curve="inverse_sigmoid").probability(0.5)
    0.5
    """

    start: float = 1.0
    end: float = 0.0
    curve: Curve = "linear"
    per: Literal["step", "batch"] = "step"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._keep("start", number("start", self.start, 0.0, 1.0))
        self._keep("end", number("end", self.end, 0.0, 1.0))
        one_of("curve", self.curve, tuple(_CURVES))
        one_of("per", self.per, ("step", "batch"))

    @property
    def is_random(self) -> bool:
        """Always."""
        return True

    @property
    def is_curriculum(self) -> bool:
        """If the probability changes."""
        return self.start != self.end

    def probability(self, progress: float) -> float:
        """That of the observed value, when a share ``progress`` of the training is done."""
        return self.start + (self.end - self.start) * _CURVES[self.curve](progress)

    def _ahead(self, examples: TrainingExamples, state: RolloutState) -> WindowErrors:
        probability = self.probability(examples.progress)
        rows = slice(examples.cutoff, examples.batch.values.shape[1])
        if self.per == "step":
            return examples.errors(self._sampled(examples, state, rows, probability))
        exogenous = examples.covariates(rows)
        if _uniform(examples, ()) < probability:
            observed = examples.inputs[:, rows], examples.batch.known[:, rows]
            forced, _ = read_over_holes(examples.network, state, *observed, exogenous)
            return examples.errors(forced)
        return examples.errors(closed_loop(examples.network, state, examples.horizon, exogenous))

    def _sampled(
        self, examples: TrainingExamples, state: RolloutState, rows: slice, probability: float
    ) -> Tensor:
        """One-step predictions (B, H, C), after each of which a coin says what is fed in."""
        observed, known = examples.inputs[:, rows], examples.batch.known[:, rows]
        teacher = (_uniform(examples, observed.shape) < probability) & (known > 0)
        feedback = _SampledFeedback(
            covariates=examples.covariates(rows), given=torch.where(teacher, observed, torch.nan)
        )
        rollout(examples.network, state, examples.horizon, feedback)
        return torch.cat(feedback.predictions, dim=1)


@dataclass(frozen=True, eq=False)
class _SampledFeedback(Feedback):
    """Keeps what was predicted, whatever is fed back."""

    predictions: list[Tensor] = field(default_factory=list)

    def __call__(self, prediction: Tensor, step: int) -> Tensor:
        self.predictions.append(prediction)
        return super().__call__(prediction, step)


@dataclass(frozen=True)
class PushForward(_AfterCutoff):
    """A closed loop of random length without gradients, then some steps with them [1]_.

    The network learns to go on from where its own errors have taken it, at the cost of few
    differentiated steps.

    Parameters
    ----------
    steps : int, optional
        Rows after the cutoff; by default those that suit the frequency.
    share : float, default 0.5
        What the rows after the cutoff weigh in the loss; the teacher-forced context has the rest.
    learned : int, default 1
        How many steps, after the detached ones, the errors are of.

    References
    ----------
    .. [1] Brandstetter, Worrall, Welling: Message Passing Neural PDE Solvers. ICLR 2022.

    Examples
    --------
    >>> import tsgen
    >>> model = tsgen.LSTMForecaster(training_strategy=tsgen.PushForward(learned=4))
    """

    learned: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        self._keep("learned", whole_number("learned", self.learned, "steps with gradients"))

    @property
    def is_random(self) -> bool:
        """Always."""
        return True

    def _ahead(self, examples: TrainingExamples, state: RolloutState) -> WindowErrors:
        learned = min(self.learned, examples.horizon)
        first = int(
            torch.randint(
                examples.horizon - learned + 1, (),
                generator=examples.generator, device=examples.inputs.device,
            )
        )  # fmt: skip
        row = examples.cutoff + first
        if first:
            exogenous = Feedback(covariates=examples.covariates(slice(examples.cutoff, row)))
            with examples.network.without_dropout():
                state = run(examples.network, state, first, exogenous).state
            # It was made in inference mode; copies may be worked on with gradients.
            state = state.map(lambda tensor, _: tensor.clone())
        exogenous_then = examples.covariates(slice(row, row + learned))
        path = closed_loop(examples.network, state, learned, exogenous_then)
        return examples.errors(path, first)


def _uniform(examples: TrainingExamples, shape: Sequence[int]) -> Tensor:
    """Numbers between 0 and 1, of the examples's own."""
    inputs = examples.inputs
    return torch.rand(
        tuple(shape), generator=examples.generator, dtype=inputs.dtype, device=inputs.device
    )


_STEEPNESS = 12.0
_RATE = 0.01


def _inverse_sigmoid(progress: float) -> float:
    low, high, here = (
        1.0 / (1.0 + math.exp(-_STEEPNESS * (x - 0.5))) for x in (0.0, 1.0, progress)
    )
    return (here - low) / (high - low)


def _exponential(progress: float) -> float:
    return float((1.0 - _RATE**progress) / (1.0 - _RATE))


_CURVES: dict[str, Callable[[float], float]] = {
    "linear": float,
    "inverse_sigmoid": _inverse_sigmoid,
    "exponential": _exponential,
}
"""The share of the way from start to end, by the share of the training that is done."""

STRATEGIES: dict[str, type[TrainingStrategy]] = {
    "teacher_forcing": TeacherForcing,
    "noisy_inputs": NoisyInputs,
    "scheduled_sampling": ScheduledSampling,
    "free_running": FreeRunning,
    "push_forward": PushForward,
}
"""By what ``training_strategy=`` may call them."""
