"""To and from others: archives of records, tables made of them, plans as documents."""

from inference_arena.exchange.archive import Imported, export_archive, import_record
from inference_arena.exchange.markdown import markdown_table
from inference_arena.exchange.plans import ask_document, candidate_document, fit_document
from inference_arena.exchange.suite_report import suite_document, suite_html, suite_markdown
from inference_arena.exchange.tables import csv_table, json_document

__all__ = [
    "Imported",
    "ask_document",
    "candidate_document",
    "csv_table",
    "export_archive",
    "fit_document",
    "import_record",
    "json_document",
    "markdown_table",
    "suite_document",
    "suite_html",
    "suite_markdown",
]
