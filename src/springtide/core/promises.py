"""Promises that no text of an operator may make: of a return, of safety, of no risk.

A phrase is found however it is spaced or spelt: full width, traditional characters, other
case, marks between its characters. What is denied right before it (`not guaranteed`) is no
promise. A list finds what is on it; somebody still has to read the text.

Source: docs/algorithms/promises.md.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

RETURN = "promises a return"
SAFETY = "promises that nothing can be lost"
RISE = "promises that the price rises"
FREE = "promises to get the money back"
INCOME = "promises an income without work"
SHARES = "promises shares or a listing"

_CHINESE = {
    RETURN: (
        "稳赚", "包赚", "必赚", "保赚", "稳定收益", "固定收益", "保证收益", "收益保证",
        "高收益", "高回报", "稳定回报", "保证回报", "保息", "年化收益", "静态收益", "动态收益",
        "翻倍", "几倍", "倍增",
    ),
    SAFETY: (
        "保本", "零风险", "无风险", "没有风险", "没风险", "不会亏", "绝不亏", "稳赚不赔",
        "包赚不赔",
    ),
    RISE: ("只涨不跌", "单边上扬", "永不下跌", "只升不降", "必涨", "稳涨"),
    FREE: (
        "消费全返", "全额返还", "消费返本", "免费消费", "消费等于赚钱", "花多少返多少",
        "边消费边赚钱", "回本",
    ),
    INCOME: ("躺赚", "躺着赚", "睡后收入", "被动收入", "财务自由", "一夜暴富"),
    SHARES: ("原始股", "上市"),
}  # fmt: skip

_ENGLISH = {
    RETURN: (
        "guaranteed",
        "guarantees? (?:a |your |the )?(?:returns?|profits?|income|yields?|gains?)",
        "(?:sure|certain|assured|fixed|steady) (?:returns?|profits?|gains?|yields?)",
        "high (?:returns?|yields?)", "double your (?:money|points|spend)", "static income",
        "dynamic income", "get rich", "always profitable",
    ),
    SAFETY: (
        "risk ?free", "no risk", "zero risk", "without (?:any )?risk", "cannot lose",
        "can ?t lose", "never lose", "capital protected", "principal protected",
        "safe investment",
    ),
    RISE: (
        "only (?:goes|go|rises|rise) up", "only ever (?:goes up|rises)", "only rises",
        "(?:never|cannot|can ?t) (?:fall|drop|go down)s?", "always (?:rises|goes up)",
    ),
    FREE: (
        "free shopping", "shop for free", "spend and earn it (?:all )?back", "full cashback",
        "100 ?% (?:cash ?)?back", "money back on everything",
    ),
    INCOME: (
        "passive income", "earn while you sleep", "financial freedom", "effortless income",
    ),
    SHARES: ("pre ?ipo shares?", "original shares?", "will be listed"),
}  # fmt: skip

_TRADITIONAL = str.maketrans(
    "穩賺賠險財動態費無沒虧絕證漲躺單邊揚還額錢億倍報復數幾陞永遠",
    "稳赚赔险财动态费无没亏绝证涨躺单边扬还额钱亿倍报复数几升永远",
)

_BETWEEN = r"[ \t\u3000.*·・~+|/_'\"“”‘’-]{0,3}"
"""What may stand between two characters of a Chinese phrase: spaces and marks, no full stop."""

_THIS = "(?![店地次人国质色能身公])"
_AROUND = {"保本": ("(?<![环担联确])", _THIS), "回本": ("", _THIS), "上市": ("", "(?!场)")}
"""Where the characters of a phrase meet by chance: `环保本色`, `返回本店`, `网上市场`."""

_DENIED_CHINESE = re.compile(rf"(?:不|非|未|没有|并无|不是|不能|不得|不承诺|不保证){_BETWEEN}$")
_DENIED_ENGLISH = re.compile(
    r"(?:\bno|\bnot|\bnever|n.?t|\bneither|\bnor|\bwithout)(?: (?:a|any|be|is|been))?[\s\W_]*$"
)


@dataclass(frozen=True, slots=True)
class Promise:
    """A phrase that promises, and where; lines and columns count from 1."""

    line: int
    column: int
    found: str
    why: str


def _chinese(phrase: str) -> str:
    before, after = _AROUND.get(phrase, ("", ""))
    return before + _BETWEEN.join(map(re.escape, phrase)) + after


def _english(pattern: str) -> str:
    return r"\b" + pattern.replace(" ?", r"[\s\W_]?").replace(" ", r"[\s\W_]+") + r"(?!\w)"


_PATTERNS = [
    (re.compile(form(phrase)), why, denied)
    for phrases, form, denied in (
        (_CHINESE, _chinese, _DENIED_CHINESE), (_ENGLISH, _english, _DENIED_ENGLISH),
    )
    for why, some in phrases.items()
    for phrase in some
]  # fmt: skip


def find_promises(text: str) -> list[Promise]:
    """Every promise of a text, in its order; of phrases within one another the longest."""
    plain, places = _plain(text)
    found: list[tuple[int, int, str]] = []
    for start, end, why in sorted(_matches(plain), key=lambda one: (one[0], -one[1])):
        if not found or end > found[-1][1]:
            found.append((start, end, why))
    return [
        _promise(text, places[start], places[end - 1] + 1, why) for start, end, why in found
    ]


def _plain(text: str) -> tuple[str, list[int]]:
    """The text as phrases are spelt, and where each of its characters came from."""
    plain, places = [], []
    for place, character in enumerate(text):
        for part in unicodedata.normalize("NFKC", character).casefold().translate(_TRADITIONAL):
            if unicodedata.category(part) != "Cf":  # invisible: joiners, marks of direction
                plain.append(part)
                places.append(place)
    return "".join(plain), places


def _matches(plain: str) -> Iterator[tuple[int, int, str]]:
    for pattern, why, denied in _PATTERNS:
        for match in pattern.finditer(plain):
            if not denied.search(plain, max(0, match.start() - 20), match.start()):
                yield match.start(), match.end(), why


def _promise(text: str, start: int, end: int, why: str) -> Promise:
    before = text[:start]
    line = before.count("\n") + 1
    return Promise(line, start - (before.rfind("\n") + 1) + 1, text[start:end], why)
