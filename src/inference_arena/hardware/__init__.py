"""What is here: the one reader of drivers and operating system. Knows this machine; judges nothing."""

from inference_arena.hardware.host import Sources, read_host

__all__ = ["Sources", "read_host"]
