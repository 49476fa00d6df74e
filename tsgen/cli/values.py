"""Text to numbers, ids and categories, as the roles of the columns ask for."""

from __future__ import annotations

import re
from typing import Any, Literal

import pandas as pd

from tsgen._messages import written
from tsgen.cli.options import FileSpec
from tsgen.cli.wording import CommandError
from tsgen.data import NUMBER

__all__ = ["Kind", "as_covariate", "as_ids", "as_numbers", "is_text", "kind_of"]

Kind = Literal["numbers", "text", "bool"]

_MISSING = frozenset(
    ["", "-", "--", "---", "–", "—", ".", "..", "...", ":", "?", "#n/a", "#na", "#div/0!",
     "#value!", "-nan", "<na>", "n/a", "na", "n.a.", "nd", "null", "nan", "none", "nat"]
)  # fmt: skip
"""What stands in the place of a number that is missing, in lower case."""
_EXPONENT = r"(?:[eE][+-]?[0-9]+)?"
_PLAIN = rf"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+){_EXPONENT}|[+-]?(?:inf|Inf|INF|infinity|Infinity)"
_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2212": "-"})
"""Spaces between thousands, and the minus, as typesetters write them."""
_CODE = r"[+-]?0\d+"
_TRUTH = {"True": True, "TRUE": True, "true": True, "False": False, "FALSE": False, "false": False}


def is_text(column: pd.Series) -> bool:
    """Whether a column is one of text, as those of a CSV are."""
    return column.dtype == object or pd.api.types.is_string_dtype(column.dtype)


def as_numbers(column: pd.Series, label: str, spec: FileSpec) -> pd.Series:
    """Numbers, missing where one is missing; what is neither is an error that shows it."""
    if not is_text(column):
        return column
    present = _present(column)
    plain = _plain_numbers(present, label, spec)
    odd = plain.index[~plain.str.fullmatch(_PLAIN)]
    if len(odd):
        value = str(column[odd[0]])
        remedy = (
            "--decimal and --thousands say how numbers are written"
            if re.fullmatch(NUMBER, value)
            else "mend or remove this row, or leave the field empty if the number is missing"
        )
        raise CommandError(f"column {label}: {value!r} (row {odd[0]}) isn't a number; {remedy}")
    numbers = pd.to_numeric(plain.astype(object))
    return numbers if len(numbers) == len(column) else numbers.reindex(column.index)


def as_covariate(column: pd.Series, label: str, spec: FileSpec, kind: Kind | None) -> pd.Series:
    """Numbers or categories: as a kind says, or as all the fields of a column are.

    Codes such as 007 are text, since numbers aren't written like that.
    """
    if not is_text(column):
        return column
    if kind == "numbers":
        return as_numbers(column, label, spec)
    filled = column.mask(column == "")
    truth = filled.map(_TRUTH)
    if kind != "text" and filled.notna().any() and truth.notna().equals(filled.notna()):
        return truth
    if kind is not None:
        return filled
    present = _present(column)
    are_numbers = present.str.fullmatch(NUMBER) & ~present.str.fullmatch(_CODE)
    if filled.notna().any() and not (len(present) and are_numbers.all()):
        return filled
    return as_numbers(column, label, spec)


def kind_of(column: pd.Series | pd.Index) -> Kind:
    """Of what a column that was read before is made."""
    if pd.api.types.infer_dtype(column, skipna=True) == "boolean":
        return "bool"
    return "numbers" if pd.api.types.is_numeric_dtype(column.dtype) else "text"


def as_ids(column: pd.Series, label: str, known: pd.Index | None = None) -> pd.Series:
    """Ids as they are written; missing is an empty field alone.

    Parameters
    ----------
    column : Series
    label : str
        The column, for messages.
    known : Index, optional
        The ids of a model: where they are no text, ids are what the text of one stands for.
    """
    if isinstance(known, pd.CategoricalIndex):
        known = known.categories
    known_text = known is not None and is_text(known.to_series())
    if not is_text(column):
        as_text = known_text and pd.api.types.is_integer_dtype(column.dtype)
        return column.astype(str).where(column.notna()) if as_text else column
    present = column[column.notna() & (column != "")]
    if known is None or known_text:
        return column.where(column.index.isin(present.index))
    by_text = dict(zip(known.astype(str), known, strict=True))
    if pd.api.types.is_integer_dtype(known.dtype):  # one that the model hasn't seen
        whole = present[present.str.fullmatch(r"-?[1-9]\d{0,17}|0")].unique()
        by_text |= {text: int(text) for text in whole}
    odd = present[~present.isin(list(by_text))]
    if len(odd):
        raise CommandError(
            f"column {label}: {odd.iloc[0]!r} (row {odd.index[0]}) is no id of the model, whose "
            f"ids are {known.dtype}, such as {written(known[0])}; fit it to ids that are text"
        )
    found = present.map(by_text).reindex(column.index)
    return _fitting(found, known.dtype) if len(present) == len(column) else found


def _fitting(ids: pd.Series, dtype: Any) -> pd.Series:
    """In a dtype that can hold all of them; else as they are: 300 as int8 would be 44."""
    try:
        cast = ids.astype(dtype)
    except (ValueError, TypeError, OverflowError):
        return ids
    return cast if (cast == ids).all() else ids


def _present(column: pd.Series) -> pd.Series:
    text = column[column.notna()].astype(str).str.translate(_SPACES).str.strip()
    return text[~text.str.lower().isin(_MISSING)]


def _plain_numbers(text: pd.Series, label: str, spec: FileSpec) -> pd.Series:
    """Numbers with a decimal point and nothing else."""
    decimal, thousands = _marks(text, label, spec)
    if thousands or decimal == ",":
        marked = text[text.str.contains(f"[.,{re.escape(thousands)}]")]
        odd = marked.index[~marked.str.fullmatch(_grouped(thousands, decimal))]
        if len(odd):
            between = f" with {thousands!r} between thousands and" if thousands else " with"
            raise CommandError(
                f"column {label}: {text[odd[0]]!r} (row {odd[0]}) isn't a number{between} "
                f"{decimal!r} before decimals; see --thousands and --decimal"
            )
    if thousands:
        text = text.str.replace(thousands, "", regex=False)
    return text if decimal == "." else text.str.replace(decimal, ".", regex=False)


def _marks(text: pd.Series, label: str, spec: FileSpec) -> tuple[str, str]:
    """The marks of decimals and of thousands: said, or as no other reading is possible."""
    if spec.decimal or spec.thousands:
        if spec.decimal == spec.thousands:
            raise CommandError("--decimal and --thousands are two marks; name different ones")
        thousands = spec.thousands or ""
        return spec.decimal or ("," if thousands == "." else "."), thousands
    english = text.str.fullmatch(_grouped(",", ".") + "|" + _PLAIN).all()
    continental = text.str.fullmatch(_grouped(".", ",")).all()
    if text.str.fullmatch(_PLAIN).all():
        if spec.sep == ";":  # where decimals are written with a comma, and 1.234 may be 1234
            dotted = text[text.str.contains(".", regex=False)]
            if len(dotted) and dotted.str.fullmatch(r"[+-]?[1-9][0-9]{0,2}\.[0-9]{3}").all():
                raise _two_ways(dotted, label, ".")
        return ".", ""
    if not (english or continental):
        return ".", ""
    if english and continental:
        raise _two_ways(text[text.str.contains(",", regex=False)], label, ",")
    return (".", ",") if english else (",", ".")


def _two_ways(text: pd.Series, label: str, mark: str) -> CommandError:
    """An error that shows what a number is with each meaning of its mark."""
    value, row = text.iloc[0], text.index[0]
    return CommandError(
        f"column {label}: {value!r} (row {row}) can be read in two ways: "
        f"{value.replace(mark, '')} with --thousands {mark} or {value.replace(mark, '.')} "
        f"with --decimal {mark}"
    )


def _grouped(thousands: str, decimal: str) -> str:
    """Numbers with a mark between thousands, or without."""
    mark, point = re.escape(thousands), re.escape(decimal)
    whole = rf"(?:[0-9]{{1,3}}(?:{mark}[0-9]{{3}})+|[0-9]+)" if thousands else "[0-9]+"
    return rf"[+-]?(?:{whole}(?:{point}[0-9]*)?|{point}[0-9]+){_EXPONENT}"
