"""Made-up customers in any number, the same at every run: what `make members` puts into a store.

Names of Hong Kong and Taiwan in Chinese and in Latin letters, as common as they are in life as far as a search can tell:
a few surnames make up most of a store, and some characters hardly anybody has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random

# Chinese/Cantonese/Mandarin; the commonest first.
_SURNAMES = """陳/Chan/Chen, 黃/Wong/Huang, 李/Lee/Li, 林/Lam/Lin, 張/Cheung/Chang, 梁/Leung/Liang, 吳/Ng/Wu, 劉/Lau/Liu, 王/Wong/Wang,
何/Ho/Ho, 鄭/Cheng/Cheng, 周/Chow/Chou, 葉/Yip/Yeh, 曾/Tsang/Tseng, 蔡/Choi/Tsai, 許/Hui/Hsu, 鄧/Tang/Teng, 楊/Yeung/Yang, 馮/Fung/Feng,
徐/Tsui/Hsu, 蘇/So/Su, 余/Yu/Yu, 謝/Tse/Hsieh, 郭/Kwok/Kuo, 羅/Lo/Lo, 朱/Chu/Chu, 潘/Poon/Pan, 馬/Ma/Ma, 胡/Wu/Hu, 趙/Chiu/Chao,
歐陽/Au Yeung/Ouyang, 司徒/Szeto/Szuto, 邱/Yau/Chiu, 麥/Mak/Mai, 盧/Lo/Lu, 關/Kwan/Kuan, 冼/Sin/Hsien, 伍/Ng/Wu, 尹/Wan/Yin,
龍/Lung/Lung, 卓/Cheuk/Cho, 簡/Kan/Chien, 霍/Fok/Huo, 翁/Yung/Weng, 衞/Wai/Wei"""
_GIVEN = """大/Tai 文/Man 明/Ming 小/Siu 家/Ka 豪/Ho 志/Chi 強/Keung 偉/Wai 國/Kwok 華/Wah 俊/Chun 傑/Kit 美/Mei 玲/Ling 嘉/Ka 欣/Yan
詠/Wing 詩/Sze 雅/Nga 婷/Ting 麗/Lai 珊/Shan 慧/Wai 敏/Man 芳/Fong 燕/Yin 秀/Sau 英/Ying 子/Tsz 軒/Hin 浩/Ho 然/Yin 梓/Tsz 晴/Ching
樂/Lok 怡/Yi 心/Sum 穎/Wing 彤/Tung 宏/Wang 耀/Yiu 輝/Fai 榮/Wing 光/Kwong 建/Kin 平/Ping 德/Tak 福/Fuk 祥/Cheung 永/Wing 健/Kin
康/Hong 安/On 琪/Ki 雯/Man 霞/Ha 蓮/Lin 鳳/Fung 珠/Chu 寶/Bo 玉/Yuk 銀/Ngan 雪/Suet 雲/Wan 天/Tin 佑/Yau 恩/Yan 翠/Chui 碧/Bik
倩/Sin 曉/Hiu 峯/Fung 堃/Kwan 喆/Chit"""
_FIRST = (
    "Peter Mary John Alice Kelvin Winnie Jason Karen Eric Carmen Ivan Joyce Tony Grace Vincent Queenie Max Xavier Zoe"
)
_surnames = [entry.strip().split("/") for entry in _SURNAMES.split(",")]
_given = [entry.split("/") for entry in _GIVEN.split()]
_first = _FIRST.split()
_DOMAINS = ("gmail.com", "yahoo.com.hk", "hotmail.com", "outlook.com", "icloud.com", "mail.example", "netvigator.com")
_TAGS = (
    ("vip", 0.02),
    ("newsletter", 0.3),
    ("生日禮", 0.08),
    ("wholesale", 0.004),
    ("試飲", 0.0003),
    ("staff", 0.00005),
)
_FIRST_DAY = datetime(2023, 11, 1, tzinfo=UTC)
# Beginnings after which every further six digits make a valid mobile of Hong Kong.
_HK_BEGINNINGS = ("61", "63", "64", "65", "69", "94", "96", "97")


@dataclass(frozen=True, slots=True)
class Purchase:
    """One paid order; the amount in minor units."""

    placed_at: datetime
    amount: int


@dataclass(frozen=True, slots=True)
class Person:
    """A customer as made up. `phone` is E.164; phone or e-mail may be empty, not both. `since` is when it became what it is."""

    member: bool
    name: str
    phone: str
    email: str
    birthday: date | None
    since: datetime
    tags: Sequence[str]
    purchases: Sequence[Purchase]


def person(number: int, of: int, until: datetime) -> Person:
    """The customer of this number among `of`; the higher the number, the later it came, the last shortly before `until`."""
    random = Random(number)  # noqa: S311 - made up, and the same each time
    chinese, latin = _names(random)
    since = _FIRST_DAY + (until - _FIRST_DAY) * ((number + random.random()) / of)
    handle = latin.lower().replace(" ", random.choice((".", "", "_")))
    # The number makes it unique.
    email = f"{handle}{number}@{random.choice(_DOMAINS)}" if random.random() < 0.8 else ""
    style, member = random.random(), random.random() < 0.96
    return Person(
        member=member,
        name=chinese if style < 0.6 else latin if style < 0.9 else f"{chinese} {random.choice(_first)}",
        phone=_phone(number, random) if not email or random.random() < 0.9 else "",
        email=email,
        birthday=date(1950, 1, 1) + timedelta(days=random.randrange(20_000)) if random.random() < 0.6 else None,
        since=since,
        tags=sorted(tag for tag, share in _TAGS if random.random() < share),
        # A guest is known by an order and by nothing else.
        purchases=_purchases(random, since, until, fewest=0 if member else 1),
    )


def _names(random: Random) -> tuple[str, str]:
    surname, given = name_parts(random)
    chinese = surname[0] + "".join(character for character, _ in given)
    latin = f"{surname[random.choice((1, 2))]} {' '.join(sound for _, sound in given)}"
    return chinese, f"{random.choice(_first)} {latin}" if random.random() < 0.4 else latin


def name_parts(random: Random) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    """A surname as (Chinese, Cantonese, Mandarin), and the characters of a given name as (Chinese, Cantonese)."""
    surname = _surnames[min(int(random.expovariate(0.11)), len(_surnames) - 1)]
    given = [
        _given[min(int(random.expovariate(0.045)), len(_given) - 1)] for _ in range(1 if random.random() < 0.15 else 2)
    ]
    return surname, given


def _phone(number: int, random: Random) -> str:
    """Unique by construction: the number, spread over the digits by a multiplication that makes no two the same."""
    if random.random() < 0.8:
        spread = number * 7_368_787 % (len(_HK_BEGINNINGS) * 1_000_000)
        return f"+852{_HK_BEGINNINGS[spread // 1_000_000]}{spread % 1_000_000:06d}"
    return f"+8869{number * 7_368_787 % 100_000_000:08d}"


def _purchases(random: Random, since: datetime, until: datetime, fewest: int) -> list[Purchase]:
    count = max(fewest, min(int(random.expovariate(0.9)), 6))
    moments = sorted(since + (until - since) * random.random() ** 2 for _ in range(count))
    return [Purchase(moment, 100 * max(10, int(random.lognormvariate(5.6, 1.0)))) for moment in moments]
