"""Why engines on torch and CUDA do not start, whichever engine it is: memory, driver, libraries, the model hub.

Rows that say `reproduced=False` were never seen here: their words are from public reports or from the engine's source,
and their advice is untested. tests/golden/reported names each report.
"""

from typing import Final

from inference_arena.engines.causes import Cause

_FULL: Final = (
    r"CUDA out of memory\. Tried to allocate (?P<asked>[\d.]+ [KMGT]iB)\. GPU \S+ has a total capacity of "
    r"(?P<total>[\d.]+ [KMGT]iB) of which (?P<free>[\d.]+ [KMGT]iB) is free"
)

OUT_OF_MEMORY: Final[tuple[Cause, ...]] = (
    Cause(
        cause="out-of-memory",
        words=_FULL + r"\. Process (?P<process>\d+) has (?P<held>[\d.]+ [KMGT]iB) memory in use\. Including",
        what="the card is full: {asked} more were wanted, {free} of {total} are free, and process {process} has {held}",
        advice="end process {process}, which is another program (arena hardware shows who holds the card's memory), or "
        "use a smaller quantization or another card",
    ),
    Cause(
        cause="out-of-memory",
        at="weights",
        words=_FULL,
        what="the weights do not fit on the card: {asked} more were wanted, {free} of {total} are free",
        advice="use a smaller quantization or model, or spread it over more cards: --tensor-parallel-size 2",
        reproduced=False,
    ),
)
OUT_OF_MEMORY_ANYHOW: Final[tuple[Cause, ...]] = (
    Cause(
        cause="out-of-memory",
        words=_FULL,
        what="the card is full: {asked} more were wanted, {free} of {total} are free",
        advice="use a smaller quantization, a shorter context, or fewer requests at once",
        reproduced=False,
    ),
    Cause(
        cause="out-of-memory",
        words=r"CUDA out of memory|OutOfMemoryError|CUDA error: out of memory|HIP out of memory",
        what="the card is full",
        advice="end other programs on the card (arena hardware shows them), or use a smaller quantization",
        reproduced=False,
    ),
)

QUANTIZATION: Final[tuple[Cause, ...]] = (
    Cause(
        cause="quantization-unsupported",
        words=r"quantization method (?P<method>\S+) is not supported for the current GPU\. Minimum capability: "
        r"(?P<needs>\d+)\. Current capability: (?P<has>\d+)",
        what="the quantization {method} needs compute capability {needs} (without its point), and this card has {has}",
        advice="use a checkpoint in another format: arena fit tells what this card computes",
        reproduced=False,
    ),
    Cause(
        cause="quantization-unsupported",
        words=r"Quantization scheme is not supported for\W+the current GPU\. Min capability: (?P<needs>\d+)\W+"
        r"Current capability: (?P<has>\d+)",
        what="how this checkpoint is quantized needs compute capability {needs} (without its point), and this card has "
        "{has}",
        advice="use a checkpoint in another format: arena fit tells what this card computes",
        reproduced=False,
    ),
    Cause(
        cause="dtype-unsupported",
        words=r"torch\.(?P<has>\w+) is not supported for quantization method (?P<method>\S+?)\. Supported dtypes: "
        r"\[torch\.float16",
        what="the quantization {method} cannot compute in {has}",
        advice="--dtype half",
        flags="--dtype half",
        reproduced=False,
    ),
)

MACHINE: Final[tuple[Cause, ...]] = (
    Cause(
        cause="driver-too-old",
        words=r"unsatisfied condition: cuda>=(?P<cuda>[\d.]+\d)",
        what="the image wants CUDA {cuda}, and this machine's driver offers less",
        advice="install a newer driver, or take an image of an older release: arena fit says which this driver runs",
        reproduced=False,
    ),
    Cause(
        cause="driver-too-old",
        words=r"NVIDIA driver on your system is too old \(found version (?P<major>\d+?)0(?P<minor>\d)0\)",
        what="the driver offers CUDA {major}.{minor}, and this build of torch wants a newer one",
        advice="install a newer driver, or a release built for CUDA {major}: arena fit says which this driver runs",
        reproduced=False,
    ),
    Cause(
        cause="driver-too-old",
        words=r"CUDA driver version is insufficient for CUDA runtime version",
        what="the driver is older than the CUDA that the engine was built with",
        advice="install a newer driver, or an older release: arena fit says which this driver runs",
        reproduced=False,
    ),
    Cause(
        cause="no-kernel-image",
        words=r"no kernel image is available for execution on the device",
        what="this build holds no code for this card's generation",
        advice="use a release that is built for the card: arena fit says which; very old cards are left to llama.cpp",
        reproduced=False,
    ),
    Cause(
        cause="library-too-old",
        words=r"version `(?P<library>GLIBC(?:XX)?_[\d.]+)' not found",
        what="the engine's programs want {library}, and this system's C library is older",
        advice="use the engine's container image, or a newer system",
        reproduced=False,
    ),
    Cause(
        cause="no-gpu",
        words=r"No CUDA GPUs are available|Failed to infer device type|Found no NVIDIA driver"
        r"|could not select device driver .*gpu",
        what="the engine finds no card",
        advice="see what arena hardware finds; in a container: --gpus all and the NVIDIA container toolkit",
        reproduced=False,
    ),
    Cause(
        cause="communication-failed",
        words=r"NCCL error[^:]*: (?P<error>[^,(]*[^,( ])",
        what="the cards could not talk to each other: {error}",
        advice="run it on one card; NCCL_DEBUG=INFO tells more; a container wants --ipc=host or --shm-size 16g",
        reproduced=False,
    ),
    Cause(
        cause="port-taken",
        words=r"Address already in use|EADDRINUSE|Could not bind port \d+|port at \d+ is not available in",
        what="the port is taken by another program",
        advice="choose another --port, or end the program that has it",
    ),
)

MODEL: Final[tuple[Cause, ...]] = (
    Cause(
        cause="architecture-unknown",
        words=r"Model architectures \['(?P<name>[^']+)'[^\]]*\] (?:are|is) not supported",
        what="this release does not know the architecture {name}",
        advice="use a newer release of the engine, or another model",
    ),
    Cause(
        cause="architecture-unknown",
        words=r"model type `(?P<name>[^`]+)` but Transformers does not recognize",
        what="the transformers package of this release does not know the model type {name}",
        advice="use a newer release of the engine, or another model",
    ),
    Cause(
        cause="model-gated",
        words=r"gated repo for url \S*?(?:\.co|\.com)/(?:api/models/)?(?P<model>[^/\s]+/[^/\s]+)",
        what="{model} is given only to people who have agreed to its terms",
        advice="agree on the model's page on the hub, and set HF_TOKEN to a token of that account",
        reproduced=False,
    ),
    Cause(
        cause="model-gated",
        words=r"GatedRepoError|access a gated repo",
        what="the model is given only to people who have agreed to its terms",
        advice="agree on the model's page on the hub, and set HF_TOKEN to a token of that account",
        reproduced=False,
    ),
    Cause(
        cause="model-offline",
        words=r"outgoing traffic has been disabled|We couldn't connect to 'https?://huggingface\.co",
        what="the model is not on this machine, and the hub cannot be asked",
        advice="fetch it first where there is a network, or unset HF_HUB_OFFLINE; a folder with the model will do",
    ),
    Cause(
        cause="model-missing",
        words=r"Repo id must be in the form .*?: '(?P<model>[^']+)'",
        what="there is no folder {model}, and it is no name on the hub either",
        advice="correct the path (in a container: the path inside it, with the folder mounted)",
    ),
    Cause(
        cause="model-missing",
        words=r"Invalid repository ID or local directory specified: '(?P<model>[^']+)'"
        r"|(?P<name>\S+) is not a local folder and is not a valid model identifier"
        r"|Repository Not Found for url: \S*?(?:\.co|\.com)/(?:api/models/)?(?P<url>[^/\s]+/[^/\s]+)",
        what="there is no model {model}{name}{url}, neither as a folder nor on the hub",
        advice="correct its name or path; a private model needs HF_TOKEN",
        reproduced=False,
    ),
    Cause(
        cause="tokenizer-missing",
        words=r"Couldn't instantiate the backend tokenizer|Can't load tokenizer for",
        what="the model's folder holds no tokenizer",
        advice="fetch the folder again with tokenizer.json and tokenizer_config.json, or name another with --tokenizer",
    ),
    Cause(
        cause="remote-code",
        words=r"trust_remote_code=True|--trust-remote-code.*to (?:allow|enable)",
        what="the model brings code of its own, which the engine does not run unasked",
        advice="read that code; if you trust it, add --trust-remote-code",
        reproduced=False,
    ),
)
# last: what is not installed is often only missed on the way to the real reason
PACKAGES: Final[tuple[Cause, ...]] = (
    Cause(
        cause="package-missing",
        words=r"Please install (?P<package>[\w-]+)(?P<version>[<>=.\d]*) via",
        what="the model's format wants the package {package}{version}, which is not installed",
        advice="install it beside the engine: pip install '{package}{version}'",
        reproduced=False,
    ),
    Cause(
        cause="package-missing",
        words=r"ModuleNotFoundError: No module named '(?P<package>[^']+)'",
        what="the package {package} is not installed beside the engine",
        advice="install it there, or use the engine's container image",
        reproduced=False,
    ),
)
