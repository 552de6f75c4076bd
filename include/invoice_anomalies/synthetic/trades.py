"""What the made-up company buys: one trade a line of business, with its usual accounts, amounts and words."""

from dataclasses import dataclass
from typing import Literal

Rhythm = Literal["daily", "weekly", "first", "month_end", "irregular"]
"""`first` is for contracts: fixed amounts, dated the first of each month."""
Pricing = Literal["free", "units"]

COST_CENTERS = tuple(f"CC{number}" for number in (*range(1100, 1108), *range(2100, 2110), *range(3100, 3106)))
TAX_PERCENT = {"S20": 20, "R05": 5, "Z00": 0}
HOUSE_CURRENCY = "EUR"
CURRENCIES = {"EUR": 0.74, "USD": 0.11, "GBP": 0.09, "CHF": 0.06}
LEGAL_FORMS = {
    "EUR": ("GmbH", "SARL", "BV", "SpA", "AG", "SAS", "Oy"),
    "USD": ("Inc", "LLC", "Corp"),
    "GBP": ("Ltd", "plc"),
    "CHF": ("AG", "SA"),
}
FAMILIES = (
    "Adler", "Amberg", "Arden", "Bellamy", "Berger", "Birch", "Bonnet", "Brandt", "Calder", "Carver", "Castell",
    "Corvin", "Dahl", "Dorn", "Dupont", "Eklund", "Faber", "Falk", "Ferrant", "Fischer", "Garnier", "Gerlach",
    "Grant", "Hale", "Hartmann", "Hollis", "Horn", "Ibsen", "Jansen", "Keller", "Kessler", "Lambert", "Larsen",
    "Laurent", "Lind", "Lorenz", "Marlow", "Mercer", "Moreau", "Nordin", "Novak", "Oakes", "Olsen", "Pavel", "Peters",
    "Quint", "Rieger", "Rossi", "Roux", "Sander", "Sauer", "Schwarz", "Stern", "Sutter", "Thorne", "Tilly", "Ullmann",
    "Varga", "Vogel", "Wagner", "Weber", "Winter", "Wolff", "Yates", "Zeller",
)  # fmt: skip


@dataclass(frozen=True)
class Trade:
    """One line of business; the ranges are those between which its vendors differ from each other."""

    nouns: tuple[str, ...]
    texts: tuple[str, ...]
    """Words of the invoice; {month} becomes the month it was written in."""
    gl_accounts: tuple[str, ...]
    """The first is the usual one."""
    usual_net: float
    """Median of the vendors' median net amounts."""
    spread: tuple[float, float]
    """Standard deviation of the log amount within a vendor, from and to."""
    rhythms: tuple[Rhythm, ...]
    pricing: tuple[Pricing, ...]
    """Of the vendors without contracts."""
    terms: tuple[int, ...]
    """Days from the date of the invoice to the date it is due."""
    orders: float
    """Share of the vendors who work on purchase orders."""
    tax_code: str = "S20"
    season: float = 0.0
    """Relative height of the yearly wave of the amounts; its peak is in mid January."""


TRADES = (
    Trade(
        ("Properties", "Immobilien", "Real Estate"),
        ("Rent {month}, office", "Rent {month}, warehouse", "Rent {month}, parking spaces"),
        ("4210",),
        4200,
        (0.0, 0.0),
        ("first",),
        (),
        (7, 10),
        0.0,
        tax_code="Z00",
    ),
    Trade(
        ("Software", "Cloud", "Data Systems"),
        ("Subscription {month}", "User licences {month}", "Support contract {month}"),
        ("4964", "4965"),
        680,
        (0.0, 0.0),
        ("first",),
        (),
        (14, 30),
        0.2,
    ),
    Trade(
        ("Energy", "Power", "Stadtwerke"),
        ("Electricity {month}", "District heating {month}", "Gas {month}"),
        ("4240", "4241"),
        2600,
        (0.08, 0.2),
        ("month_end",),
        ("free",),
        (10, 14),
        0.0,
        season=0.35,
    ),
    Trade(
        ("Telecom", "Networks"),
        ("Telephone and data lines {month}", "Mobile contracts {month}"),
        ("4920",),
        420,
        (0.05, 0.15),
        ("first", "month_end"),
        ("free",),
        (10, 14),
        0.0,
    ),
    Trade(
        ("Logistics", "Transport", "Freight"),
        ("Freight charges", "Pallet transport", "Customs clearance and freight", "Express delivery"),
        ("4730", "4731"),
        640,
        (0.35, 0.6),
        ("daily", "daily", "weekly"),
        ("free",),
        (14, 30),
        0.5,
    ),
    Trade(
        ("Metals", "Steel", "Polymers", "Components"),
        ("Raw material as delivered", "Sheet metal, cut to size", "Moulded parts", "Fasteners and fittings"),
        ("3400", "3410", "3420"),
        5200,
        (0.3, 0.55),
        ("daily", "weekly", "weekly"),
        ("units", "free"),
        (30, 45, 60),
        1.0,
    ),
    Trade(
        ("Packaging", "Paper"),
        ("Corrugated boxes", "Pallet film and labels", "Packing material"),
        ("3450", "4710"),
        1300,
        (0.25, 0.45),
        ("weekly", "daily"),
        ("units",),
        (30, 45),
        0.9,
    ),
    Trade(
        ("Consulting", "Advisory", "Engineering"),
        ("Consulting days {month}", "Project work {month}", "Engineering services"),
        ("4957", "4958"),
        7800,
        (0.3, 0.5),
        ("month_end", "irregular"),
        ("units", "free"),
        (30, 30, 45),
        0.6,
    ),
    Trade(
        ("Personnel", "Staffing"),
        ("Temporary staff {month}", "Hours worked, temporary staff"),
        ("4190",),
        3600,
        (0.2, 0.35),
        ("weekly",),
        ("free",),
        (10, 14),
        0.4,
    ),
    Trade(
        ("Office Supplies", "Stationery", "Furniture"),
        ("Office supplies", "Toner and paper", "Office furniture"),
        ("4930", "0420"),
        210,
        (0.4, 0.65),
        ("weekly", "irregular"),
        ("free", "units"),
        (14, 30),
        0.3,
    ),
    Trade(
        ("Facility Services", "Cleaning"),
        ("Cleaning {month}", "Window cleaning", "Grounds maintenance {month}"),
        ("4250",),
        1500,
        (0.1, 0.25),
        ("month_end", "first"),
        ("free",),
        (14, 30),
        0.1,
    ),
    Trade(
        ("Maintenance", "Machinery", "Tools"),
        ("Repair of machine", "Spare parts", "Yearly inspection", "Tools and small parts"),
        ("4805", "4806"),
        1100,
        (0.45, 0.7),
        ("irregular", "weekly"),
        ("free",),
        (14, 30),
        0.5,
    ),
    Trade(
        ("Media", "Advertising", "Print"),
        ("Online advertising {month}", "Trade fair stand", "Printed brochures"),
        ("4600", "4610"),
        2900,
        (0.35, 0.6),
        ("irregular", "month_end"),
        ("free",),
        (14, 30),
        0.3,
    ),
    Trade(
        ("Catering", "Foods"),
        ("Canteen deliveries", "Fruit and drinks", "Catering for meeting"),
        ("4145", "4653"),
        340,
        (0.2, 0.4),
        ("daily", "weekly"),
        ("free",),
        (7, 14),
        0.0,
        tax_code="R05",
    ),
    Trade(
        ("Publishing", "Books"),
        ("Trade journals", "Technical books and standards"),
        ("4940",),
        130,
        (0.2, 0.4),
        ("irregular", "first"),
        ("free",),
        (14, 30),
        0.0,
        tax_code="R05",
    ),
    Trade(
        ("Insurance", "Assurance"),
        ("Insurance premium {month}", "Liability insurance {month}"),
        ("4360", "4366"),
        1900,
        (0.0, 0.0),
        ("first",),
        (),
        (10, 14),
        0.0,
        tax_code="Z00",
    ),
)
