"""Limits: sizes, the queue, the rate, tokens, origins, TLS, helpers that die, nothing going out."""
import os
import pathlib
import re
import shutil
import signal
import ssl
import socket
import subprocess
import threading

import http_support as http
from http_support import CAT, DYLUMO, FORM, Folder, Server, Skip, environment, form, problem
from http_support import request

IMAGE = {"Content_Type": "image/jpeg"}


def test_large_bodies():
    """a body over the limit is refused before it is read; chunked, when it is over"""
    with Server("--max-bytes", "100K") as server:
        with server.connect() as connection:
            connection.send(b"POST /v1/recommend HTTP/1.1\r\nHost: t\r\nContent-Type: image/png\r\n"
                            b"Content-Length: 102401\r\nExpect: 100-continue\r\n\r\n")
            problem(connection.answer(), 413, "too-large")
        chunk = b"1000\r\n" + b"x" * 4096 + b"\r\n"
        head = (b"POST /v1/recommend HTTP/1.1\r\nHost: t\r\nContent-Type: image/png\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n")
        with server.connect() as connection:
            connection.send(head + chunk * 26 + b"0\r\n\r\n")
            got = connection.answer()
            assert got is None or got.status == 413, got
        server.alive()


def test_many_pixels():
    """more megapixels than allowed"""
    with Server("--max-pixels", "10000") as server:
        problem(server.ask("POST", "/v1/recommend", CAT, **IMAGE), 413, "too-large")


def test_full_queue():
    """a full queue answers 503 with Retry-After at once, and what was queued is answered"""
    ask = request("POST", "/v1/recommend?count=1", CAT, **IMAGE)
    with Server("--workers", "1", "--queue", "2") as server:
        with server.held():
            queued = [server.connect() for _ in range(3)]
            for at, connection in enumerate(queued):
                connection.send(ask)
                # the worker has the first before the second comes
                http.wait_until(lambda at=at: (server.running(), server.metric(
                    "dylumo_requests_waiting")) == (at + 1, at))
            for _ in range(9):
                got = server.ask("POST", "/v1/recommend?count=1", CAT, **IMAGE)
                problem(got, 503, "busy")
                assert got.headers["retry-after"] == "1", got
        for connection in queued:
            assert connection.answer().status == 200
            connection.close()


def test_rate():
    """an address that asks too often gets 429; health is never counted"""
    with Server("--rate", "0.0001") as server: # one in three hours, beyond the first twenty
        statuses = [server.get("/v1/info").status for _ in range(21)]
        assert statuses == [200] * 20 + [429], statuses
        problem(server.get("/v1/info"), 429, "too-many-requests")
        server.alive()
    with Server("--rate", "1", "--forwarded") as server:
        for number in range(30):
            got = server.get("/v1/info", X_Forwarded_For=f"10.9.8.7, 10.0.0.{number}")
            assert got.status == 200, got


def test_token():
    """a token is asked for everywhere but at the open paths"""
    with Folder() as folder:
        (folder / "token").write_text("0123456789abcdef0123\n")
        with Server("--token-file", folder / "token") as server:
            for wrong in (None, "Bearer x", "Bearer 0123456789abcdef012", "Basic 0123456789abcdef0123",
                          "Bearer 0123456789abcdef0124", "Bearer 0123456789abcdef01230", "Bearer "):
                got = server.get("/v1/info", **({"Authorization": wrong} if wrong else {}))
                problem(got, 401, "unauthorized")
                assert got.headers["www-authenticate"].startswith("Bearer"), got
            got = server.ask("POST", "/v1/recommend", CAT, **IMAGE)
            assert got is None or got.status == 401, got
            right = "Bearer 0123456789abcdef0123"
            assert server.get("/v1/info", Authorization=right).status == 200
            for path in ("/health", "/ready", "/openapi.json"):
                assert server.get(path).status == 200, path
            old = server.get("/stats")
            assert old.status == 401 and old.json()["status"] == "error", old
        (folder / "short").write_text("hunter2\n")
        out = subprocess.run([DYLUMO, "serve", "--token-file", folder / "short"],
                             env=environment(), stderr=subprocess.PIPE, text=True, check=False)
        assert out.returncode == 2 and "at least 16" in out.stderr, out


def test_beyond_loopback():
    """listening for others wants a token, or a word that none is meant"""
    http.need_models()
    out = subprocess.run([DYLUMO, "serve", "--listen", "0.0.0.0:0"], env=environment(),
                         stderr=subprocess.PIPE, text=True, check=False)
    assert out.returncode == 2 and "--token-file" in out.stderr, out
    for listen in ("nowhere", "127.0.0.1:99999999", "127.0.0.1:http", "300.1.1.1:80"):
        out = subprocess.run([DYLUMO, "serve", "--listen", listen], env=environment(),
                             stderr=subprocess.PIPE, text=True, check=False)
        assert out.returncode in (2, 6) and listen in out.stderr, out


def test_origins():
    """other origins may ask only when named"""
    with Server("--cors", "https://a.example", "--cors", "https://b.example") as server:
        got = server.ask("OPTIONS", "/v1/recommend", Origin="https://b.example",
                         Access_Control_Request_Method="POST")
        assert got.status == 204 and got.headers["access-control-allow-origin"] == "https://b.example"
        got = server.get("/v1/info", Origin="https://c.example")
        assert got.status == 200 and "access-control-allow-origin" not in got.headers, got
        assert got.headers["vary"] == "Origin", got


def test_tls_of_other_files():
    """what is no PEM file is refused by its name"""
    http.need_models()
    photo = http.PHOTOS / "cat.jpg"
    out = subprocess.run([DYLUMO, "serve", "--tls-cert", photo, "--tls-key", photo],
                         env=environment(), stderr=subprocess.PIPE, text=True, check=False)
    assert out.returncode == 8 and "cat.jpg: is no PEM file" in out.stderr, out


def test_tls():
    """HTTPS with a certificate and its key"""
    if not shutil.which("openssl"):
        raise Skip("openssl is not installed")
    with Folder() as folder:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", folder / "key", "-out", folder / "cert"],
                       check=True, stderr=subprocess.DEVNULL)
        with Server("--tls-cert", folder / "cert", "--tls-key", folder / "key") as server:
            context = ssl.create_default_context(cafile=str(folder / "cert"))
            with socket.create_connection(("127.0.0.1", server.port)) as plain:
                with context.wrap_socket(plain, server_hostname="127.0.0.1") as wrapped:
                    wrapped.sendall(request("POST", "/v1/recommend?count=1", CAT, Connection="close",
                                            **IMAGE))
                    got = b""
                    while more := wrapped.recv(65536):
                        got += more
            assert got.startswith(b"HTTP/1.1 200") and b"Strict-Transport" in got, got[:500]


def test_helpers_die():
    """a helper that is killed is started again, and no request suffers"""
    with Server("--workers", "1") as server:
        for _ in range(3):
            assert server.ask("POST", "/v1/recommend?count=1", CAT, **IMAGE).status == 200
            helpers = server.helpers()
            assert len(helpers) == 1, helpers
            os.kill(helpers[0], signal.SIGKILL)
            state = pathlib.Path(f"/proc/{helpers[0]}/stat") # dead is not at once
            http.wait_until(lambda: state.read_text().rpartition(")")[2].split()[0] == "Z")
        assert server.ask("POST", "/v1/recommend?count=1", CAT, **IMAGE).status == 200
        assert server.metric("dylumo_helper_deaths_total") == 3


def test_cage():
    """the helper holds one socket, no file, and sits under seccomp"""
    with Server("--workers", "1") as server:
        assert server.ask("POST", "/v1/recommend?count=1", CAT, **IMAGE).status == 200
        (helper,) = server.helpers()
        held = os.listdir(f"/proc/{helper}/fd")
        assert held == ["0"] and os.readlink(f"/proc/{helper}/fd/0").startswith("socket:"), held
        status = pathlib.Path(f"/proc/{helper}/status").read_text()
        assert re.search(r"^NoNewPrivs:\s+1$", status, re.M), status
        if not http.SANITIZED:
            assert re.search(r"^Seccomp:\s+2$", status, re.M), status
        os.kill(helper, signal.SIGKILL)


def test_nothing_goes_out():
    """under strace: no connection is ever opened, by server or helper"""
    if not shutil.which("strace") or http.SANITIZED:
        raise Skip("needs strace, and no sanitizer")
    with Folder() as folder:
        trace = folder / "trace"
        wrap = ("strace", "-f", "-qq", "-e", "trace=connect,sendto,sendmsg,socket", "-o", trace)
        try:
            server = Server(wrap=wrap)
        except AssertionError as why:
            raise Skip(f"strace may not trace here: {why}") from why
        got = server.ask("POST", "/v1/recommend?count=1", CAT, **IMAGE)
        assert got.status == 200, got
        server.get("/v1/recommend?mood=valence=0.5&format=xspf")
        for pid in server.helpers():  # strace's child is the server
            os.kill(pid, signal.SIGTERM)
        server.process.wait(http.PATIENCE)
        calls = trace.read_text()
        assert " connect(" not in calls, calls
        kinds = set(re.findall(r"socket\((\w+), (\w+)", calls))
        assert all(kind[0] in ("AF_INET", "AF_UNIX", "AF_NETLINK") for kind in kinds), kinds
        assert "SOCK_DGRAM" not in calls, calls


def test_64_at_once():
    """64 connections at once, each with several photos in a row"""
    wrong = []

    def ask(server):
        with server.connect() as connection:
            for _ in range(3):
                connection.send(request("POST", "/v1/recommend?count=1", CAT, **IMAGE))
                got = connection.answer()
                if got is None or got.status != 200:
                    wrong.append(got)

    with Server() as server:
        threads = [threading.Thread(target=ask, args=(server,)) for _ in range(64)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong, wrong[:3]


http.main(globals())
