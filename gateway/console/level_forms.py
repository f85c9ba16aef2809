"""Forms of levels and points settings; what is right or wrong about them, the service says."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import FieldList, Form, FormField, HiddenField, RadioField, SelectField, StringField

from gateway import formats
from gateway.console import ask
from gateway.console.forms import KeyedForm, code_of
from onefold.membership.v1 import levels_pb2 as pb
from services.common.errors import InvalidInput, Violations

BASES = (("1", _l("All orders ever")), ("2", _l("Orders of the last 12 months")))
LAPSES = (("1", _l("Stays until its validity ends")), ("2", _l("Ends at once")))
ROUNDINGS = (("1", _l("Down")), ("2", _l("To the nearest")), ("3", _l("Up")))
_ONCE = 100


class LevelForm(Form):  # type: ignore[misc]  # WTForms has no types
    """One level as it is typed. One without name and threshold counts as blank."""

    level_id = HiddenField()
    name = StringField(_l("Level name"))
    threshold = StringField(_l("Net spend from"))
    discount = StringField(_l("Discount, percent"))
    multiplier = StringField(_l("Points multiplier"))
    birthday_points = StringField(_l("Birthday points"))
    validity_months = StringField(_l("Valid for months"))
    lapse = SelectField(_l("When it is not earned any more"), choices=LAPSES, validate_choice=False)

    def is_blank(self) -> bool:
        """True where nobody typed anything that matters."""
        return not (self.name.data or "").strip() and not (self.threshold.data or "").strip()

    def show(self, level: pb.Level) -> None:
        """Fills the fields from a level as it is."""
        self.level_id.data, self.name.data = level.level_id, level.name
        self.threshold.data = formats.decimal_text(level.threshold_minor, ask.store().currency)
        self.discount.data = str(level.discount_percent)
        self.multiplier.data = formats.times_text(level.points_multiplier_percent)
        self.birthday_points.data = str(level.birthday_points)
        self.validity_months.data = str(level.validity_months or "")
        self.lapse.data = str(int(level.lapse))

    def read(self, prefix: str, faults: Violations) -> pb.Level:
        """The level as it is sent; what cannot be sent is noted under its field."""
        currency = ask.store().currency
        level = pb.Level(level_id=self.level_id.data or "", name=self.name.data or "")
        if not (self.threshold.data or "").strip():
            faults.add(f"{prefix}threshold_minor", "required")
        level.lapse = code_of(self.lapse.data)  # type: ignore[assignment]  # an open enum
        with ask.noting(faults):
            level.threshold_minor = formats.parse_amount(
                self.threshold.data or "", currency, f"{prefix}threshold_minor"
            )
        with ask.noting(faults):
            percent = formats.parse_times(self.multiplier.data or "", f"{prefix}points_multiplier_percent")
            level.points_multiplier_percent = percent or _ONCE
        for name, field in (
            ("discount_percent", self.discount),
            ("birthday_points", self.birthday_points),
            ("validity_months", self.validity_months),
        ):
            with ask.noting(faults):
                setattr(level, name, small_number(field.data, f"{prefix}{name}"))
        return level


def small_number(text: str | None, field: str) -> int:
    """A whole number as typed, blank for 0. Raises InvalidInput (not_a_whole_number, out_of_range) for what the wire cannot carry."""
    if not (text or "").strip():
        return 0
    number = formats.parse_whole(text or "", field)
    if abs(number) >= 2**31:
        raise InvalidInput.of(field, "out_of_range")
    return number


class LevelsForm(KeyedForm):
    """All levels of the store. `version` is the one that the editor saw, `simulation_hash` what the checker saw (B6)."""

    basis = RadioField(_l("What counts"), choices=BASES, validate_choice=False)
    levels = FieldList(FormField(LevelForm))
    version = HiddenField()
    simulation_hash = HiddenField()

    def show(self, rules: pb.LevelRules) -> None:
        """Fills the form from the rules as they are."""
        self.basis.data, self.version.data = str(int(rules.basis)), str(rules.version)
        for level in rules.levels:
            self.add_level(level)

    def add_level(self, level: pb.Level | None = None) -> None:
        """One more level, a new one unless it is given."""
        self.levels.append_entry()
        self.levels[-1].form.show(level or pb.Level(points_multiplier_percent=_ONCE, lapse=pb.LEVEL_LAPSE_AT_END))
        if level is None:
            self.levels[-1].form.threshold.data = ""

    def drop_level(self, place: int) -> None:
        """Takes one out; the others keep what was typed."""
        kept = [entry.data for n, entry in enumerate(self.levels) if n != place]
        while len(self.levels):
            self.levels.pop_entry()
        for data in kept:
            self.levels.append_entry(data)

    def filled_levels(self) -> list[Any]:
        """The levels that count, in order."""
        return [entry.form for entry in self.levels if not entry.form.is_blank()]

    def read(self) -> pb.LevelRules:
        """The rules as they are sent. Raises InvalidInput where something typed cannot be sent."""
        faults = Violations()
        rules = pb.LevelRules(version=int(self.version.data) if (self.version.data or "").isdecimal() else 0)
        rules.basis = code_of(self.basis.data)  # type: ignore[assignment]  # an open enum
        rules.levels.extend(form.read(f"levels[{n}].", faults) for n, form in enumerate(self.filled_levels()))
        faults.check()
        return rules


class CustomerLevelForm(KeyedForm):
    """A level by hand (B3)."""

    level_id = SelectField(_l("Level"), validate_choice=False)
    reason = StringField(_l("Reason"))
    pinned_until = StringField(_l("Pin until"))


class PointsSettingsForm(KeyedForm):
    """How points are earned, redeemed and run out (B2)."""

    earn_per_unit = StringField(_l("Points earned"))
    redeem_per_unit = StringField(_l("Points redeemed"))
    validity_months = StringField(_l("Valid for months"))
    rounding = RadioField(_l("Parts of a point are rounded"), choices=ROUNDINGS, validate_choice=False)
    version = HiddenField()
