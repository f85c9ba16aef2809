"""The model: what is compared, how much each agreement weighs, which is Splink's (Fellegi and Sunter) to reckon with.

m is how often two accounts of one person agree so, u how often those of two people do. They are set, not trained on the store: what is
shown of a pair today would be something else tomorrow, a store of ten has nothing to train on, and nobody could say why. Where
a value's own frequency in the store matters (a name, a birthday), Splink puts it in the place of u.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import splink.comparison_level_library as cll
import splink.comparison_library as cl
from splink import SettingsCreator, block_on
from splink.comparison_level_library import CustomLevel

# How many pairs there are for each member, where the store itself does not show more, and at most: from one member in ten who has a second
# account to everybody with two further ones.
_FEWEST, _MOST = 0.1, 3.0
# The share of all pairs that agree in name and birthday to the letter.
_PLAIN = 0.4
# As unlikely as a guard has to be: nothing outweighs it.
_NEVER = 1e-30

# How often two people have the same, where the store has nobody else with it.
USUAL = {"name_whole": 1e-4, "birthday": 5e-5}


def settings(members: int, plain: int) -> SettingsCreator:
    """The model for a store of so many members, of whom so many pairs agree in name and birthday to the letter."""
    pairs = members * min(_MOST, max(_FEWEST, plain / _PLAIN / members))
    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="place",
        probability_two_random_records_match=min(0.5, 2 * pairs / members / max(1, members - 1)),
        blocking_rules_to_generate_predictions=[block_on("blocks", arrays_to_explode=["blocks"])],
        comparisons=[_names(), _birthdays(), _reach(), _mail(), _places()],
        retain_intermediate_calculation_columns=False,
        retain_matching_columns=False,
    )


def _comparison(name: str, columns: str, levels: Sequence[tuple[Any, float, float]]) -> cl.CustomComparison:
    """Levels as (condition, m, u), the strongest first; where a side is unknown by all that matters, the comparison is silent."""
    made: list[Any] = [
        cll.NullLevel(columns)
        if columns.isidentifier()
        else CustomLevel(columns, "unknown").configure(is_null_level=True)
    ]
    for condition, m, u in levels:
        level = CustomLevel(condition, condition[:60]) if isinstance(condition, str) else condition
        made.append(level.configure(m_probability=m, u_probability=u))
    return cl.CustomComparison(output_column_name=name, comparison_levels=made)


def _shared(column: str, other: str = "") -> str:
    return f"list_has_any({column}_l, {other or column}_r)"


_ALIKE = """(jaro_winkler_similarity(name_l, name_r) >= 0.88 OR jaro_winkler_similarity(name_whole_l, name_whole_r) >= 0.9)"""
_GIVEN = (
    f"({_shared('name_given')} OR {_shared('name_given', 'name_aliases')} OR {_shared('name_aliases', 'name_given')})"
)
_FAMILY = _shared("name_family")
# Another given name of the same kind: two people, however much else they share (twins, parent and child).
_OTHER = f"(name_sure_l AND name_sure_r AND {_shared('name_kinds')} AND NOT {_GIVEN})"
_OTHER_FAMILY = f"(name_family_sure_l AND name_family_sure_r AND NOT {_FAMILY})"
# A household shares address, phone and surname. Where the name does not say that it is one person, what nobody shares has to.
_BORN = "birthday_parts_l = birthday_parts_r OR damerau_levenshtein(birthday_l, birthday_r) <= 1"
_OWN = f"(coalesce({_BORN}, false) OR {_shared('locals')})"


def _names() -> cl.CustomComparison:
    same = cll.ExactMatchLevel("name_whole", term_frequency_adjustments=True)
    return _comparison(
        "name",
        "name_whole",
        [
            (same, 0.50, USUAL["name_whole"]),
            (_shared("name_full"), 0.15, 1e-4),
            (f"{_FAMILY} AND {_GIVEN}", 0.08, 5e-4),
            (f"{_FAMILY} AND {_OTHER}", _NEVER, 0.03),
            (f"{_ALIKE} AND {_GIVEN} AND NOT {_OTHER_FAMILY}", 0.08, 1e-4),
            (f"{_ALIKE} AND NOT {_OTHER} AND NOT {_OTHER_FAMILY}", 0.09, 2e-4),
            (f"NOT {_OWN}", _NEVER, 0.8),
            (f"{_FAMILY} AND NOT {_shared('name_kinds')}", 0.04, 0.02),
            (_GIVEN, 0.03, 0.01),
            (f"{_FAMILY} AND NOT {_OTHER}", 0.015, 0.02),
            (cll.ElseLevel(), 0.015, 0.92),
        ],
    )


def _birthdays() -> cl.CustomComparison:
    same = cll.ExactMatchLevel("birthday", term_frequency_adjustments=True)
    return _comparison(
        "birthday",
        "birthday",
        [
            (same, 0.85, USUAL["birthday"]),
            ("birthday_parts_l = birthday_parts_r", 0.03, 5e-5),
            ("damerau_levenshtein(birthday_l, birthday_r) <= 1", 0.05, 1e-3),
            ("damerau_levenshtein(birthday_l, birthday_r) <= 2", 0.02, 1e-2),
            (cll.ElseLevel(), 0.05, 0.99),
        ],
    )


def _reach() -> cl.CustomComparison:
    """Phones, and what orders bear. That they differ says next to nothing: no two members have the same."""
    return _comparison(
        "reach",
        "len(reach_l) = 0 OR len(reach_r) = 0",
        [
            (_shared("reach"), 0.10, 2e-5),
            (_shared("reach_holes"), 0.12, 2e-5),
            (cll.ElseLevel(), 0.78, 0.9999),
        ],
    )


def _mail() -> cl.CustomComparison:
    return _comparison(
        "mail",
        "mail_local",
        [
            (_shared("mailboxes"), 0.10, 1e-6),
            (_shared("locals") + " AND len(mail_local_l) >= 5", 0.15, 2e-5),
            (
                "mail_domain_l = mail_domain_r AND damerau_levenshtein(mail_local_l, mail_local_r) <= 1 AND len(mail_local_l) >= 6",
                0.05,
                2e-5,
            ),
            (cll.ElseLevel(), 0.70, 0.9999),
        ],
    )


# The share of the shorter one's grams that the other has, where there are enough to say something.
_GRAMS = """CASE WHEN least(len(address_grams_l), len(address_grams_r)) < 5 THEN 0
 ELSE len(list_intersect(address_grams_l, address_grams_r)) / least(len(address_grams_l), len(address_grams_r)) END"""


def _places() -> cl.CustomComparison:
    """Who has moved house has another address, so that a different one says little."""
    similar, close = f"({_GRAMS}) >= 0.6", f"({_GRAMS}) >= 0.85"
    return _comparison(
        "place",
        "address",
        [
            (_shared("addresses"), 0.45, 2e-5),
            (f"{similar} AND address_numbers_l = address_numbers_r", 0.18, 2e-5),
            (f"{close} OR ({similar} AND {_shared('address_counts')})", 0.08, 1e-4),
            ("address_numbers_l = address_numbers_r AND len(address_counts_l) > 1", 0.06, 5e-4),
            (similar, 0.06, 1e-3),
            ("area_l = area_r", 0.04, 0.02),
            (cll.ElseLevel(), 0.20, 0.98),
        ],
    )
