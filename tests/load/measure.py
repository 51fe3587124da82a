"""What a server under load uses, and clients that need little processor themselves."""
import json
import os
import pathlib
import resource
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "crash"))

MEGABYTE = 1 << 20


def raise_open_files():
    """As many as this process may have; how many that is."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def memory(pid):
    """(resident bytes now, the most there ever were)."""
    fields = {}
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        fields[name] = value
    return int(fields["VmRSS"].split()[0]) * 1024, int(fields["VmHWM"].split()[0]) * 1024


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def seconds_until_idle(pid, limit_seconds=30, window_seconds=0.25):
    """How long it takes until the server uses less than a tenth of a processor; None: never."""
    began = time.monotonic()
    while time.monotonic() - began < limit_seconds:
        before = cpu_seconds(pid)
        time.sleep(window_seconds)
        if cpu_seconds(pid) - before < window_seconds / 10:
            return time.monotonic() - began - window_seconds
    return None


class Connection:
    """One keep-alive connection that sends bytes made before; not for several threads."""

    def __init__(self, port, timeout=120):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    @staticmethod
    def request(method, path, body=b""):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nhost: test\r\n" \
               f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        return head.encode() + body

    def send(self, request):
        self.socket.sendall(request)

    def receive(self, keep=False):
        """(status, headers, body); the body only with `keep`, else how many bytes it had."""
        while b"\r\n\r\n" not in self.buffer:
            self.more()
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in lines[1:])}
        left = size = int(headers.get("content-length", 0))
        parts = []
        while left > 0:
            if not self.buffer:
                self.more()
            part, self.buffer = self.buffer[:left], self.buffer[left:]
            left -= len(part)
            if keep:
                parts.append(part)
        return int(lines[0].split()[1]), headers, b"".join(parts) if keep else size

    def more(self):
        data = self.socket.recv(1 << 20)
        if not data:
            raise ConnectionError("closed by the server")
        self.buffer += data

    def call(self, request, keep=False):
        self.send(request)
        return self.receive(keep)

    def close(self):
        self.socket.close()
