"""Influence by gradients: which past months move a forecast?

The rollout is differentiable. The gradient of a step of the forecast with respect to the context
says how far that step moves when a past value does.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np

import tsgen
from tsgen.rollout import encode, rollout

df = tsgen.load_dataset("air_passengers")
model = tsgen.LSTMForecaster(verbose=False).fit(df)
context = model.context(df)  # what the network reads, as tensors: values are (B, T, C)
values = context.values.requires_grad_()
network = model.module_.network
_, state = encode(network, values, context.known)
rollout(network, state, 7).path[:, 6].sum().backward()  # July 1961
influence = values.grad[0, :, 0].numpy()

# %%
# The seventh step is a July. A bar is a month before the cutoff, 0 the last.
figure, axes = plt.subplots(figsize=(8, 3))
axes.bar(np.arange(len(influence)) - len(influence) + 1, influence)
axes.set(xlabel="months from the last one", ylabel="∂ forecast / ∂ value", xlim=(-60, 1))
plt.close(figure)
figure

# %%
# The largest is the July before (−5): the network adds to the value of a season ago. A gradient is
# local, and holds for small changes of these values; [`explain`](../data.md) measures over many
# windows.
