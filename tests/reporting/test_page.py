"""The page stands by itself, and holds what strangers named as text."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import tsgen
from tsgen.reporting import write_report

HOSTILE = [
    "<img src=x onerror=\"document.title='owned'\">",
    "\"></td><script>document.title='owned'</script>",
    "</style></title><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "]]>",
    "&amp; &lt;b&gt;",
    "\u202eevil\u2066",
    "שלום",
    "a" * 3000,
    "\x00\x07\x1b[31m\n",
    r"$\frac$",
    "_",
    "🙂",
]
VOID = {"meta", "br", "img", "link", "input", "path", "use", "rect"}


class Page(HTMLParser):
    """Elements with their attributes, and the text of the page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def sines(ids: Any, rows: int = 48) -> pd.DataFrame:
    stamps, noise = pd.date_range("2015-01-01", periods=rows, freq="MS"), np.random.default_rng(0)
    wave = np.sin(2 * np.pi * np.arange(rows) / 12)
    parts = [
        pd.DataFrame({"unique_id": name, "ds": stamps, "y": 10 + wave + noise.normal(0, 0.1, rows)})
        for name in ids
    ]
    return pd.concat(parts, ignore_index=True)


def zero_shot() -> tsgen.LSTMForecaster:
    return tsgen.LSTMForecaster(preset="zero_shot", verbose=False)


def page_of(df: Any, folder: Path, **how: Any) -> str:
    return write_report(zero_shot().fit(df), df, folder / "page.html", **how).read_text("utf-8")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of series with holes and odd rows, named by somebody who means harm."""
    df = sines(HOSTILE)
    df.loc[5::480, "y"] = np.nan
    df.loc[20::48, "y"] = 99.0
    path = tmp_path_factory.mktemp("hostile") / "page.html"
    return write_report(zero_shot().fit(df, fill="mask"), df, path)


def check_alone(page: Page) -> None:
    """It asks nothing of anybody, and nothing runs."""
    assert page.open == []
    tags = {tag for tag, _ in page.elements}
    assert not tags & {
        "script",
        "link",
        "iframe",
        "object",
        "embed",
        "img",
        "base",
        "form",
        "image",
    }
    for tag, attributes in page.elements:
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            assert name not in ("src", "srcset", "action", "data"), (tag, name)
            if name.endswith("href"):
                assert str(value).startswith("#"), value


def test_a_page_stands_by_itself(hostile: Path) -> None:
    html = hostile.read_text("utf-8")
    check_alone(Page(html))
    style = re.search("<style>(.*?)</style>", html, re.DOTALL)
    assert style
    assert "url(" not in style[1]
    assert "@import" not in style[1]
    assert "://" not in html


def test_names_are_text(hostile: Path) -> None:
    page = Page(hostile.read_text("utf-8"))
    for name in HOSTILE[:6]:
        assert " ".join(name.split()) in page.text
    assert "<U+202E>evil<U+2066>" in page.text
    assert "<U+0000><U+0007><U+001B>[31m<U+000A>" in page.text
    assert "a" * 120 + "…" in page.text
    assert "a" * 121 not in page.text
    assert all(name in page.text for name in HOSTILE[-3:])


@pytest.mark.slow
def test_a_browser_makes_nothing_of_names(hostile: Path, tmp_path: Path) -> None:
    names = "chromium", "chromium-browser", "google-chrome", "chrome"
    browser = next(filter(None, map(shutil.which, names)), None)
    if browser is None:
        pytest.skip("no browser is installed")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}"]
    done = subprocess.run(
        [browser, *options, "--dump-dom", hostile.as_uri()], capture_output=True, timeout=120
    )
    dom = done.stdout.decode()
    title = re.search("<title>(.*?)</title>", dom)
    assert title
    assert title[1] == "Forecast report"
    page = Page(dom)
    check_alone(page)
    assert sum(tag == "svg" for tag, _ in page.elements) == 5  # the pictures alone
    assert all(" ".join(name.split()) in page.text for name in HOSTILE[:6])


def test_the_headline_is_what_was_measured(tmp_path: Path) -> None:
    df = sines("a", 72)
    page = Page(page_of(df, tmp_path))
    found = re.search(r"Forecasts of 12 months were (\d+) % (closer|further off) than", page.text)
    assert found
    text = page.text
    assert "repeating the last season, over 3 cutoffs." in text
    assert "1 series, a row a month from 2015-01-01 to 2020-12-01, a season of 12 rows" in text
    assert "none" in text.partition("Missing values and rows")[2][:10]
    assert "Best" not in text.partition("How good they are")[0]  # there is one series


def test_holes_are_listed(hostile: Path) -> None:
    page = Page(hostile.read_text("utf-8"))
    assert "Most holes" in page.text
    assert "99" in page.text.partition("Odd rows")[2]


def test_what_could_not_be_measured_is_said(tmp_path: Path) -> None:
    text = Page(page_of(sines("a", 9), tmp_path)).text
    assert "How good forecasts of 12 months are couldn't be measured." in text
    assert "a backtest of 12 steps needs 14 rows of a series, and the longest has 9." in text


@pytest.mark.slow
def test_constant_series(tmp_path: Path) -> None:
    text = Page(page_of(sines("ab").assign(y=3.0), tmp_path)).text
    assert "Every series repeats itself exactly" in text
    assert "Series that never change 2" in text


@pytest.mark.slow
def test_of_many_series_some_are_shown_and_the_rest_counted(tmp_path: Path) -> None:
    html = page_of(sines([f"series {i:04}" for i in range(1000)], 40), tmp_path)
    text = Page(html).text
    assert len(html) < 300_000
    assert "3 of 1,000 series are shown: the best, the median and the worst" in text
    assert "980 series in between left out" in text
    assert "in 500 of 1,000 series, as many as were looked through" in text


def test_no_file_is_overwritten_unasked(tmp_path: Path) -> None:
    df = sines("a")
    model = zero_shot().fit(df)
    path = tmp_path / "page.html"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        model.report(df, path)
    assert path.read_text() == "mine"
    with pytest.raises(FileNotFoundError, match="no folder"):
        model.report(df, tmp_path / "none" / "page.html")
    with pytest.raises(TypeError, match="'horizon'"):
        model.report(df, tmp_path / "other.html", h=6)
    assert [file.name for file in tmp_path.iterdir()] == ["page.html"]


@pytest.mark.slow
def test_a_file_is_replaced_if_asked(tmp_path: Path) -> None:
    df = sines("a")
    model = zero_shot().fit(df)
    path = tmp_path / "page.html"
    path.write_text("mine")
    assert model.report(df, path, horizon=6, overwrite=True) == path
    assert "Forecasts of 6 months" in Page(path.read_text("utf-8")).text


@pytest.mark.slow
def test_names_of_columns_are_text(tmp_path: Path) -> None:
    bad = "<script>alert('$\\frac$')</script>"
    df = sines("ab", 60).rename(columns={"y": f"y{bad}", "unique_id": f"id{bad}", "ds": f"t{bad}"})
    df[f"x{bad}"] = np.random.default_rng(1).normal(size=len(df))
    df[f"s{bad}"] = bad
    model = tsgen.LSTMForecaster(max_steps=2, hidden_size=4, init="random", verbose=False).fit(
        df,
        id_col=f"id{bad}",
        time_col=f"t{bad}",
        target_col=[f"y{bad}", f"x{bad}"],
        static_covariates=f"s{bad}",
    )
    page = Page(model.report(df, tmp_path / "page.html").read_text("utf-8"))
    check_alone(page)
    assert f"a · y{bad}" in page.text
    assert f"Known beside them s{bad}" in page.text


def test_the_page_says_whether_a_network_was_trained(tmp_path: Path) -> None:
    assert "learned nothing of these series" in page_of(sines(["a"]), tmp_path)
    trained = tsgen.LSTMForecaster(max_steps=2, hidden_size=4, init="random", verbose=False)
    df = sines(["a"])
    path = write_report(trained.fit(df), df, tmp_path / "trained.html")
    assert "was fitted to the rows before the first cutoff" in " ".join(path.read_text().split())
