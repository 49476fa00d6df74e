"""What the library says of arguments, said of options.

Errors are written for Python: remedies name arguments (``fill='mask'``) and calls of pandas. Here
they become the options that do the same on the command line; an example for which there is none is
left out.
"""

from __future__ import annotations

import ast
import re
import shlex

from tsgen.errors import TsgenError

__all__ = ["OPTIONS", "CommandError", "on_command_line"]

OPTIONS = {
    "id_col": "--id-col",
    "time_col": "--time-col",
    "target_col": "--target-col",
    "future_covariates": "--future",
    "past_covariates": "--past",
    "static_covariates": "--static",
    "future_df": "--future-file",
    "calendar": "--calendar",
    "freq": "--freq",
    "fill": "--fill",
    "level": "--level",
    "n_windows": "--n-windows",
    "step": "--step",
    "refit": "--refit",
    "carry": "--carry",
    "horizon": "--horizon",
    "max_steps": "--max-steps",
    "random_state": "--seed",
    "overwrite": "--overwrite",
    "out": "--out",
    "df": "FILE",
    "preset": "--preset",
    "init": "--init",
    "hidden_size": "--hidden-size",
    "num_layers": "--num-layers",
    "run_dir": "--run-dir",
    "num_samples": "--samples",
    "num_beams": "--beams",
    "temperature": "--temperature",
    "top_k": "--top-k",
    "top_p": "--top-p",
    "until": "--until",
    "unit": "--unit",
}
"""The options by the arguments that they are in Python."""

_VALUE = r"'[^']*'|\[[^\]]*\]|[\w.+-]*\w"
_ARGUMENT = re.compile(rf"\b({'|'.join(OPTIONS)})=({_VALUE})?(,(?= \w+=))?")
_NAME = re.compile(rf"(?<!')\b({'|'.join(name for name in OPTIONS if '_' in name)})\b(?!')")
# An argument without an option is left out with the "or" that offers it.
_OTHER_ARGUMENT = re.compile(rf",? or (?:pass )?(?!{'|'.join(OPTIONS)})[a-z_]+=(?:{_VALUE})")
_EXAMPLE = re.compile(
    r",? for instance (?:with )?"
    r"(?:[\w.]+\(.*?\)(?:\.\w+\(\))?|df\[.*?\]\.\w+\(.*?\)|asfreq|pd\.to_datetime)"
)
_ARGUMENTS = r"(?:\([^)]*\))?"
_ZONE = r"(?:df\.\w+\.)?(?:dt\.)?tz_(?:localize|convert)"
_TIMES = r"convert them with pd\.to_datetime\(times"
_PHRASES = {
    # Frequencies that have no alias, and other steps that are regular after all.
    r"pass freq=pd\.DateOffset\(months=\d+\)|convert them to periods, with \.dt\.to_period":
        "write months alone, such as 2022-01",
    r"pass freq=pd\.offsets\.CustomBusinessDay": "--fill mask leaves those days out",
    r"pass freq=pd\.offsets\.(?:Custom)?BusinessHour":
        "number the rows instead, or fill the hours between with --freq h --fill mask",
    r", with \.dt\.round\('\w+'\) or, of an index, \.round": "",
    r"bring them to that zone with tz_convert\(zone\), after tz_localize\('UTC'\) where they have "
    r"none": "write them with their offset from UTC, such as 2022-01-31 23:00:00Z, and name the "
        "zone with --time-zone",
    rf"{_TIMES}, unit='(\w+)'\)|{_TIMES}\.astype\(str\), format='([%\w]+)'\)":
        r"pass --date-format \1\2",
    rf"{_TIMES}\.astype\(str\) \+ '-1', format='%G%V-%u'\)": "write them as 2022-W01",
    r"(fill=)'(\w+)', '(\w+)', '(\w+)' or a number to fit": r"\1'\2', \3, \4 or a number",
    r"convert (it|them|the time column) with pd\.to_datetime":
        r"say how \1 is written with --date-format",
    r"pd\.to_datetime\(df\['day'\] \+ ' ' \+ df\['time'\]\) of text":
        "name both columns with --time-col",
    r"convert it with pd\.to_numeric":
        "say how numbers are written with --decimal and --thousands",
    rf"(?:first )?(?:with )?{_ZONE}{_ARGUMENTS}(?: or pd\.to_datetime)?":
        "name the zone with --time-zone",
    r", after df\.reset_index\(\) if they stand in the index": "",
    r"(?:df\.)?re?set_index": "write it as a column of the file",
    r"model\.save": "tsgen fit --save",
    r" with df\.rename\(columns=\.\.\.\)": " in the file",
    r", a pd\.Timestamp": "",
    r"convert them with astype\('int64'\), or dates": "give whole numbers, or dates",
    r"(?:,? for instance)? with pd\.to_datetime": "",
    r"df\[\[\.\.\.\]\]\.astype\(str\)\.agg\([^)]*\)|pd\.to_datetime\(df\[\[[^)]*\)":
        "one column of the file",
    r"add the day: pd\.to_datetime\([^)]*\) of text": "add the day",
    r"in fit\(df, (\w+=)\[\.\.\.\]\)": r"in tsgen fit with \1",
    r"read it with pd\.read_parquet\(path\) and pass the frame without out=":
        "pass one file of Parquet",
    # Without a counterpart.
    r",? or None\b|,? or a pandas offset|,? or convert (?:it|them) with asfreq": "",
    r", a function that takes a DatetimeIndex and returns a DataFrame, or a list of these": "",
    r" \(tsgen\.\w+\)| with resample| with df\.rename": "",
    r": holidays\.list_supported_countries\(\) lists them": "",
}  # fmt: skip


class CommandError(TsgenError):
    """What the user of the command line can mend, in the words of the command line."""


def on_command_line(message: str) -> str:
    """A message of the library in the words of the command line, as one line.

    Examples
    --------
    >>> from tsgen.cli.wording import on_command_line
    >>> on_command_line("no target column 'y'; pass target_col=")
    "no target column 'y'; pass --target-col"
    >>> on_command_line("pass time_col='Month', target_col='Air passengers'")
    "pass --time-col Month --target-col 'Air passengers'"
    """
    message = _EXAMPLE.sub("", " ".join(message.split()))
    for phrase, words in _PHRASES.items():
        message = re.sub(f"(?:{phrase}){_ARGUMENTS}", words, message)
    message = _ARGUMENT.sub(_option, _OTHER_ARGUMENT.sub("", message))
    return _NAME.sub(lambda found: OPTIONS[found[1]], message)


def _option(found: re.Match[str]) -> str:
    option, value = OPTIONS[found[1]], found[2]
    if value is None or value == "True":
        return option
    if value[0] not in "'[":
        return f"{option} {value}"
    try:
        values = ast.literal_eval(value)
    except (ValueError, SyntaxError):  # names of columns that hold quotes or brackets
        return f"{option} {value}"
    values = values if isinstance(values, list) else [values]
    return " ".join(f"{option} {shlex.quote(str(item))}" for item in values) or option
