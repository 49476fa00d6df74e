"""A plan as a scenario: values that are assumed.

What follows if next summer is as planned? A value that is given stands in the forecast, and the
network is fed it in place of its own prediction. So later steps follow the plan.
"""

# %%
import pandas as pd

import tsgen

df = tsgen.load_dataset("air_passengers")
model = tsgen.LSTMForecaster(verbose=False).fit(df)
summer = pd.date_range("1961-06-01", periods=3, freq="MS")
plan = pd.DataFrame({"unique_id": "air_passengers", "ds": summer, "y": [640, 740, 720]})
usual = model.predict(24)
planned = model.predict(24, given=plan)

# %%
# Before June both are the same. After August they differ, and the summer after that remembers the
# plan.
figure = tsgen.plot_forecast(df, usual, last=36)
axes = figure.axes[0]
axes.plot(planned["ds"], planned["y"], "--", color="C0", label="with the plan")
axes.plot(plan["ds"], plan["y"], "o", color="C0", label="the plan")
axes.legend(loc="upper left")
figure

# %%
# A scenario is not a causal effect. The network says how such series went on after such values; it
# doesn't know why the values are what they are.
