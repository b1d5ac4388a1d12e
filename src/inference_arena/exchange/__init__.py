"""To and from others: archives of records, tables made of them, plans as documents."""

from inference_arena.exchange.archive import Imported, export_archive, import_record
from inference_arena.exchange.markdown import markdown_table
from inference_arena.exchange.plans import ask_document, candidate_document, fit_document
from inference_arena.exchange.report_doubts import with_setup
from inference_arena.exchange.report_tables import report_csv, report_markdown
from inference_arena.exchange.reports import Kept, import_reports, is_report, read_reports
from inference_arena.exchange.score import score_markdown
from inference_arena.exchange.suite_report import suite_document, suite_html, suite_markdown
from inference_arena.exchange.tables import csv_table, json_document
from inference_arena.exchange.views import view_document

__all__ = [
    "Imported",
    "Kept",
    "ask_document",
    "candidate_document",
    "csv_table",
    "export_archive",
    "fit_document",
    "import_record",
    "import_reports",
    "is_report",
    "json_document",
    "markdown_table",
    "read_reports",
    "report_csv",
    "report_markdown",
    "score_markdown",
    "suite_document",
    "suite_html",
    "suite_markdown",
    "view_document",
    "with_setup",
]
