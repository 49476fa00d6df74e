"""A hierarchy: forecasts that add up.

Bikes are rented by members and by others, and both make the total. Three forecasts of one network
don't add up by themselves: hierarchicalforecast reconciles them, by the errors of `fitted`.
"""

# %%
import pandas as pd
from hierarchicalforecast.core import HierarchicalReconciliation
from hierarchicalforecast.methods import MinTrace
from hierarchicalforecast.utils import aggregate

import tsgen

df = tsgen.load_dataset("bike_rentals").rename(columns={"unique_id": "rider"}).assign(all="all")
series, summing, tags = aggregate(df, [["all"], ["all", "rider"]])
past, ahead = tsgen.hold_out(series, 28)
model = tsgen.LSTMForecaster(preset="zero_shot", verbose=False).fit(past)
forecast = model.predict(28, level=80).rename(columns=lambda name: name.replace("y", "tsgen"))
forecast.columns.tolist()

# %%
# MinT weighs the series by how well each was forecast one step ahead.
reconciled = HierarchicalReconciliation([MinTrace(method="mint_shrink")]).reconcile(
    Y_hat_df=forecast,
    Y_df=model.fitted(past).rename(columns={"y_pred": "tsgen"}),
    S_df=summing,
    tags=tags,
    level=[80],
)


def gap(column):
    values = reconciled.pivot(index="ds", columns="unique_id", values=column)
    return (values["all"] - values.drop(columns="all").sum(axis=1)).abs().mean()


method = "tsgen/MinTrace_method-mint_shrink"
pd.Series({"before": gap("tsgen"), "reconciled": gap(method)}).round(3)

# %%
# How far both are from what came: adding up makes some series better, and not each.
errors = reconciled.merge(ahead).set_index("unique_id")
(errors[["tsgen", method]].sub(errors["y"], axis=0)).abs().groupby(level=0).mean().round(1)
