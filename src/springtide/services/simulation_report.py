"""The report of a simulation: one HTML file, with nothing to load from elsewhere.

The charts are drawn by matplotlib as SVG; its colours are then replaced by the page's, so
that they follow the reader's light or dark.
"""

import re
from collections.abc import Callable
from html import escape
from io import StringIO
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

from springtide.core.units import MICRO

if TYPE_CHECKING:
    from springtide.services.simulation import Results

_COLOURS = {"#0f6680": "tide", "#5b6670": "slate", "#d9dee2": "line", "#a8c8d3": "band"}
_TIDE, _SLATE, _LINE, _BAND = _COLOURS

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}</title><style>
:root {{ color-scheme: light dark; --paper: #fbfaf7; --ink: #1c2429; --tide: #0f6680;
  --slate: #5b6670; --line: #d9dee2; --band: #a8c8d3 }}
@media (prefers-color-scheme: dark) {{ :root {{ --paper: #12181c; --ink: #e4e9ec;
  --tide: #5cb6d1; --slate: #a3afb8; --line: #313b42; --band: #27576a }} }}
body {{ background: var(--paper); color: var(--ink); margin: 0 auto; padding: 16px;
  max-width: 960px; font: 16px/1.5 system-ui, "PingFang SC", "Noto Sans CJK SC", sans-serif }}
h1 {{ font-size: 28px; margin: 16px 0 8px }} h2 {{ font-size: 20px; margin: 32px 0 8px }}
svg {{ width: 100%; height: auto; display: block }}
.charts {{ display: grid; gap: 0 32px;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)) }}
.wide {{ overflow-x: auto }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 14px }}
th, td {{ text-align: right; padding: 4px 12px 4px 0; border-bottom: 1px solid var(--line) }}
th:first-child, td:first-child {{ text-align: left }}
th {{ font-weight: 500; color: var(--slate) }}
.facts {{ display: grid; gap: 16px;
  grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)) }}
.facts b {{ display: block; font-size: 20px; font-variant-numeric: tabular-nums }}
.facts span, .note {{ color: var(--slate); font-size: 14px }}
pre {{ font-size: 12px; white-space: pre-wrap }}
@media print {{ :root {{ --paper: #fff; --ink: #000; --tide: #0f6680; --slate: #444;
  --line: #ccc; --band: #a8c8d3; color-scheme: light }} @page {{ size: A4; margin: 15mm }}
  body {{ padding: 0; max-width: none; font-size: 13px }} section {{ break-inside: avoid }}
  .charts {{ grid-template-columns: 1fr 1fr }} table {{ font-size: 11px }} }}
</style></head><body><main>
<h1>{name}</h1><p>{story}</p>
<section class="facts" aria-label="In short">{facts}</section>
<div class="charts">{charts}</div>
{tables}
<section><h2>The scenario</h2><pre>{text}</pre></section>
<p class="note">A simulation, not a forecast: it says what the rules do with these orders and
these behaviours. Cash now is what points would pay at the last price, less the fee.</p>
</main></body></html>
"""

_GAINS = """A gain is what a tenth got beyond what its orders paid in. The fee on what members
hold is still in the pool."""

_SECTION = '<section><h2>{title}</h2><p class="note">{note}</p>{body}</section>\n'


def money(amount_micro: int) -> str:
    """Money for people: thousands separated, rounded down to two decimals."""
    whole, rest = divmod(abs(amount_micro), MICRO)
    return f"{'-' if amount_micro < 0 else ''}{whole:,}.{rest * 100 // MICRO:02d}"


def _chart(title: str, draw: Callable[[Any], None], ylabel: str, xlabel: str) -> str:
    style: Any = {
        "svg.fonttype": "none", "font.size": 12, "axes.spines.top": False,
        "axes.spines.right": False, "axes.edgecolor": _SLATE, "axes.labelcolor": _SLATE,
        "xtick.color": _SLATE, "ytick.color": _SLATE, "text.color": _SLATE,
        "font.family": "sans-serif", "svg.hashsalt": "springtide",
    }  # fmt: skip
    with mpl.rc_context(style):
        figure = Figure(figsize=(5.2, 3.4), layout="constrained")
        axes = figure.subplots()
        draw(axes)
        axes.set_ylim(bottom=0)
        axes.grid(axis="y", color=_LINE, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.set_xlabel(xlabel)
        axes.set_ylabel(ylabel)
        axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.10g}")
        written = StringIO()
        figure.savefig(written, format="svg", metadata={"Date": None})
    svg = written.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r' (width|height)="[0-9.]+pt"', "", svg, count=2)
    svg = svg.replace("<svg", f'<svg role="img" aria-label="{title}"', 1)
    # The paper is the page's, not the picture's.
    svg = re.sub(r"fill: #ffffff", "fill: none", svg)
    for colour, name in _COLOURS.items():
        svg = svg.replace(colour, f"var(--{name})")
    return svg


def _price(results: "Results", keep: float) -> Callable[[Any], None]:
    def draw(axes: Any) -> None:
        price = results.periods["price"]
        axes.plot(price.index, price, color=_TIDE, linewidth=2, label="price")
        axes.plot(
            price.index, price * keep, color=_SLATE, linewidth=2, linestyle="--",
            label="cash now",
        )  # fmt: skip

    return draw


def _about_price(results: "Results") -> str:
    unpaid_micro = int(results.summary.iloc[0]["unpaid_micro"])
    if unpaid_micro:
        return f"In points of the opening, by the books; {money(unpaid_micro)} were not there."
    return "In points of the opening. It cannot fall; that is not a return."


def _pool(results: "Results") -> Callable[[Any], None]:
    def draw(axes: Any) -> None:
        periods = results.periods
        paid_in = (periods["contributed_micro"] + periods["injected_micro"]).cumsum() / MICRO
        axes.fill_between(periods.index, paid_in, color=_BAND, label="paid in so far")
        axes.plot(
            periods.index, periods["reserve_micro"] / MICRO, color=_TIDE, linewidth=2,
            label="in the pool",
        )  # fmt: skip

    return draw


def _exits(results: "Results") -> Callable[[Any], None]:
    def draw(axes: Any) -> None:
        periods = results.periods
        axes.plot(
            periods.index, 100 * periods["exits"].cumsum() / periods["orders"].cumsum().clip(1),
            color=_TIDE, linewidth=2, label="exits at the cap for 100 orders",
        )  # fmt: skip

    return draw


def _cohorts(results: "Results") -> Callable[[Any], None]:
    def draw(axes: Any) -> None:
        rows = results.cohorts[results.cohorts["cohort"] == "tenth of members"]
        places = range(1, len(rows) + 1)
        axes.vlines(
            places, 100 * rows["q05"], 100 * rows["q95"], color=_BAND, linewidth=14,
            label="5 % to 95 %",
        )  # fmt: skip
        axes.plot(places, 100 * rows["q50"], "o", color=_TIDE, markersize=7, label="median")
        axes.axhline(100, color=_SLATE, linewidth=1, linestyle=":", label="spent")
        axes.set_xticks(list(places))

    return draw


def _table(title: str, heads: tuple[str, ...], rows: list[list[str]]) -> str:
    """A table that scrolls by itself where it is wider than the page."""
    cells = "".join(f'<th scope="col">{head}</th>' for head in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{figure}</td>" for figure in row) + "</tr>" for row in rows
    )
    return (
        f'<div class="wide" role="region" aria-label="{title}" tabindex="0">'
        f"<table><tr>{cells}</tr>{body}</table></div>"
    )


def _who_paid(results: "Results", title: str) -> str:
    cohorts = results.cohorts
    rows = []
    for _, row in cohorts[cohorts["cohort"] == "tenth of members"].iterrows():
        sums = ("spent", "contributed", "received", "cash_now", "gain")
        rows.append([row["name"], *(money(int(row[f"{name}_micro"])) for name in sums)])
    heads = ("tenth", "spent", "paid into the pool", "received", "cash now", "gain or loss")
    return _table(title, heads, rows)


def _by_month(results: "Results", title: str) -> str:
    cohorts = results.cohorts
    rows = []
    for _, row in cohorts[cohorts["cohort"] == "joined in month"].iterrows():
        per_100 = (f"{100 * row[name]:.2f}" for name in ("q05", "q50", "q95"))
        shares = (f"{row[name]:.2%}" for name in ("reached_cap", "got_back"))
        rows.append([row["name"], f"{row['count']:,}", *per_100, *shares])
    heads = ("month", "members", "5 %", "median", "95 %", "reached the cap", "got all back")
    return _table(title, heads, rows)


def _facts(results: "Results") -> str:
    row = results.summary.iloc[0]
    bound = row["exits_per_order_bound"]
    figures = {
        "orders": f"{int(row['orders']):,}",
        "the median member has, for 100 spent": f"{100 * row['got_per_spent_median']:.2f}",
        "members with at least what they spent": f"{row['got_back']:.2%}",
        "orders that reached the cap": f"{row['exits_per_order']:.3%}",
        "orders for which there could ever be money": (
            f"{bound:.2%}" if bound else "no cap in cash"
        ),
        "owed and not paid": money(int(row["unpaid_micro"])),
        "members": f"{int(row['members']):,}",
        "Gini of what members got": f"{row['gini']:.2f}",
    }
    return "".join(
        f"<div><b>{value}</b><span>{name}</span></div>" for name, value in figures.items()
    )


def _section(
    title: str, note: str, draw: Callable[[Any], None], ylabel: str, xlabel: str
) -> str:
    return _SECTION.format(title=title, note=note, body=_chart(title, draw, ylabel, xlabel))


def write_report(name: str, text: str, results: "Results", keep: float) -> str:
    """The report as HTML; `text` is the scenario's file, `keep` what a sale is paid of 1."""
    story = " ".join(line[2:] for line in text.splitlines() if line.startswith("# "))
    when = "period"
    charts = [
        ("What members got", "Received so far and cash now for 100 spent, by tenth of arrival.",
         _cohorts(results), "for 100 spent", "tenth of members, first to last"),
        ("Price", _about_price(results),
         _price(results, keep), "currency per point", when),
        ("Pool", "What lies between was paid out.", _pool(results), "currency", when),
        ("Exits", "How many orders ever reached the cap.",
         _exits(results), "per 100 orders", when),
    ]  # fmt: skip
    tables = [
        ("Who paid for whom", _GAINS, _who_paid),
        ("By month of joining", "Received so far and cash now for 100 spent.", _by_month),
    ]  # fmt: skip
    return _PAGE.format(
        name=escape(name),
        story=escape(story),
        facts=_facts(results),
        charts="".join(_section(*chart) for chart in charts),
        tables="".join(
            _SECTION.format(title=title, note=note, body=body(results, title))
            for title, note, body in tables
        ),
        text=escape(text),
    )
