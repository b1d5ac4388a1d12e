"""Where records live: files are the truth; the index is made from them."""

from typing import TYPE_CHECKING, Any

from inference_arena.store.files import make_folder, sha256_of, storage, sweep, throw_away, whole_file
from inference_arena.store.find import find_record
from inference_arena.store.home import Home, check_writable, machine_id, open_home
from inference_arena.store.journal import (
    ENGINE_LOG,
    Journal,
    claim,
    discard,
    open_journal,
    orphans,
    read_events,
    read_intent,
    read_samples,
)
from inference_arena.store.live import Follower, is_alive, running
from inference_arena.store.lock import measuring_lock, signed_lock
from inference_arena.store.records import (
    LOG_FILE,
    RECORD_FILE,
    RECORD_FILES,
    checked_id,
    load_record,
    new_folder,
    new_record_id,
    parse_record,
    place_record,
    read_record_json,
    record_ids,
    record_json,
    remove_record,
    save_record,
)
from inference_arena.store.reports import (
    find_report,
    load_report,
    parse_report,
    remove_report,
    report_ids,
    report_json,
    save_report,
)
from inference_arena.store.row import Row
from inference_arena.store.servers import (
    Ending,
    Process,
    Serving,
    checked_name,
    forget_serving,
    keeper_log,
    name_for,
    name_lock,
    open_keeper_log,
    read_serving,
    serving_log,
    servings,
    write_serving,
)
from inference_arena.store.suites import (
    Progressed,
    Refused,
    SuiteReport,
    SuiteRow,
    load_progress,
    progress_path,
    save_progress,
    with_record,
    with_refusal,
)
from inference_arena.store.traces import (
    REQUESTS_FILE,
    SAMPLES_FILE,
    Written,
    iter_samples,
    iter_traces,
    write_jsonl_gz,
)
from inference_arena.store.verify import Verified, verify

if TYPE_CHECKING:
    from inference_arena.store.index import (
        BadRecord,
        Reindexed,
        index_record,
        list_records,
        open_index,
        refresh_index,
        reindex,
        remove_from_index,
    )

__all__ = [
    "ENGINE_LOG",
    "LOG_FILE",
    "RECORD_FILE",
    "RECORD_FILES",
    "REQUESTS_FILE",
    "SAMPLES_FILE",
    "BadRecord",
    "Ending",
    "Follower",
    "Home",
    "Journal",
    "Process",
    "Progressed",
    "Refused",
    "Reindexed",
    "Row",
    "Serving",
    "SuiteReport",
    "SuiteRow",
    "Verified",
    "Written",
    "check_writable",
    "checked_id",
    "checked_name",
    "claim",
    "discard",
    "find_record",
    "find_report",
    "forget_serving",
    "index_record",
    "is_alive",
    "iter_samples",
    "iter_traces",
    "keeper_log",
    "list_records",
    "load_progress",
    "load_record",
    "load_report",
    "machine_id",
    "make_folder",
    "measuring_lock",
    "name_for",
    "name_lock",
    "new_folder",
    "new_record_id",
    "open_home",
    "open_index",
    "open_journal",
    "open_keeper_log",
    "orphans",
    "parse_record",
    "parse_report",
    "place_record",
    "progress_path",
    "read_events",
    "read_intent",
    "read_record_json",
    "read_samples",
    "read_serving",
    "record_ids",
    "record_json",
    "refresh_index",
    "reindex",
    "remove_from_index",
    "remove_record",
    "remove_report",
    "report_ids",
    "report_json",
    "running",
    "save_progress",
    "save_record",
    "save_report",
    "serving_log",
    "servings",
    "sha256_of",
    "signed_lock",
    "storage",
    "sweep",
    "throw_away",
    "verify",
    "whole_file",
    "with_record",
    "with_refusal",
    "write_jsonl_gz",
    "write_serving",
]

_OF_THE_INDEX = (
    "BadRecord",
    "Reindexed",
    "index_record",
    "list_records",
    "open_index",
    "refresh_index",
    "reindex",
    "remove_from_index",
)


def __getattr__(name: str) -> Any:
    """The index brings SQLAlchemy, half a second that only the verbs which list records should pay."""
    if name not in _OF_THE_INDEX:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from inference_arena.store import index  # noqa: PLC0415 - a heavy package

    return getattr(index, name)
