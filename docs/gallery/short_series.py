"""Short series: the pretrained network.

Three years of houses sold in each of 26 areas of Texas: few rows to learn from. A network that was
trained on simulated series forecasts them as it is. `fit` makes no training step.
"""

# %%
import pandas as pd

import tsgen

houses = tsgen.load_dataset("texas_housing")
recent = houses.groupby("unique_id").tail(48)
past, ahead = tsgen.hold_out(recent, 12)
model = tsgen.LSTMForecaster(preset="zero_shot", verbose=False).fit(past)
forecast = model.predict(12, level=80)
tsgen.plot_forecast(past, forecast, max_series=4)


# %%
# How short may they be? The MASE of the held-out year, from one, two and three years before it,
# beside the values of last year.
def error(forecaster, years):
    rows = recent.groupby("unique_id").tail(12 * years + 12)
    past, _ = tsgen.hold_out(rows, 12)
    errors = forecaster.fit(past).backtest(rows, 12)
    return tsgen.score(errors, "mase", train=houses, season_length=12)["mase"].item()


years = pd.Index([1, 2, 3], name="years")
pd.DataFrame(
    {
        "zero_shot": [error(model, n) for n in years],
        "seasonal naive": [error(tsgen.SeasonalNaive(), n) for n in years],
    },
    index=years,
)

# %%
# From two years on the network is ahead, by a little. In a single year no season can be seen, and
# last year's values are far better: who knows that there is one should use them. The weights don't
# know holidays or prices either: with enough rows, [fine-tune](../pretrained.md#fine-tune) them.
