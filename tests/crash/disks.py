"""File systems that a test makes, fills up, cuts the power of, and gives back.

All of them are unmounted when the program ends, also by an exception or SIGTERM (which common.main
turns into one); nothing is touched that was not mounted here.
"""
import atexit
import pathlib
import shutil
import subprocess

from server import Failed, kill_all

mounted = []  # mount points of this process, the newest last


def command(*words):
    """Its output; None when it failed."""
    try:
        done = subprocess.run([str(w) for w in words], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None


def unmount(point):
    """Also when a server of this program still runs on it: that one is killed."""
    if point not in mounted:
        return
    kill_all()
    if command("umount", point) is None:
        command("umount", "--lazy", point)
    mounted.remove(point)


def unmount_all():
    for point in reversed(list(mounted)):
        unmount(point)


atexit.register(unmount_all)


def can_loop_mount(directory):
    """Whether this user may mount images here."""
    try:
        PowerDisk(directory, "probe", mkfs=(), options="", megabytes=8).close()
    except Failed:
        return False
    return True


class Tmpfs:
    """A file system in memory, of a size that can be changed."""

    def __init__(self, point, size):
        self.point = pathlib.Path(point)
        self.point.mkdir()
        if command("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", point) is None:
            raise Failed("no tmpfs can be mounted")
        mounted.append(self.point)

    def resize(self, size):
        if command("mount", "-o", f"remount,size={size}", self.point) is None:
            raise Failed("the tmpfs cannot be resized")

    def close(self):
        unmount(self.point)


class PowerDisk:
    """An ext4 file system in an image file, whose power can be cut.

    The image holds what the kernel has written to the device: what was synced, and what it wrote
    back by itself, which the mount options put off. At a cut the image is copied as it is and the
    copy is mounted, as a machine would after the power came back; what was only in memory is gone.
    """

    COPY_ATTEMPTS = 20

    def __init__(self, directory, name, mkfs, options, megabytes=64):
        self.directory, self.name, self.options = pathlib.Path(directory), name, options
        self.point = self.directory / f"{name}-disk"
        self.point.mkdir(exist_ok=True)
        self.generation = 0
        with open(self.image(), "wb") as file:
            file.truncate(megabytes << 20)
        if command("mkfs.ext4", "-q", "-F", *mkfs, self.image()) is None:
            raise Failed("mkfs.ext4 failed or is missing")
        self.mount()

    def image(self):
        return self.directory / f"{self.name}-{self.generation}.img"

    def mount(self):
        options = ",".join(o for o in ["loop", self.options] if o)
        if command("mount", "-t", "ext4", "-o", options, self.image(), self.point) is None:
            raise Failed(f"mounting {self.image()} with {options} failed")
        mounted.append(self.point)

    def writes(self):
        """How many writes the device has taken, and how many are under way."""
        source = (command("findmnt", "-n", "-o", "SOURCE", self.point) or "").strip()
        stat = pathlib.Path("/sys/block", pathlib.Path(source).name, "stat").read_text().split()
        return int(stat[4]), int(stat[8])

    def cut(self):
        """Loses everything that is not on the device. Nobody may have a file open."""
        before = self.image()
        self.generation += 1
        for _ in range(self.COPY_ATTEMPTS):
            writes = self.writes()
            # --sparse=always also makes the copy as small as what is in it.
            if command("cp", "--sparse=always", before, self.image()) is None:
                raise Failed("the image cannot be copied")
            # A write during the copy would make a state that the device never had.
            if writes[1] == 0 and self.writes() == writes:
                break
        else:
            raise Failed("the kernel does not stop writing to the device")
        unmount(self.point)
        before.unlink()
        self.mount()

    def check(self):
        """fsck of the file system itself: a failure would be the test's, not the server's."""
        unmount(self.point)
        if command("e2fsck", "-f", "-n", self.image()) is None:
            raise Failed("the file system is damaged")
        self.mount()

    def close(self):
        unmount(self.point)
        self.image().unlink(missing_ok=True)
        shutil.rmtree(self.point, ignore_errors=True)
