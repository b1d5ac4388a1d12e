"""What is here: the one reader of drivers and operating system. Knows this machine; judges nothing."""

from inference_arena.hardware.devices import TRIED
from inference_arena.hardware.holders import Holder, holders
from inference_arena.hardware.host import Sources, read_host
from inference_arena.hardware.mounts import read_mounts, windows_mount

__all__ = ["TRIED", "Holder", "Sources", "holders", "read_host", "read_mounts", "windows_mount"]
