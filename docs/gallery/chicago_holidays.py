"""Holidays in Chicago: a covariate that is known ahead.

People who enter four elevated stations, a row a day. On Thanksgiving and at Christmas trains are
empty. A network that sees only the counts can't know when that will be.
"""

# %%
# The column `holiday` has the name of the day, or `no`. It is known years ahead: a future
# covariate. Both networks learn from scratch and see the same rows. The training is short, to keep
# this page quick.
import tsgen

trains = tsgen.load_dataset("chicago_trains")
past, ahead = tsgen.hold_out(trains, 21)
short = {"init": "random", "hidden_size": 32, "max_steps": 300, "verbose": False}
blind = tsgen.LSTMForecaster(**short).fit(past[["unique_id", "ds", "y"]])
model = tsgen.LSTMForecaster(**short).fit(past, future_covariates=["holiday"])

# %%
# `predict` takes the rows of the days to forecast; their `y` isn't read.
forecast = model.predict(21, future_df=ahead)
one = "Clark_Lake"
figure = tsgen.plot_forecast(
    past[past["unique_id"] == one], forecast[forecast["unique_id"] == one], last=35
)
for rows, style, label in [
    (blind.predict(21), "C2:", "without holidays"),
    (ahead, "C0--", "what came"),
]:
    rows = rows[rows["unique_id"] == one]
    figure.axes[0].plot(rows["ds"], rows["y"], style, label=label)
figure.axes[0].legend(loc="lower left")
figure

# %%
# What the loop goes by: how much its error grows when an input's values are exchanged between
# windows.
tsgen.plot_importance(model.explain(past))

# %%
# The network with holidays knows the day off, and not the quiet days around it, which have no name
# here. Each holiday comes four times in four years of training. The forecast of a holiday that was
# seen so rarely is a rough one, and one that was never seen counts as the mean of the others.
