"""A made-up store of Hong Kong and Taiwan in which some people have two accounts, with the truth beside it; the same for one seed.

Beside accounts of one person written in ways that differ (script, order, nickname, slips, another house) there are people who look like
one and are not: couples and siblings with one phone at one address, twins, parent and child, namesakes, people of one office.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from uuid import UUID

import opencc
import pypinyin

from deploy.local.people import name_parts
from services.identity_merge.domain.duplicates import Known

_FIRST = """Peter Mary John Alice Kelvin Winnie Jason Karen Eric Carmen Ivan Joyce Tony Grace Vincent Queenie Robert William Elizabeth
 Katherine Michael Jennifer Christopher Margaret Edward Susan Daniel Rebecca""".split()  # noqa: SIM905
_NICK = dict(
    pair.split("/")
    for pair in """Robert/Bob William/Bill Elizabeth/Liz Katherine/Kate Michael/Mike Jennifer/Jenny Christopher/Chris Margaret/Maggie
 Edward/Eddie Susan/Sue Daniel/Danny Rebecca/Becky Tony/Anthony Peter/Pete Vincent/Vince John/Johnny""".split()  # noqa: SIM905
)


def _streets(text: str) -> list[tuple[str, str]]:
    parts = [part.strip() for part in text.split(",")]
    return list(zip(parts[::2], parts[1::2], strict=True))


# Street and district, Chinese and in letters.
_HK = _streets("""彌敦道/Nathan Road, 旺角/Mong Kok, 英皇道/King's Road, 北角/North Point, 青山公路/Castle Peak Road, 荃灣/Tsuen Wan,
 軒尼詩道/Hennessy Road, 灣仔/Wan Chai, 皇后大道西/Queen's Road West, 上環/Sheung Wan, 太子道/Prince Edward Road, 九龍城/Kowloon City,
 廣東道/Canton Road, 尖沙咀/Tsim Sha Tsui, 觀塘道/Kwun Tong Road, 觀塘/Kwun Tong, 大埔道/Tai Po Road, 沙田/Sha Tin""")
_TW = _streets("""忠孝東路/Zhongxiao East Road, 大安區/Da'an District, 中山北路/Zhongshan North Road, 士林區/Shilin District,
 民生路/Minsheng Road, 板橋區/Banqiao District, 中正路/Zhongzheng Road, 新莊區/Xinzhuang District,
 文化路/Wenhua Road, 左營區/Zuoying District""")
_DOMAINS = ("gmail.com", "yahoo.com.hk", "hotmail.com", "outlook.com", "icloud.com", "mail.example")
_to_simplified = opencc.OpenCC("t2s")


@dataclass(frozen=True, slots=True)
class _Human:
    """Somebody, before there is an account."""

    hong_kong: bool
    surname: Sequence[str]
    given: Sequence[Sequence[str]]
    first: str
    born: date
    street: tuple[str, str]
    house: tuple[int, int, str]
    phone: str
    handle: str

    @property
    def han(self) -> str:
        return self.surname[0] + "".join(each for each, _ in self.given)

    def letters(self, *, pinyin: bool = False) -> tuple[str, list[str]]:
        """Surname and given syllables: Hong Kong's Cantonese, or Taiwan's Wade-Giles without marks, or pinyin."""
        if self.hong_kong:
            return self.surname[1], [sound for _, sound in self.given]
        style = pypinyin.Style.NORMAL if pinyin else pypinyin.Style.WADEGILES
        sounds = [pypinyin.pinyin(each, style=style)[0][0].replace("'", "").replace("v", "u") for each, _ in self.given]
        return self.surname[2], [sound.capitalize() for sound in sounds]


@dataclass(frozen=True, slots=True)
class Doubles:
    """Members, and to each the number of the person behind it."""

    members: Sequence[Known]
    people: Sequence[int]

    @property
    def pairs(self) -> set[tuple[int, int]]:
        """Places of two accounts of one person."""
        of: dict[int, list[int]] = {}
        for place, who in enumerate(self.people):
            of.setdefault(who, []).append(place)
        return {(a, b) for places in of.values() for a in places for b in places if a < b}


def doubles(count: int, seed: int = 1, *, share: float = 0.1, look_alikes: float = 0.1) -> Doubles:
    """About `count` members, of whom `share` have a second account, and `look_alikes` have somebody who looks like them."""
    maker = _Maker(Random(seed))
    while len(maker.members) < count:
        somebody = maker.human()
        who = maker.account(somebody, maker.write(somebody))
        chance = maker.random.random()
        if chance < share:
            maker.second(somebody, who)
        elif chance < share + look_alikes:
            maker.look_alike(somebody, who)
    order = list(range(len(maker.members)))
    maker.random.shuffle(order)
    return Doubles([maker.members[place] for place in order], [maker.people[place] for place in order])


class _Maker:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.members: list[Known] = []
        self.people: list[int] = []
        self._phones = 0

    def human(self) -> _Human:
        random, (surname, given) = self.random, name_parts(self.random)
        hong_kong = random.random() < 0.6
        first = random.choice(_FIRST)
        handle = f"{first.lower()}{surname[1 if hong_kong else 2].lower().replace(' ', '')}{random.randrange(10_000)}"
        return _Human(
            hong_kong=hong_kong,
            surname=surname,
            given=given,
            first=first,
            born=date(1950, 1, 1) + timedelta(days=random.randrange(20_000)),
            street=random.choice(_HK if hong_kong else _TW),
            house=(random.randrange(1, 700), random.randrange(1, 40), random.choice("ABCDEFGH")),
            phone=self.phone(hong_kong),
            handle=handle,
        )

    def phone(self, hong_kong: bool) -> str:
        self._phones += 1
        spread = self._phones * 7_368_787 % 1_000_000
        return f"+8529{self._phones % 8 + 1}{spread:06d}" if hong_kong else f"+8869{self._phones % 90 + 10}{spread:06d}"

    def write(self, who: _Human) -> str:
        """The name in one of the ways in which people give theirs."""
        style, (surname, given) = self.random.random(), who.letters()
        if style < 0.5:
            return who.han
        if style < 0.65:
            return f"{surname.upper()} {' '.join(given)}"
        if style < 0.75:
            return f"{surname} {given[0]}{''.join(each.lower() for each in given[1:])}"
        if style < 0.85:
            return f"{who.first} {surname}"
        return f"{surname} {' '.join(given)} {who.first}" if style < 0.95 else f"{who.han} {who.first}"

    def place(self, who: _Human, *, letters: bool = False) -> tuple[str, str]:
        street, district = (each.split("/")[letters] for each in who.street)
        number, floor, flat = who.house
        if letters:
            return f"Flat {flat}, {floor}/F, {number} {street}, {district}", district
        return f"{district}{street}{number}號{floor}樓{flat}室", district

    def account(self, who: _Human, name: str, *, person: int | None = None, **other: object) -> int:
        """Adds an account of the person with what people usually leave; the person's number."""
        random, number = self.random, len(self.members)
        address, area = self.place(who, letters=random.random() < 0.15)
        known = Known(
            customer_id=UUID(int=number + 1),
            name=name,
            phones=(who.phone,) if random.random() < 0.9 else (),
            emails=(f"{who.handle}@{random.choice(_DOMAINS)}",) if random.random() < 0.7 else (),
            birthday=who.born.isoformat() if random.random() < 0.6 else "",
        )
        if random.random() < 0.5:
            known = replace(known, addresses=(address,), areas=(area,))
        known = replace(known, **other)  # type: ignore[arg-type]
        self.members.append(known)
        self.people.append(number if person is None else person)
        return self.people[-1]

    def second(self, who: _Human, person: int) -> None:
        """Another account of the same person: something differs, and something that can be known is the same."""
        ways: tuple[Callable[[_Human, int], None], ...] = (
            self._otherwise,
            self._slip,
            self._moved,
            self._through_order,
            self._mail,
        )
        self.random.choice(ways)(who, person)

    def _base(self, person: int, **known: object) -> None:
        """The first account knows what the second one repeats."""
        place = self.people.index(person, max(0, len(self.people) - 3))
        self.members[place] = replace(self.members[place], **known)  # type: ignore[arg-type]

    def _another(self, who: _Human) -> _Human:
        return replace(who, phone=self.phone(who.hong_kong), handle=f"{who.handle[::-1]}{self.random.randrange(100)}")

    def _otherwise(self, who: _Human, person: int) -> None:
        """The name in another script, order, form; birthday the same."""
        surname, given = who.letters(pinyin=self.random.random() < 0.3)
        first, then = self.random.choice(
            (
                (who.han, f"{surname} {' '.join(given)}"),
                (f"{surname.upper()} {' '.join(given)}", f"{' '.join(given)} {surname}"),
                (who.han, _to_simplified.convert(who.han)),
                (f"{who.first} {surname}", f"{_NICK.get(who.first, who.first)} {surname}"),
                (f"{surname} {' '.join(given)}", f"{who.first} {' '.join(given)} {surname}"),
            )
        )
        self._base(person, name=first, birthday=who.born.isoformat())
        self.account(self._another(who), then, person=person, birthday=who.born.isoformat())

    def _slip(self, who: _Human, person: int) -> None:
        """One wrong digit in the phone, or two letters of the name swapped; the same birthday or address."""
        if self.random.random() < 0.5:
            self._base(person, phones=(who.phone,))
            at = self.random.randrange(6, len(who.phone))
            wrong = f"{who.phone[:at]}{(int(who.phone[at]) + 3) % 10}{who.phone[at + 1 :]}"
            self.account(
                replace(self._another(who), phone=wrong), self.members[-1].name, person=person, phones=(wrong,)
            )
            return
        surname, given = who.letters()
        name = f"{surname} {' '.join(given)}"
        at = self.random.randrange(1, len(surname) + 1)
        slipped = f"{name[: at - 1]}{name[at]}{name[at - 1]}{name[at + 1 :]}" if at < len(surname) else f"{name}n"
        self._base(
            person,
            name=name,
            birthday=who.born.isoformat(),
            addresses=(self.place(who)[0],),
            areas=(self.place(who)[1],),
        )
        self.account(
            self._another(who),
            slipped,
            person=person,
            birthday=who.born.isoformat(),
            addresses=(self.place(who, letters=True)[0],),
        )

    def _moved(self, who: _Human, person: int) -> None:
        """Another house and another phone; name and birthday stay."""
        elsewhere = replace(
            self._another(who), house=(self.random.randrange(1, 700), 3, "C"), street=self.random.choice(_HK)
        )
        self._base(person, birthday=who.born.isoformat())
        self.account(elsewhere, self.members[-1].name, person=person, birthday=who.born.isoformat())

    def _through_order(self, who: _Human, person: int) -> None:
        """An order of the second account bears the phone of the first."""
        self._base(person, phones=(who.phone,))
        name = who.han if who.han != self.members[-1].name else f"{who.letters()[0]} {' '.join(who.letters()[1])}"
        if who.first in self.members[-1].name and who.letters()[1][0] not in self.members[-1].name:
            name = f"{who.first} {who.letters()[0]}"
        self.account(self._another(who), name, person=person, reach=(who.phone,))

    def _mail(self, who: _Human, person: int) -> None:
        """The same name before the @, elsewhere."""
        self._base(person, emails=(f"{who.handle}@gmail.com",))
        other = self.random.choice((f"{who.handle}@yahoo.com.hk", f"{who.handle[:3]}.{who.handle[3:]}+shop@gmail.com"))
        self.account(self._another(who), self.members[-1].name, person=person, emails=(other,))

    def look_alike(self, who: _Human, person: int) -> None:
        """Somebody else, who shares much."""
        self.random.choice((self._spouse, self._twin, self._child, self._namesake, self._colleague))(who, person)

    def _family(self, who: _Human, *, surname: bool) -> _Human:
        other = self.human()
        while {each for each, _ in other.given} & {each for each, _ in who.given} or other.first == who.first:
            other = self.human()
        mine = {"surname": who.surname} if surname else {}
        return replace(other, hong_kong=who.hong_kong, street=who.street, house=who.house, **mine)  # type: ignore[arg-type]

    def _together(self, who: _Human, person: int) -> dict[str, object]:
        """One address, and orders that bear the one phone."""
        self._base(person, phones=(who.phone,), addresses=(self.place(who)[0],), areas=(self.place(who)[1],))
        return {"addresses": (self.place(who)[0],), "areas": (self.place(who)[1],), "reach": (who.phone,)}

    def _spouse(self, who: _Human, person: int) -> None:
        other = self._family(who, surname=False)
        self.account(other, self.write(other), **self._together(who, person))

    def _twin(self, who: _Human, person: int) -> None:
        other = replace(self._family(who, surname=True), born=who.born)
        both = self._together(who, person)
        self._base(person, name=who.han, birthday=who.born.isoformat())
        self.account(other, other.han, birthday=who.born.isoformat(), **both)

    def _child(self, who: _Human, person: int) -> None:
        other = self._family(who, surname=True)
        both = self._together(who, person)
        self._base(person, name=who.han)
        self.account(other, other.han, **both)

    def _namesake(self, who: _Human, person: int) -> None:
        other = replace(self.human(), surname=who.surname, given=who.given)
        self._base(person, name=who.han)
        self.account(other, other.han)

    def _colleague(self, who: _Human, person: int) -> None:
        other = self._family(who, surname=False)
        self._base(person, addresses=(self.place(who)[0],), areas=(self.place(who)[1],))
        self.account(other, self.write(other), addresses=(self.place(who)[0],), areas=(self.place(who)[1],))
