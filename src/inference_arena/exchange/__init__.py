"""To and from others: archives of records, and tables made of them."""

from inference_arena.exchange.archive import Imported, export_archive, import_record
from inference_arena.exchange.markdown import markdown_table
from inference_arena.exchange.tables import csv_table, json_document

__all__ = ["Imported", "csv_table", "export_archive", "import_record", "json_document", "markdown_table"]
