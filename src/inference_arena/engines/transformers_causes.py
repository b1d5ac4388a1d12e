"""Why `transformers serve` does not start, by its own words, and what would work."""

from typing import Final

from inference_arena.engines.causes import Cause
from inference_arena.engines.gpu_causes import MACHINE, MODEL, OUT_OF_MEMORY, OUT_OF_MEMORY_ANYHOW, PACKAGES

ARGUMENTS: Final = (
    Cause(
        cause="unknown-flag",
        stage="arguments",
        words=r"Error: No such option '?(?P<flag>--?[\w-]+)",
        what="this release of transformers does not know {flag}",
        advice="leave {flag} out, or look it up with: transformers serve --help",
        drops="{flag}",
    ),
    Cause(
        cause="bad-flag",
        stage="arguments",
        words=r"Error: Invalid value for '(?P<flag>[^']+)': (?P<problem>.+)",
        what="transformers cannot use what {flag} was given: {problem}",
        advice="correct it; transformers serve --help tells what it takes",
        drops="{flag}",
    ),
    Cause(
        cause="bad-flag",
        stage="arguments",
        words=r"ValueError: (?P<problem>Unsupported (?:dtype|quantization method|attention implementation): '[^']+'\.)",
        what="transformers cannot use what a flag was given: {problem}",
        advice="correct it; transformers serve --help tells what it takes",
    ),
)
FOLDER: Final = (
    Cause(
        cause="architecture-unknown",
        words=r"module transformers has no attribute (?P<name>\w+)",
        what="this release does not know the architecture {name}",
        advice="use a newer release of transformers, or another model",
    ),
    Cause(
        cause="architecture-unknown",
        words=r"has model type `(?P<name>[^`]+)` but Transformers does not recognize",
        what="this release does not know the model type {name}",
        advice="use a newer release of transformers, or another model",
    ),
    Cause(
        cause="tokenizer-missing",
        words=r"Unrecognized processing class in \S+ Can't instantiate a processor, a tokenizer",
        what="the model's folder holds no tokenizer",
        advice="fetch the folder again with tokenizer.json and tokenizer_config.json",
    ),
    Cause(
        cause="weights-missing",
        words=r"Error no file named (?P<files>.+?),? found in directory",
        what="the model's folder holds no weights: no {files}",
        advice="fetch the folder again, whole; transformers has no --weights dummy",
    ),
    Cause(
        cause="kv-cache-too-small",
        words=r"No requests can be scheduled and no requests can be offloaded",
        what="a request needs more of the KV cache than there is, and transformers gave up on all of them",
        advice="a larger --cb-num-blocks (times --cb-block-size: tokens), or shorter prompts and answers",
    ),
    Cause(
        cause="port-taken",
        words=r"error while attempting to bind on address \('[^']+', (?P<port>\d+)\): address already in use",
        what="the port {port} is taken by another program",
        advice="choose another --port, or end the program that has it",
    ),
)
CAUSES: Final[tuple[Cause, ...]] = (
    *(*ARGUMENTS, *FOLDER),
    *(*OUT_OF_MEMORY, *OUT_OF_MEMORY_ANYHOW),
    *(*MODEL, *MACHINE, *PACKAGES),
)
