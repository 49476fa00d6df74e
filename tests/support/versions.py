"""Of the libraries that tests run with, where these differ."""

import pandas as pd
from packaging.version import Version

PANDAS_3 = Version(pd.__version__) >= Version("3")
TEXT = pd.Series(["a"]).dtype
"""What pandas makes of text."""
