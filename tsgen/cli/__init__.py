"""The command line: files in, files out, errors in one line.

In the order of the way of the data:

``options``   what can be said on the command line, in groups
``outputs``   where may be written, checked before any work; files written whole or not at all
``tables``    bytes of a file to a table of text, and a frame to bytes
``dates``     text to dates: formats, numbers, nothing guessed without a word
``times``     to time stamps: offsets from UTC, local hours, clock changes
``values``    text to numbers, ids and categories
``columns``   which columns are what, found where they aren't named
``data``      a file to the frame that a model reads
``symbols``   a file to the sequences of symbols that a generator reads, and back
``accuracy``  the check of a forecast, and the errors of a backtest
``wording``   what the library says of arguments, said of options
``commands``  forecast, fit, predict, backtest, report, pretrain, generate, translate
"""

from tsgen.cli.commands import app, main

__all__ = ["app", "main"]
