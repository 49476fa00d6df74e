"""Text, notes and phonemes.

A symbol that a network has chosen is its next input: one loop for letters, notes and sounds.
"""

# %%
# **Text.** A network of some hundred steps, which knows one sentence.
import tsgen

verse = "to be, or not to be: that is the question. " * 30
writer = tsgen.LSTMGenerator(hidden_size=64, max_steps=150, verbose=False).fit(verse)
writer.predict(36, df="to be, ")

# %%
# **Notes.** Soprano lines of Bach. The first 32 steps of each are his; the shaded ones are drawn.
chorales = tsgen.load_dataset("chorales")
training = chorales[chorales["unique_id"] <= "229"]
music = tsgen.LSTMGenerator(hidden_size=64, max_steps=150, verbose=False).fit(training)
begun = chorales[chorales["unique_id"].isin(["306", "310"])].groupby("unique_id").head(32)
following = music.sample(48, df=begun, temperature=0.8, random_state=0)
scale = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"]
notes = ["rest", *(f"{note}{octave}" for octave in (3, 4, 5) for note in scale)]
tsgen.plot_symbols(begun, following, order=notes)

# %%
# **Phonemes.** Letters in, sounds out: an encoder reads the word, and a decoder says it.
spelled = {"c": "K", "k": "K", "b": "B", "t": "T", "p": "P", "n": "N", "s": "S"}
words = [a + "a" + b for a in spelled for b in spelled]
sounds = [f"{spelled[w[0]]} AE {spelled[w[2]]}" for w in words]
unseen = ["bat", "can", "tap"]
known = [(w, s) for w, s in zip(words, sounds, strict=True) if w not in unseen]
speaker = tsgen.LSTMSeq2Seq(target_unit="word", hidden_size=32, max_steps=400, verbose=False)
speaker.fit([w for w, _ in known], [s for _, s in known])
dict(zip(unseen, speaker.predict(unseen), strict=True))

# %%
# All three are toys. The verse is known by heart, the tunes keep the key and lose the thread, and
# real spelling has exceptions: [measurements](../measurements.md#symbols) has real tasks.
