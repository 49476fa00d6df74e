"""A frame becomes a panel, and a panel's forecast a frame again; pandas, and no torch.

Whatever layout a frame has, `read_panel` makes one `Panel` of it: sorted, checked, float64, with
the frequency of its time stamps. What the panel remembers of the layout turns numbers back into
what the user knows (`Panel.forecast_frame`). All that is wrong with a frame is told at once, as a
`FrameError`.

In the order to read them: ``frame`` (the way in), ``native`` (frames of other libraries than
pandas), ``spec`` and ``columns`` (which columns are what), ``layouts``, ``reader`` with its two
front ends ``long`` and ``wide``, ``systems`` (what both make of columns), ``panel``; ``ragged``
(segments of rows, and their positions);
``validation`` and ``missing`` (what is wrong, and what to do about holes before a network sees
them; `tsgen.generation` fills those that are left); ``frequency``,
``calendar`` and ``local_time`` (time stamps); ``covariates``; ``align`` (rows that come after
`fit`, by series and stamp), ``future`` and ``future_covariates`` (the frames that have them);
``history`` (a panel as it was at earlier rows); ``parquet`` (files of more series than fit into
memory, some whole ones at a time), ``sorting`` (makes whole what stands apart), ``store`` (a panel
of files whose rows stay in files), ``maps`` (what is made of such rows).

Symbols instead of numbers: ``vocabulary``, ``sequences`` (`SymbolPanel`, and what turns codes back
into text, lists and frames), ``sequence_reader`` (the way in), ``pairs`` (of sequences: sources
and targets), ``vectors`` (of symbols, that were learned elsewhere).

Examples
--------
>>> import pandas as pd
>>> from tsgen.data import Columns, FrameSpec, read_panel
>>> frame = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=3), "y": [1.0, 2.0, 3.0]})
>>> panel = read_panel(frame, FrameSpec(Columns.of(None, "ds", "y", frame=frame)))
>>> panel.frequency.name, panel.values
('D', array([1., 2., 3.]))
"""

from tsgen.data.align import steps_between
from tsgen.data.calendar import CalendarPart, calendar_parts
from tsgen.data.columns import Columns, check_names, output_name, suffixes_of
from tsgen.data.covariates import (
    Covariate,
    Covariates,
    kind_of_categories,
    with_categories_of,
    with_more_categories,
)
from tsgen.data.dtypes import as_dtype, fitting
from tsgen.data.frame import Short, curves, hold_out, outputs_of, read_history, read_panel
from tsgen.data.frequency import (
    OFF_GRID,
    CalendarFrequency,
    FixedFrequency,
    IntegerFrequency,
    PeriodFrequency,
    TimeAxis,
    time_axis,
)
from tsgen.data.future import read_given, read_new_rows
from tsgen.data.future_covariates import read_future
from tsgen.data.guesses import NUMBER, column_candidates, suggested_names
from tsgen.data.history import History
from tsgen.data.layouts import Frame, LongLayout, WideLayout, as_stamps
from tsgen.data.local_time import localise
from tsgen.data.maps import changed_by_chunks, in_chunks
from tsgen.data.missing import Fill, check_fill, fill_values
from tsgen.data.native import AnyFrame, Native, is_frame, opened, opened_if_frame
from tsgen.data.pairs import (
    LearnedPairs,
    PairSpec,
    Sources,
    learn_pairs,
    read_sources,
    read_targets,
)
from tsgen.data.panel import Panel
from tsgen.data.parquet import ParquetSource, SeriesBlock, SeriesReader, is_path, with_rows_of
from tsgen.data.ragged import offsets_of, ranges
from tsgen.data.sequence_reader import (
    Learned,
    SymbolSpec,
    frame_of_values,
    learn_sequences,
    read_given_symbols,
    read_new_symbols,
    read_sequences,
    stamps_of_frame,
    symbol_curves,
)
from tsgen.data.sequences import (
    FrameSymbols,
    Generated,
    ListSymbols,
    SymbolPanel,
    TextSymbols,
    Unit,
)
from tsgen.data.sorting import in_whole_series
from tsgen.data.spec import FrameSpec
from tsgen.data.store import read_stored_panel, rows_or_files
from tsgen.data.validation import Problems, check_ids, listing
from tsgen.data.vectors import read_vectors
from tsgen.data.vocabulary import MOST_SYMBOLS, Codes, Vocabulary, dtype_of_codes

__all__ = [
    "MOST_SYMBOLS",
    "NUMBER",
    "OFF_GRID",
    "AnyFrame",
    "CalendarFrequency",
    "CalendarPart",
    "Codes",
    "Columns",
    "Covariate",
    "Covariates",
    "Fill",
    "FixedFrequency",
    "Frame",
    "FrameSpec",
    "FrameSymbols",
    "Generated",
    "History",
    "IntegerFrequency",
    "Learned",
    "LearnedPairs",
    "ListSymbols",
    "LongLayout",
    "Native",
    "PairSpec",
    "Panel",
    "ParquetSource",
    "PeriodFrequency",
    "Problems",
    "SeriesBlock",
    "SeriesReader",
    "Short",
    "Sources",
    "SymbolPanel",
    "SymbolSpec",
    "TextSymbols",
    "TimeAxis",
    "Unit",
    "Vocabulary",
    "WideLayout",
    "as_dtype",
    "as_stamps",
    "calendar_parts",
    "changed_by_chunks",
    "check_fill",
    "check_ids",
    "check_names",
    "column_candidates",
    "curves",
    "dtype_of_codes",
    "fill_values",
    "fitting",
    "frame_of_values",
    "hold_out",
    "in_chunks",
    "in_whole_series",
    "is_frame",
    "is_path",
    "kind_of_categories",
    "learn_pairs",
    "learn_sequences",
    "listing",
    "localise",
    "offsets_of",
    "opened",
    "opened_if_frame",
    "output_name",
    "outputs_of",
    "ranges",
    "read_future",
    "read_given",
    "read_given_symbols",
    "read_history",
    "read_new_rows",
    "read_new_symbols",
    "read_panel",
    "read_sequences",
    "read_sources",
    "read_stored_panel",
    "read_targets",
    "read_vectors",
    "rows_or_files",
    "stamps_of_frame",
    "steps_between",
    "suffixes_of",
    "suggested_names",
    "symbol_curves",
    "time_axis",
    "with_categories_of",
    "with_more_categories",
    "with_rows_of",
]
