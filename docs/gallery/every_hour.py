"""Updating every hour.

Vehicles on a motorway, a row an hour. The model is fitted once. Then a new row comes in each
hour, is read, and the next day is forecast anew. Nothing is trained, and only the new row is
read.
"""

# %%
import tsgen

traffic = tsgen.load_dataset("interstate_traffic")
past, new_rows = tsgen.hold_out(traffic, 48)
model = tsgen.LSTMForecaster(init="random", hidden_size=32, max_steps=200, verbose=False)
state = model.fit(past).encode(past)
forecasts = [model.predict(24, state=state)]
for hour in range(24):
    state = model.update(state, new_rows.iloc[[hour]], carry=True)
    forecasts.append(model.predict(24, state=state))
len(forecasts)

# %%
# Every sixth of the forecasts, and what came.
figure = tsgen.plot_forecast(past, forecasts[0], last=48)
axes = figure.axes[0]
for start in (6, 12, 18):
    later = forecasts[start]
    axes.plot(later["ds"], later["y"], f"C{start // 6}", label=f"{start} hours later")
axes.plot(new_rows["ds"], new_rows["y"], "--", color="C0", label="what came")
axes.legend(loc="lower left", fontsize="small")
figure

# %%
# With `carry=True` the level and the spread of the last full reading are kept. Encode anew after
# about one context length. A state can be [saved](../forecasting.md#history-is-read-once) between
# two hours.
