"""Short series: the pretrained network.

Two years of houses sold in each of 26 areas of Texas: too few rows to learn a season from. A network
that was trained on simulated series forecasts them as it is. `fit` makes no training step.
"""

# %%
import pandas as pd

import tsgen

houses = tsgen.load_dataset("texas_housing")
past, ahead = tsgen.hold_out(houses.groupby("unique_id").tail(36), 12)
model = tsgen.LSTMForecaster(preset="zero_shot", verbose=False).fit(past)
forecast = model.predict(12, level=80)
tsgen.plot_forecast(past, forecast, max_series=4)

# %%
# On the year that was held out, beside last year's values (mean absolute error in houses).
def error(forecast):
    return (ahead.merge(forecast, on=["unique_id", "ds"]).eval("abs(y_x - y_y)")).mean()


naive = tsgen.SeasonalNaive().fit(past).predict(12)
pd.Series({"zero_shot": error(forecast), "seasonal naive": error(naive)}).round(1)

# %%
# The weights know trends, seasons, cycles and jumps. They don't know your holidays or prices: with
# enough rows, [fine-tune](../pretrained.md#fine-tune) them.
