"""The vendors of the made-up company: what each of them charges, how it writes its invoices, and how often."""

from dataclasses import dataclass
from datetime import date
from typing import TypeVar

import numpy as np

from invoice_anomalies.synthetic.trades import (
    COST_CENTERS,
    CURRENCIES,
    FAMILIES,
    HOUSE_CURRENCY,
    LEGAL_FORMS,
    TRADES,
    Rhythm,
    Trade,
)

WHEEL = 20
"""Slots of a wheel: a vendor's usual choices, each as often as it is likely, so that a draw is one look-up."""
MOST_VENDORS = 80_000
"""Vendor numbers have five digits and start at 10001."""
NUMBER_SCHEMES = ("INV-{year}-{n}", "{year}/{n}", "R{n}", "{n}", "{letters}-{n}", "RE{year}{n}", "{letters}{n}/{yy}")
REFERENCE_DAY = date(2026, 1, 1)
"""The day on which trends and price rises start from the vendor's usual amount."""

Option = TypeVar("Option")


@dataclass(frozen=True)
class Vendor:
    """One vendor. Wheels hold WHEEL slots; amounts are in the vendor's own currency."""

    vendor_id: str
    name: str
    trade: Trade
    rhythm: Rhythm
    weekday: int
    volume: float
    """Weight among the vendors without contracts; not used where `contracts` is given."""
    lag: int
    """Usual days from the date of an invoice to its booking."""
    bills_on_weekends: bool
    scheme: str
    letters: str
    contracts: tuple[float, ...]
    """Fixed net amounts, each billed once a month; empty for a vendor who bills what was delivered."""
    log_net: float
    spread: float
    unit_price: float
    """Where not 0, net amounts are whole multiples of it."""
    season: float
    trend: float
    """Relative change of the amounts in a year."""
    currencies: list[str]
    tax_codes: list[str]
    terms: list[int]
    cost_centers: list[str]
    gl_accounts: list[str]
    texts: list[str]
    ordered: list[bool]


def draw_vendors(seed: int, count: int) -> list[Vendor]:
    """Draw the vendors; the same seed and count give the same ones. Names and vendor numbers are unique."""
    if not 1 <= count <= MOST_VENDORS:
        raise ValueError(f"vendors must be 1 to {MOST_VENDORS}, not {count}")
    rng = np.random.default_rng([seed, 0])
    numbers = 10_001 + np.sort(rng.choice(min(5 * count, 89_999), size=count, replace=False))
    order = [int(place) for _ in range(count // len(TRADES) + 1) for place in rng.permutation(len(TRADES))]
    taken: set[str] = set()
    return [_vendor(rng, int(number), TRADES[trade], taken) for number, trade in zip(numbers, order, strict=False)]


def _vendor(rng: np.random.Generator, number: int, trade: Trade, taken: set[str]) -> Vendor:
    currency = _pick(rng, list(CURRENCIES), list(CURRENCIES.values()))
    home_tax = trade.tax_code if currency == HOUSE_CURRENCY else "Z00"
    rhythm = _pick(rng, trade.rhythms)
    by_units = rhythm != "first" and _pick(rng, trade.pricing) == "units"
    usual_net = trade.usual_net * float(np.exp(rng.normal(0.0, 0.9)))
    terms = _pick(rng, trade.terms)
    ordered = bool(rng.random() < trade.orders)
    return Vendor(
        vendor_id=f"V{number:05d}",
        name=_name(rng, trade, currency, taken),
        trade=trade,
        rhythm=rhythm,
        weekday=int(rng.integers(5)),
        volume=float(np.exp(rng.normal(0.0, 0.8))) * (3.0 if rhythm == "daily" else 1.0),
        lag=int(rng.integers(0, 6)),
        bills_on_weekends=bool(rng.random() < 0.2),
        scheme=_pick(rng, NUMBER_SCHEMES),
        letters="".join(chr(ord("A") + int(letter)) for letter in rng.integers(0, 26, size=2)),
        contracts=tuple(_contracts(rng, usual_net)) if rhythm == "first" else (),
        log_net=float(np.log(usual_net)),
        spread=float(rng.uniform(*trade.spread)),
        unit_price=float(np.round(usual_net / rng.integers(3, 25), 2)) if by_units else 0.0,
        season=trade.season * float(rng.uniform(0.6, 1.4)),
        trend=float(rng.uniform(-0.12, 0.2)) if rng.random() < 0.3 else 0.0,
        currencies=_wheel(rng, [currency], 0.0 if currency == HOUSE_CURRENCY else 0.1, [HOUSE_CURRENCY]),
        tax_codes=_wheel(rng, [home_tax], 0.15, [code for code in ("R05", "Z00") if code != home_tax][:1]),
        terms=_wheel(rng, [terms], 0.08, [days for days in trade.terms if days != terms][:1]),
        cost_centers=_wheel(rng, [_pick(rng, COST_CENTERS)], 0.6, [_pick(rng, COST_CENTERS) for _ in range(2)]),
        gl_accounts=_wheel(rng, list(trade.gl_accounts[:1]), 0.5, list(trade.gl_accounts[1:])),
        texts=_wheel(rng, [_pick(rng, trade.texts)], 0.7, list(trade.texts)),
        ordered=_wheel(rng, [ordered], 0.4 if ordered else 0.0, [False]),
    )


def _contracts(rng: np.random.Generator, usual_net: float) -> list[float]:
    amounts = usual_net * np.exp(rng.normal(0.0, 0.5, size=rng.integers(1, 4)))
    return [float(np.round(amount, 0 if amount > 1000 else 1)) for amount in amounts]


def _wheel(rng: np.random.Generator, usual: list[Option], chance: float, others: list[Option]) -> list[Option]:
    """Fill a wheel with the usual option; with that chance the vendor has rarer ones in 1 to 4 slots, too."""
    if not others or rng.random() >= chance:
        return usual * WHEEL
    rare = [_pick(rng, others) for _ in range(int(rng.integers(1, 5)))]
    return usual * (WHEEL - len(rare)) + rare


def _pick(
    rng: np.random.Generator, options: list[Option] | tuple[Option, ...], weights: list[float] | None = None
) -> Option:
    return options[int(rng.choice(len(options), p=weights))]


def _name(rng: np.random.Generator, trade: Trade, currency: str, taken: set[str]) -> str:
    """Make up a name that nobody has yet: longer ones when the short ones run out."""
    family, noun, form = _pick(rng, FAMILIES), _pick(rng, trade.nouns), _pick(rng, LEGAL_FORMS[currency])
    name = f"{family} {noun} {form}"
    while name in taken:
        family = f"{family} & {_pick(rng, FAMILIES)}"
        name = f"{family} {noun} {form}"
    taken.add(name)
    return name
