"""Members from CSV files through the API (D)."""

from __future__ import annotations

import csv
import io
from typing import Any

import httpx

from gateway.api.import_models import Import, ImportList, ImportRowList, Preview
from tests.component.gateway.conftest import Json, Store, key, problem
from tests.support.until import until

HEADER = "Name,Phone,Email,Birthday,Language,Tags,Address,Member Points,Points Expiry,Note"
MIB = 1024 * 1024


def upload(store: Store, content: bytes | str, *, once: str = "", language: str = "en", **query: str) -> httpx.Response:
    data = content.encode() if isinstance(content, str) else content
    headers = {"Idempotency-Key": once or key(), "Content-Type": "text/csv", "Accept-Language": language}
    return store.http.post("/imports", content=data, headers=headers, params=query)


def row_of(person: Json, **more: str) -> str:
    cells = {"Name": person["name"], "Phone": person["phone"], "Email": person["email"]} | more
    return ",".join(cells.get(column, "") for column in HEADER.split(","))


def done(store: Store, found: Any) -> Import:
    def over() -> Import | None:
        now = Import.model_validate(store.get(f"/imports/{found['import_id']}").json())
        return now if now.finished_at else None

    return until(over, "the import ends")


def test_a_file_is_uploaded_checked_confirmed_and_its_members_are_there(store: Store) -> None:
    """A6, D4: the same key gives the same import, also when the answer was lost."""
    people, once = [store.person(name) for name in ("歐陽峯", "衞啲")], key()
    content = "\r\n".join((HEADER, *(row_of(person, **{"Member Points": "30"}) for person in people)))
    made = upload(store, content.encode("big5-hkscs"), once=once, file_name="people.csv")
    assert made.status_code == 201, made.text
    assert upload(store, content.encode("big5-hkscs"), once=once, file_name="people.csv").json() == made.json()
    found = Import.model_validate(made.json())
    assert (found.state, found.recognised_encoding, found.rows.ready, found.points_total) == (
        "checked",
        "big5-hkscs",
        2,
        60,
    )
    shown = Preview.model_validate(store.get(f"/imports/{found.import_id}/preview").json())
    assert [line[0] for line in shown.lines] == ["Name", "歐陽峯", "衞啲"]
    path = f"/imports/{found.import_id}/confirm"
    assert problem(store.post(path, {"check_number": 7}))[:2] == (409, "stale_check")
    body = {"check_number": found.check_number, "send_confirmations": False}
    confirmed = store.post(path, body)
    assert confirmed.status_code == 202, confirmed.text
    end = done(store, made.json())
    assert (end.state, end.rows.imported, end.rows.failed) == ("completed", 2, 0)
    rows = ImportRowList.model_validate(store.get(f"/imports/{found.import_id}/rows").json())
    for row, person in zip(rows.items, people, strict=True):
        customer = store.get(f"/customers/{row.customer_id}").json()
        assert (customer["name"], customer["phone"], customer["points_balance"]) == (
            person["name"],
            person["phone"],
            30,
        )
    listed = ImportList.model_validate(store.get("/imports").json())
    assert found.import_id in [each.import_id for each in listed.items]
    assert problem(store.post(path, body))[:2] == (409, "import_confirmed")


def test_failed_rows_come_back_as_a_file_that_is_inert_and_uploads_after_mending(store: Store) -> None:
    """D3, D4, C11, fault 17: in the reader's language."""
    good, bad, worse = store.person(), store.person("=cmd|' /C calc'!A0"), store.person("李小明")
    content = "\r\n".join((HEADER, row_of(good), row_of(bad, Note="-later"), row_of(worse, Phone="9.4512053E+07")))
    made = upload(store, content).json()
    assert (made["rows"]["ready"], made["rows"]["refused"]) == (1, 2)
    path = f"/imports/{made['import_id']}/failed-rows.csv"
    chinese = store.http.get(path, headers={"Accept-Language": "zh-Hant"})
    assert chinese.content.startswith(b"\xef\xbb\xbf")
    header, first, second = csv.reader(io.StringIO(chinese.content.decode("utf-8-sig")))
    assert header == [*HEADER.split(","), "Problem"]
    assert not any(cell[:1] in {"=", "+", "-", "@"} for cell in (*first, *second))
    assert "試算表" in second[-1]
    first[0], second[1] = "陳小明", store.person()["phone"]
    mended = io.StringIO()
    csv.writer(mended).writerows((header, first, second))
    again = upload(store, mended.getvalue()).json()
    assert (again["rows"]["ready"], again["rows"]["refused"]) == (2, 0), store.get(
        f"/imports/{again['import_id']}/rows"
    ).text
    store.post(f"/imports/{again['import_id']}/confirm", {"check_number": 1, "send_confirmations": False})
    assert done(store, again).rows.imported == 2


def test_a_form_may_bring_the_file_too(store: Store) -> None:
    content = f"{HEADER}\r\n{row_of(store.person())}"
    files = {"file": ("people.csv", content.encode(), "text/csv")}
    made = store.http.post("/imports", files=files, headers={"Idempotency-Key": key()})
    assert (made.status_code, made.json()["file_name"]) == (201, "people.csv")
    nothing = store.http.post("/imports", files={"other": ("x.csv", b"x")}, headers={"Idempotency-Key": key()})
    assert problem(nothing)[2] == {("file", "no_file")}


def test_a_file_name_has_its_limit_and_so_has_an_address(store: Store) -> None:
    """D4, H4: at the limit, one above, far above, and beyond what the server reads; all as the document says."""
    content = f"{HEADER}\r\n{row_of(store.person())}"
    assert upload(store, content, file_name="峯" * 200).json()["file_name"] == "峯" * 200
    for length in (201, 850):
        assert problem(upload(store, content, file_name="峯" * length))[::2] == (422, {("file_name", "too_long")})
    beyond = upload(store, content, file_name="峯" * 1_000)
    documented = store.get("/openapi.json").json()["paths"]["/api/v1/imports"]["post"]["responses"]
    assert (beyond.status_code, documented["414"].get("content")) == (414, None)
    files = {"file": ("m" * 250 + ".csv", content.encode(), "text/csv")}
    cut = store.http.post("/imports", files=files, headers={"Idempotency-Key": key()})
    assert (cut.status_code, cut.json()["file_name"]) == (201, "m" * 200)


def test_what_is_wrong_with_a_whole_file_is_said_in_both_languages(store: Store) -> None:
    """D3: row and column are in the sentence."""
    content = HEADER.replace("Email", "E-mail") + "\r\n" + row_of(store.person())
    refused = upload(store, content, language="zh-Hant")
    assert problem(refused)[2] == {("file", "column_misnamed")}
    assert "第 3 欄" in refused.json()["errors"][0]["detail"]
    assert "Column 3" in upload(store, content).json()["errors"][0]["detail"]
    wrong = upload(store, f"{HEADER}\r\n{row_of(store.person('峯'))}".encode("big5-hkscs"), encoding="utf-8")
    assert problem(wrong)[2] == {("file", "not_decodable")}


def test_a_file_has_its_limit_and_other_requests_theirs(store: Store) -> None:
    """D1: one byte above 15 MiB, and far above; nothing else may be as large."""
    above = upload(store, (HEADER + "\r\n").encode() + b"x" * (15 * MIB - len(HEADER) - 1))
    assert problem(above)[2] == {("file", "file_too_large")}
    far_above = upload(store, b"x" * (17 * MIB))
    assert problem(far_above)[:2] == (413, "file_too_large")
    other = store.http.post(
        "/orders",
        content=b"{" + b" " * (2 * MIB),
        headers={"Idempotency-Key": key(), "Content-Type": "application/json"},
    )
    assert problem(other)[:2] == (413, "request_too_large")


def test_a_key_without_the_permission_imports_nobody(store: Store) -> None:
    """H4."""
    secret = store.post("/api-keys", {"name": "till", "scopes": ["members:write"]}).json()["secret"]
    with store.client(secret) as http:
        headers = {"Idempotency-Key": key(), "Content-Type": "text/csv"}
        assert problem(http.post("/imports", content=b"x", headers=headers))[:2] == (403, "permission_denied")
        assert problem(http.get("/imports"))[:2] == (403, "permission_denied")


def test_the_sample_file_is_of_the_stores_region(store: Store) -> None:
    """D1, D2: and is refused as it is."""
    sample = store.get("/imports/sample.csv")
    assert sample.headers["Content-Disposition"] == 'attachment; filename="members-sample.csv"'
    assert sample.content.decode("utf-8-sig").splitlines()[0] == HEADER
    assert upload(store, sample.content).json()["rows"]["refused"] == 2


def test_an_upload_is_discarded_until_it_is_confirmed(store: Store) -> None:
    """D4, E7."""
    content = "\r\n".join((HEADER, row_of(store.person())))
    made, once = upload(store, content).json(), key()
    path = f"/imports/{made['import_id']}"
    gone = store.http.delete(path, headers={"Idempotency-Key": once})
    assert gone.json() == made | {"state": "discarded"}
    for again in (once, key()):
        assert store.http.delete(path, headers={"Idempotency-Key": again}).json() == gone.json()
    assert store.get(path).json() == gone.json()
    assert store.get(f"{path}/rows").json()["items"] == []
    for late in (store.post(f"{path}/confirm", {"check_number": 1}), store.get(f"{path}/preview")):
        assert problem(late)[:2] == (409, "import_discarded")
    other = upload(store, content).json()
    path = f"/imports/{other['import_id']}"
    assert store.post(f"{path}/confirm", {"check_number": 1, "send_confirmations": False}).status_code == 202
    assert problem(store.http.delete(path, headers={"Idempotency-Key": key()}))[:2] == (409, "import_confirmed")
    done(store, other)
