"""How well sequences of symbols are continued, and how surely odd steps are found.

- ``machine_log``: simulated logs of machine states whose transition probabilities and faults are
  known, and how unlikely a model finds these faults;
- ``baselines``: n-gram and Markov models, counted from sequences, their bits per symbol, and
  which sequences repeat those of training;
- ``text``, ``music``, ``machine``: generators learn Shakespeare, chorales and these logs, beside
  models that count (``learning``: for how long);
- ``pairs``: encoder–decoders learn letters to phonemes, to reverse digits, and ``dates`` in twenty
  notations;
- ``speed``: symbols a second, beside stepping ``nn.LSTM``;
- ``streaming``: the memory of learning from a stream of texts;
- ``tables``: from the recorded results to those of the docs.
"""
