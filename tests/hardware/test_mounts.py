"""Which paths lie on a drive of Windows. Lines in the shape of /proc/mounts under WSL 1 and 2."""

import pytest

from inference_arena.hardware import read_mounts, windows_mount

WSL = r"""/dev/sdc / ext4 rw,relatime,discard,errors=remount-ro,data=ordered 0 0
drivers /usr/lib/wsl/drivers 9p ro,nosuid,nodev,noatime,aname=drivers;fmask=222;dmask=222,trans=fd 0 0
C:\134 /mnt/c 9p rw,noatime,aname=drvfs;path=C:\;uid=1000;gid=1000;symlinkroot=/mnt/,cache=5,trans=fd 0 0
D: /mnt/d drvfs rw,noatime,uid=1000,gid=1000 0 0
E:\134 /mnt/my\040drive 9p rw,dirsync,aname=drvfs;path=E:\;uid=1000,cache=5 0 0
drvfsF0 /mnt/f virtiofs rw,relatime 0 0
/dev/sdd /mnt/c/linux ext4 rw,relatime 0 0
share /mnt/share 9p rw,relatime,trans=virtio 0 0
other /mnt/other virtiofs rw,relatime 0 0
"""


@pytest.mark.parametrize(
    ("path", "mount"),
    [
        ("/mnt/c/Users/x/models", "/mnt/c"),
        ("/mnt/c", "/mnt/c"),
        ("/mnt/d/model.gguf", "/mnt/d"),
        ("/mnt/my drive/model.gguf", "/mnt/my drive"),
        ("/mnt/f/models", "/mnt/f"),
        ("/mnt/c/linux/models", None),
        ("/mnt/cc/models", None),
        ("/mnt/share/models", None),
        ("/mnt/other/models", None),
        ("/usr/lib/wsl/drivers/x", None),
        ("/home/x/models", None),
    ],
)
def test_the_innermost_mount_decides(path: str, mount: str | None) -> None:
    assert windows_mount(path, WSL) == mount


def test_of_two_mounts_on_one_point_the_later_hides_the_earlier() -> None:
    assert windows_mount("/mnt/c/x", WSL + "/dev/sde /mnt/c ext4 rw 0 0\n") is None


def test_rubbish_is_no_drive_of_windows() -> None:
    assert windows_mount("/mnt/c", "a b\n\n/ / 9p\n") is None


def test_a_linux_machine_has_no_drive_of_windows() -> None:
    mounts = read_mounts()

    assert windows_mount("/", mounts) is None
