"""The price chart: the price and, as plainly, what a point could be cashed for."""

from pathlib import Path

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from springtide.cli.output import now_word, price
from springtide.core.policy import Policy
from springtide.core.units import MICRO, PPM, format_ratio
from springtide.services.reports import Price

_TIDE = "#0f6680"
_SLATE = "#5b6670"


def draw_prices(name: str, policy: Policy, prices: list[Price], path: Path) -> None:
    """Draw a program's price over its entries, in the units of the opening."""
    entries = [row.seq for row in prices]
    values = [row.price * row.factor / MICRO for row in prices]
    keeps = (PPM - policy.cash_out_fee_ppm) / PPM
    with mpl.rc_context(
        {"font.size": 10, "axes.spines.top": False, "axes.spines.right": False}
    ):
        figure = Figure(figsize=(9, 5), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        axes.step(entries, values, where="post", color=_TIDE, linewidth=2)
        axes.step(
            entries, [value * keeps for value in values], where="post",
            color=_SLATE, linewidth=2, linestyle="--",
        )  # fmt: skip
        last = prices[-1].price
        for amount, label, color in (
            (last, "price", _TIDE),
            (
                policy.after_cash_out_fee(last),
                now_word(pays_cash=policy.cash_out_enabled),
                _SLATE,
            ),
        ):
            height = amount * prices[-1].factor / MICRO
            axes.annotate(
                f"{label} {price(amount)}", (entries[-1], height), xytext=(6, 0),
                textcoords="offset points", va="center", color=color,
            )  # fmt: skip
        axes.set_ylim(bottom=0)
        axes.margins(x=0)
        axes.grid(axis="y", color="#e3e6e8", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.set_xlabel("entries posted")
        axes.set_ylabel("currency per point")
        fee = format_ratio(policy.cash_out_fee_ppm * 100)
        axes.set_title(
            f"{name}: price of a point, and what it pays now (less {fee} %)", loc="left"
        )
        figure.savefig(path, dpi=120)
