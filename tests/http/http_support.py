"""What the tests of the server share: starting `dylumo serve` on a free port, speaking to it in raw
bytes, reading what comes back. Cases are functions named test_..., as in tests/cli.

A machine may be slow: nothing here passes or fails by the clock. Waits end when what they wait for is
there, and have long limits, for what never comes; where a request has to be under way at a certain
moment, its helper is stopped (Server.held)."""
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "cli"))
from cli_support import BUILD, DYLUMO, PHOTOS, SANITIZED, SOURCE, Folder, Skip  # noqa: E402,F401
from cli_support import environment, main, need_models  # noqa: E402,F401

CAT = (PHOTOS / "cat.jpg").read_bytes()
PATIENCE = 100  # seconds: for what should come; only a test that fails takes them
# limits that no slow machine reaches: a test that wants one reached sets it lower
ROOMY = [word for name in ("head", "receive", "send", "decode", "stop")
         for word in (f"--{name}-seconds", "600")]


class Answer:
    """One HTTP answer: status, headers by lower-case name, body."""

    def __init__(self, head, body):
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers[name.lower()] = value.strip()
        self.body = body

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:300]!r}"


class Connection:
    """A socket to the server."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.rest = b""

    def send(self, data):
        self.socket.sendall(data)

    def _more(self):
        more = self.socket.recv(65536)
        self.rest += more
        return bool(more)

    def answer(self, head_only=False):
        """The next answer; None when the server has closed instead."""
        try:
            while b"\r\n\r\n" not in self.rest:
                if not self._more():
                    return None
            head, _, self.rest = self.rest.partition(b"\r\n\r\n")
            got = Answer(head, b"")
            size = 0 if head_only else int(got.headers.get("content-length", 0))
            while len(self.rest) < size and self._more():
                pass
        except ConnectionResetError:
            return None
        got.body, self.rest = self.rest[:size], self.rest[size:]
        return got

    def closed(self):
        """True when the server closes."""
        try:
            while self.socket.recv(65536):
                pass
            return True
        except ConnectionResetError:
            return True
        except socket.timeout:
            return False

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Server:
    """`with Server("--rate", "5") as server:`"""

    def __init__(self, *arguments, env=None, wrap=()):
        need_models()
        self.process = subprocess.Popen(
            [*wrap, str(DYLUMO), "serve", "--listen", "127.0.0.1:0", *ROOMY, *map(str, arguments)],
            stderr=subprocess.PIPE, env=environment(**(env or {})), text=True)
        self.log = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        found = self.says(r"listening on https?://127\.0\.0\.1:(\d+)")
        if not found:
            raise AssertionError(f"the server did not start: {self.log}")
        self.port = int(found.group(1))
        self.url = f"http://127.0.0.1:{self.port}"

    def _read(self):
        for line in self.process.stderr:
            self.log.append(line)

    def says(self, pattern):
        """Waits for a line of the log; None when the server ends without it."""
        seen = 0
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            ended = not self.reader.is_alive()
            for line in self.log[seen:]:
                seen += 1
                if found := re.search(pattern, line):
                    return found
            if ended:
                return None
            time.sleep(0.02)
        raise AssertionError(f"the log never says {pattern!r}: {self.log[-5:]}")

    def connect(self):
        return Connection(self.port)

    def ask(self, method, path, body=None, **headers):
        """One request on a connection of its own."""
        with self.connect() as connection:
            connection.send(request(method, path, body, **headers))
            return connection.answer(method == "HEAD")

    def get(self, path, **headers):
        return self.ask("GET", path, **headers)

    def alive(self):
        got = self.get("/health")
        assert got and got.status == 200 and got.json()["status"] == "healthy", got

    def metric(self, name):
        text = self.get("/metrics").body.decode()
        return float(re.search(rf"^{re.escape(name)} (\S+)$", text, re.M).group(1))

    def helpers(self):
        """Process ids of the helpers."""
        out = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)],
                             stdout=subprocess.PIPE, text=True, check=False).stdout
        return [int(pid) for pid in out.split()]

    @contextlib.contextmanager
    def held(self):
        """While inside, the one worker gets no further with a picture: its helper is stopped."""
        got = self.ask("POST", "/v1/recommend?count=1", CAT, Content_Type="image/jpeg")
        assert got.status == 200, got
        (helper,) = self.helpers()
        os.kill(helper, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(helper, signal.SIGCONT)

    def running(self):
        """Requests under way, but for the one that asks."""
        return self.metric("dylumo_requests_running") - 1

    def stop(self, number=signal.SIGTERM):
        """Exit code; the log is whole then."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self.reader.join()
        self.process.stderr.close()
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        code = self.stop()
        if kind is None:
            assert code == 0, (code, self.log[-20:])
            noise = [line for line in self.log if "Sanitizer" in line]
            assert not noise, self.log


def request(method, path, body=None, **headers):
    lines = [f"{method} {path} HTTP/1.1", "Host: test"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body is not None and "Content_Length" not in headers and "Transfer_Encoding" not in headers:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + (body or b"")


def form(*fields, boundary="b0undary"):
    """Body of a form: (name, value) or (name, value, file name)."""
    parts = []
    for name, value, *file in fields:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'
        head += f'; filename="{file[0]}"\r\nContent-Type: image/jpeg' if file else ""
        parts.append(head.encode() + b"\r\n\r\n" + value + b"\r\n")
    return b"".join(parts) + f"--{boundary}--\r\n".encode()


FORM = "multipart/form-data; boundary=b0undary"


def problem(got, status, word):
    """Asserts a problem document of that status whose type ends in word."""
    assert got is not None, "the server closed instead of answering"
    assert got.status == status, got
    assert got.headers["content-type"] == "application/problem+json", got
    told = got.json()
    assert told["status"] == status and told["type"] == f"urn:dylumo:problem:{word}", told
    assert told["title"] and told["detail"], told
    return told["detail"]


def wait_until(true):
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
