"""The program under test as a child process, and a plain HTTP client for it (stdlib only)."""
import atexit
import contextlib
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import time

# How long a test waits for what must happen. No claim of speed: machines stand still for half a
# minute at times.
START_SECONDS = 120
STARTED = re.compile(r"server started.*http://127\.0\.0\.1:(\d+)")


running = set()  # servers of this program


def kill_all():
    """None outlives the program that started it, however that ends."""
    for server in list(running):
        with contextlib.suppress(OSError):
            server.kill()


atexit.register(kill_all)


class Failed(Exception):
    """What was expected did not happen; the message says what."""


class DidNotStart(Exception):
    def __init__(self, code, log):
        super().__init__(f"the server ended with {code} before it served:\n{log}")
        self.code = code
        self.log = log


class Server:
    """`settings` are keys of the configuration file, `environment` is added to this process's."""

    def __init__(self, binary, directory, flags=(), log_path=None, settings=None, environment=None,
                 wait=True):
        self.log_path = pathlib.Path(log_path or f"{directory}.log")
        self.log_begin = self.log_path.stat().st_size if self.log_path.exists() else 0
        config = []
        if settings:
            path = pathlib.Path(f"{self.log_path}.yaml")
            path.write_text("".join(f"{key}: {value}\n" for key, value in settings.items()))
            config = [str(path)]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [str(binary), "run", *config, "--path", str(directory), "--host", "127.0.0.1",
                 "--port", "0", *flags],
                stdout=subprocess.DEVNULL, stderr=log, env={**os.environ, **(environment or {})})
        running.add(self)
        self.port = self.wait_for_port() if wait else None

    def log(self):
        """What this process wrote there."""
        with open(self.log_path, "rb") as file:
            file.seek(self.log_begin)
            return file.read().decode("utf-8", "replace")

    def wait_for_port(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            code = self.process.poll()
            log = self.log()
            started = STARTED.search(log)
            if started:
                return int(started.group(1))
            if code is not None:
                running.discard(self)
                raise DidNotStart(code, log)
            time.sleep(0.003)
        self.kill()
        raise DidNotStart(None, log)

    def kill(self):
        """SIGKILL: the process gets no chance to do anything."""
        self.process.kill()
        self.process.wait()
        running.discard(self)

    def stop(self):
        """SIGTERM, as an operator would; fails if it does not end in order."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(START_SECONDS)
        running.discard(self)
        if code != 0:
            raise Failed(f"the server ended with {code}; its log:\n{self.log_path.read_text()}")

    def client(self):
        return Client(self.port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(START_SECONDS)


class Client:
    """One connection; not for several threads."""
    DATABASE = "/api/v2/tenants/default_tenant/databases/default_database"

    def __init__(self, port, timeout=START_SECONDS):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def send(self, method, path, body=None):
        """(status, decoded body); raises OSError or HTTPException when there is no answer."""
        data = None if body is None else json.dumps(body).encode()
        headers = {} if body is None else {"content-type": "application/json"}
        self.connection.request(method, path, data, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None

    def post(self, path, body, status=200):
        got, answer = self.send("POST", path, body)
        if got != status:
            raise Failed(f"POST {path}: want {status}, got {got}: {answer}")
        return answer

    def create(self, name, **more):
        """The path of the collection of that name, made when there is none."""
        made = self.post(self.DATABASE + "/collections", {"name": name, "get_or_create": True, **more})
        return self.DATABASE + "/collections/" + made["id"]
