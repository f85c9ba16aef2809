"""Sentences about files of members: what is wrong with a file, a row or a cell, and how to mend it (D3). Rows of reasons.py:
reason → (the sentence by itself, the one with its particulars)."""

from __future__ import annotations

_SAVE = "Save it again as “CSV UTF-8” and upload that file."

FILES: dict[str, tuple[str, str]] = {
    "no_file": ("Choose the CSV file that holds the members.", ""),
    "file_too_large": (
        "This file is too large. Split it into several files.",
        "This file is larger than %(largest)s MB. Split it into several files.",
    ),
    "empty_file": ("This file is empty. Choose the file that holds the members.", ""),
    "spreadsheet_file": (
        f"This is a spreadsheet and not a CSV file, whatever its name ends with. Open it in your spreadsheet. {_SAVE}",
        "",
    ),
    "packed_file": ("This is a packed file. Unpack it and upload the CSV file inside.", ""),
    "not_a_csv": ("This is not a CSV file. Choose the file that holds the members.", ""),
    "zero_bytes": (
        f"This file holds zero bytes, which no text has: it is damaged or no text at all. {_SAVE}",
        f"This file holds zero bytes, first in row %(row)s: it is damaged or no text at all. {_SAVE}",
    ),
    "not_decodable": (
        "The file cannot be read in this encoding. Choose another one.",
        "The file cannot be read as %(encoding)s: row %(row)s is the first that fails. Choose another encoding.",
    ),
    "broken_quotes": (
        "A quotation mark is not closed, or has text behind it. Put a cell with commas in one pair of quotation marks.",
        "From row %(row)s on, a quotation mark is not closed, or has text behind it. Put a cell with commas in one pair of"
        " quotation marks, and write a quotation mark inside of it twice.",
    ),
    "cell_too_large": (
        "A cell is far too long. Usually a quotation mark is not closed.",
        "Row %(row)s has a cell that is far too long. Usually a quotation mark is not closed there.",
    ),
    "too_many_rows": (
        "The file has too many rows. Split it into several files.",
        "The file has more than %(largest)s members. Split it into several files of at most %(largest)s rows.",
    ),
    "no_rows": ("The file has its header and no members. Write one member in each row below the header.", ""),
    "semicolon_separated": (
        "Cells are separated by semicolons. Save the file with commas between cells: “CSV UTF-8 (comma delimited)”.",
        "",
    ),
    "tab_separated": (
        "Cells are separated by tabs. Save the file with commas between cells: “CSV UTF-8 (comma delimited)”.",
        "",
    ),
    "header_missing": (
        "The first row must be the header. Copy it from the sample file.",
        "The first row must be the header: %(columns)s. Put it above the first member.",
    ),
    "header_translated": (
        "The header must stay in English, as it is in the sample file. Only the rows below it may be Chinese.",
        "The header must stay in English: %(columns)s. Only the rows below it may be Chinese.",
    ),
    "column_missing": (
        "A column is missing. Copy the header from the sample file.",
        "The column “%(column)s” is missing. Put it back where the sample file has it; its cells may be blank.",
    ),
    "column_extra": (
        "There is a column too many. Delete it.",
        "Column %(place)s, “%(column)s”, is not one of the sample file's. Delete the whole column.",
    ),
    "columns_reordered": (
        "The columns are not in the order of the sample file. Move them back.",
        "The columns are not in their order. It must be: %(columns)s.",
    ),
    "column_misnamed": (
        "A heading is not written as in the sample file.",
        "Column %(place)s is headed “%(found)s”. It must be exactly “%(column)s”.",
    ),
    "import_not_found": ("There is no such import in this store.", ""),
    "import_not_checked": ("This file has not been checked yet. Check it first.", ""),
    "import_confirmed": ("This import was confirmed already. Look at how far it is.", ""),
    "import_expired": ("This file was deleted after seven days. Upload it again.", ""),
    "import_discarded": ("This upload was discarded and its file deleted. Upload the file again.", ""),
    "nothing_to_import": (
        "Not one row of this file can be imported. Mend the file of failed rows and upload that.",
        "",
    ),
    "stale_check": (
        "Somebody has checked this file again in the meantime. Look at the new report before you confirm.",
        "",
    ),
    "upload_unfinished": ("The file has not come in whole. Upload it again.", ""),
    "upload_finished": ("This upload is at its end. Start a new import for another file.", ""),
    "part_too_large": (
        "A piece of a file must hold between 1 byte and 1 MiB.",
        "A piece of a file must hold between 1 and %(largest)s bytes.",
    ),
    "part_missing": (
        "Pieces of a file must come in order.",
        "Pieces of a file must come in order: %(received)s bytes have come in.",
    ),
}

ROWS: dict[str, tuple[str, str]] = {
    "ragged_row": (
        "This row has more or fewer cells than the header. Look for a comma inside a cell, and put that cell in quotation marks.",
        "This row has %(found)s cells and the header %(expected)s. Look for a comma inside a cell, and put that cell in"
        " quotation marks.",
    ),
    "sample_row": ("This is an example of the sample file. Delete the row.", ""),
    "phone_or_email_required": ("Fill in a mobile phone or an e-mail address: a member needs at least one.", ""),
    "already_a_member": (
        "A member has this already. Delete the row: a file only makes new members. To change one, open the member's page.",
        "",
    ),
    "used_before": (
        "This belonged to an account that has ended, and can never be used again. Use another, or delete the row.",
        "",
    ),
    "repeated_in_file": (
        "This is in another row of the file as well. Keep one of them.",
        "This is in row %(rows)s as well. Keep it in one of the rows.",
    ),
    "spreadsheet_number": (
        "A spreadsheet has turned this into a short form of a long number, and digits may be lost. Set the column's format to"
        " Text and type the number again.",
        "A spreadsheet has turned this number into %(found)s, and digits may be lost. Set the column's format to Text and type"
        " the number again.",
    ),
    "leading_zero_lost": (
        "A spreadsheet has dropped the 0 at the beginning. Set the column's format to Text and type the phone with its 0.",
        "A spreadsheet has dropped the 0 at the beginning. If %(meant)s is meant, set the column's format to Text and type it"
        " so.",
    ),
    "formula_cell": (
        "This begins like a formula of a spreadsheet (= + - @). Write it as plain text.",
        "",
    ),
    "lost_character": (
        "A character was lost when the file was saved: there is a ? or � in its place. Type it again and save the file as"
        " “CSV UTF-8”.",
        "",
    ),
    "ambiguous_date": (
        "Day and month cannot be told apart. Write year, month and day, such as 2027-03-31.",
        "Day and month cannot be told apart. Write %(one)s or %(other)s, whichever is meant.",
    ),
    "short_year": (
        "The year is not written out. Write year, month and day, such as 1986-03-31.",
        "The year %(year)s may be of the Republic's calendar or not. Write %(meant)s if it is, or else all four digits of the"
        " year.",
    ),
    "no_such_day": ("There is no such day in the calendar. Check month and day.", ""),
    "spreadsheet_day": (
        "This is a spreadsheet's number for a date. Set the column's format to Text and write it as 2027-03-31.",
        "%(found)s is a spreadsheet's number for a date. Set the column's format to Text and write it as 2027-03-31.",
    ),
    "unknown_language": (
        "Write en for English or zh-Hant for Traditional Chinese, or leave it blank for the store's.",
        "",
    ),
    "tags_above_limit": ("There are too many tags. Keep fewer.", "There are more than %(largest)s tags. Keep fewer."),
    "too_many_address_lines": (
        "The address has too many lines.",
        "The address has more than %(largest)s lines. Put some of them together.",
    ),
    "negative_points": ("Points cannot be below zero. Write 0 or more, or leave it blank.", ""),
    "points_fraction": ("Points are whole numbers. Leave the fraction out.", ""),
    "points_not_a_number": ("This is not a number of points. Write it in digits, such as 120, or leave it blank.", ""),
}

IMPORTS = FILES | ROWS
