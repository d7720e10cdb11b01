"""Why a form or a file cannot be taken, and why a child process gave nothing back."""

from __future__ import annotations

from core.reason import Reasons

reason = Reasons(
    {
        "": {
            "form.too-large": "The form is too large.",
            "form.wrong-form": "The form is not in the form that a browser sends.",
            "form.unreadable": "The form cannot be read.",
            "mail.in-clear": "The mail server offers no encryption, so the password was not sent.",
            "mail.later": "The mail server says: not now ({code} {words})",
            "mail.no-answer": "The mail server does not answer ({error}).",
            "mail.refused": "The mail server refused it ({code} {words})",
            "mail.refuses-us": "The mail server does not accept us ({code} {words})",
            "mail.unwritable": "It cannot be written as a mail ({error}).",
            "restore.held": "restored from a backup: it may have gone out before",
            "child.busy": "The machine is busy: {seconds} s were not enough.",
            "child.processor": "It took more than {seconds} s of the processor.",
            "child.ended": "It ended with {code}.",
            "child.silent": "It said nothing that can be read.",
            "sheet.too-large": "The file is too large, or takes too much to unpack.",
            "sheet.old": "This is a file of an old Excel (xls). Save it as xlsx or CSV.",
            "sheet.ods": "This is a file of LibreOffice (ods). Save it as xlsx or CSV.",
            "sheet.locked": (
                "The file is locked with a password. Save it without one, and choose it again."
            ),
            "sheet.unreadable": "The file cannot be read. Save it as xlsx or CSV.",
            "sheet.too-many-rows": "The file has more than {most} rows. Divide it.",
            "sheet.formulas": (
                "{n} cells have a formula without its value, such as {cell}. Open the file in "
                "Excel, save it, and choose it again."
            ),
        }
    }
)
