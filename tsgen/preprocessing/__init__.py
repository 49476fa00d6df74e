"""A panel becomes tensors: in units that a network can learn from, cut into windows.

A value passes ``target_transforms`` (bounds), ``scalers`` (a transformer for each series) and the
`WindowNormaliser` (mean and spread of a context), and comes back the same way. ``covariates``
scales what is known beside the target, and ``units`` has all of that together; ``windows`` gathers
windows of a scaled panel by one index. Nothing here learns by gradients.
"""

from tsgen.preprocessing.covariates import (
    LARGEST_COVARIATE,
    CovariateScaler,
    fit_covariate_scaler,
)
from tsgen.preprocessing.scalers import (
    NAMED_SCALERS,
    SPREAD_FLOOR,
    AffineScalers,
    PanelScaler,
    SeriesScalers,
    TransformedScalers,
    TransformerScalers,
    WindowNormaliser,
    fit_scaler,
)
from tsgen.preprocessing.target_transforms import (
    LARGEST_LOG,
    MARGIN,
    TargetTransform,
    target_transform_of,
)
from tsgen.preprocessing.units import NumericUnits, scaled
from tsgen.preprocessing.windows import (
    Series,
    ValueRange,
    WindowBatch,
    WindowIndex,
    WindowSampler,
    WindowShape,
    by_series,
    by_system,
)

__all__ = [
    "LARGEST_COVARIATE",
    "LARGEST_LOG",
    "MARGIN",
    "NAMED_SCALERS",
    "SPREAD_FLOOR",
    "AffineScalers",
    "CovariateScaler",
    "NumericUnits",
    "PanelScaler",
    "Series",
    "SeriesScalers",
    "TargetTransform",
    "TransformedScalers",
    "TransformerScalers",
    "ValueRange",
    "WindowBatch",
    "WindowIndex",
    "WindowNormaliser",
    "WindowSampler",
    "WindowShape",
    "by_series",
    "by_system",
    "fit_covariate_scaler",
    "fit_scaler",
    "scaled",
    "target_transform_of",
]
