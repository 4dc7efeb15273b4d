"""Servers that speak Hugging Face's and Kaggle's dialects on the loopback, and misbehave on request.
No dependencies beyond Python itself.

Two origins: the service, which knows tokens and redirects, and the store (as a CDN or a bucket),
which sends the bytes at signed addresses. A fault is one word in Services.faults; each request to
the store takes the next one, "ok" when none is left."""
import base64
import hashlib
import http.server
import json
import socket
import ssl
import struct
import threading
import time
import urllib.parse

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SIGNATURE = "signed-query-7f3a"


def git_id(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Services:
    """The files of one repository and one data set, what went wrong so far, and what was asked."""

    def __init__(self, files=None, large=1000, tls=None, store_tls=None):
        self.files = dict(files or {})  # name: bytes
        self.large = large              # files of so many bytes lie in the store, by their SHA-256
        self.datasets = {}              # "owner/name": bytes of the zip
        self.package = b""              # of npm
        self.outputs = {}               # name: bytes, of the kernel
        self.statuses = []              # the kernel's, one an answer; the last stays
        self.output_page = 100
        self.need_token = None          # "Bearer x": refused without
        self.faults, self.service_faults = [], []
        self.lie = {}                   # "size", "hash", "total", "md5": what is told instead
        self.requests = []              # (origin, method, path, headers, body)
        self.no_range = False
        self.etag = '"v1"'
        self.username = "owl"
        self.service = self._start("service", tls)
        self.store = self._start("store", store_tls)

    def _start(self, origin, tls):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            services, name = outer, origin

            def log_message(self, *_):
                pass

            def do_HEAD(self):
                handle(self)

            do_GET = do_POST = do_HEAD

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.handle_error = lambda *_: None  # who breaks off is no fault of the server's
        scheme = "http"
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            server.socket = context.wrap_socket(server.socket, server_side=True)
            scheme = "https"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02},
                         daemon=True).start()
        server.url = f"{scheme}://127.0.0.1:{server.server_port}"
        return server

    def asked(self, origin):
        return [one for one in self.requests if one[0] == origin]

    def close(self):
        for server in (self.service, self.store):
            server.shutdown()
            server.server_close()


class Closed(Exception):
    """The connection was broken off on purpose."""


def handle(request):
    services = request.services
    length = int(request.headers.get("Content-Length") or 0)
    body = request.rfile.read(length)
    services.requests.append((request.name, request.command, request.path, dict(request.headers),
                              body))
    try:
        (from_store if request.name == "store" else from_service)(request, body)
    except Closed:
        request.close_connection = True
        try:  # reset, not a polite end
            request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                          struct.pack("ii", 1, 0))
            request.connection.close()
        except OSError:
            pass
    except (BrokenPipeError, ConnectionResetError):
        request.close_connection = True


def send(request, status, body=b"", kind="application/json", **headers):
    request.send_response(status)
    request.send_header("Content-Type", kind)
    request.send_header("Content-Length", str(len(body)))
    for name, value in headers.items():
        request.send_header(name.replace("_", "-"), value)
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(body)


def send_json(request, value, status=200):
    send(request, status, json.dumps(value).encode())


# -------------------------------------------------------------------------- the service

def from_service(request, body):
    services = request.services
    path = urllib.parse.urlsplit(request.path)
    fault = services.service_faults.pop(0) if services.service_faults else "ok"
    if fault != "ok":
        return misbehave(request, fault)
    if services.need_token and request.headers.get("Authorization") != services.need_token:
        said = request.headers.get("Authorization")
        return send_json(request, {"error": f"Invalid credentials: {said}"}, 401)
    if "/-/" in path.path:  # npm's
        return send(request, 200, services.package, "application/octet-stream")
    if path.path.startswith("/api/v1/"):
        return kaggle(request, path, body)
    return hub(request, path)


def told_size(services, data):
    return services.lie.get("size", len(data)) if len(data) >= services.large else len(data)


def hub(request, path):
    services = request.services
    if path.path.startswith("/api/"):
        siblings = [{"rfilename": name, "size": told_size(services, data), "blobId": git_id(data)}
                    for name, data in services.files.items()]
        return send_json(request, {"sha": COMMIT, "siblings": siblings})
    revision, _, name = urllib.parse.unquote(path.path.partition("/resolve/")[2]).partition("/")
    assert revision in ("main", COMMIT), path
    data = services.files.get(name)
    if data is None:
        return send(request, 404, b'{"error": "Entry not found"}', X_Error_Code="EntryNotFound")
    size = told_size(services, data)
    if len(data) < services.large:
        if request.command == "HEAD":
            request.send_response(200)
            request.send_header("Content-Length", str(size))
            request.send_header("ETag", f'"{services.lie.get("hash", git_id(data))}"')
            request.send_header("X-Repo-Commit", COMMIT)
            return request.end_headers()
        return send(request, 200, data, "text/plain", ETag=f'"{git_id(data)}"')
    digest = services.lie.get("hash", hashlib.sha256(data).hexdigest())
    target = f"{services.store.url}/{urllib.parse.quote(name)}?X-Amz-Signature={SIGNATURE}"
    return send(request, 302, b"Found. Redirecting", "text/plain", Location=target,
                X_Linked_Etag=f'"{digest}"', X_Linked_Size=str(size), X_Repo_Commit=COMMIT,
                ETag='"of-the-redirect"')


def kaggle(request, path, body):
    services = request.services
    call = path.path[len("/api/v1/"):]
    query = dict(urllib.parse.parse_qsl(path.query))
    if call.startswith("datasets/download/"):
        name = call[len("datasets/download/"):]
        if name not in services.datasets:
            return send_json(request, {"code": 404, "message": "Not found"}, 404)
        target = f"{services.store.url}/data/{name}?X-Goog-Signature={SIGNATURE}"
        return send(request, 302, Location=target)
    if call == "oauth2/introspect":
        return send_json(request, {"active": True, "username": services.username})
    if call == "kernels/push":
        services.pushed = json.loads(body)
        if services.lie.get("push"):
            return send_json(request, services.lie["push"])
        slug = services.pushed["slug"]
        return send_json(request, {"ref": slug, "url": f"https://www.kaggle.com/code/{slug}",
                                   "versionNumber": 3})
    if call == "kernels/status":
        status = services.statuses[0] if len(services.statuses) == 1 else services.statuses.pop(0)
        return send_json(request, status if isinstance(status, dict) else {"status": status})
    if call == "kernels/output":
        names = sorted(services.outputs)
        first = int(query.get("pageToken") or 0)
        page = names[first:first + services.output_page]
        more = first + len(page) < len(names)
        return send_json(request, {
            "files": [{"fileName": name,
                       "url": f"{services.store.url}/out/{name}?X-Goog-Signature={SIGNATURE}"}
                      for name in page],
            "log": "[]", "nextPageToken": str(first + len(page)) if more else ""})
    return send_json(request, {"code": 404, "message": "no such call"}, 404)


# -------------------------------------------------------------------------- the store

def misbehave(request, fault):
    """Whatever needs no file: an HTTP status with or without Retry-After, a web page, a way out."""
    if fault == "login":
        return send(request, 200, b"<!DOCTYPE html><html><body>Please sign in</body></html>",
                    "text/html; charset=utf-8")
    if fault == "page-as-bytes":
        return send(request, 200, b"<!doctype HTML><html>Sign in</html>", "application/octet-stream")
    if fault.startswith("to "):
        return send(request, 302, Location=fault[3:])
    if fault == "loop":
        return send(request, 302, Location=request.path)
    if fault == "refuse":
        said = request.headers.get("Authorization", "")
        return send_json(request, {"message": f"you are {said}"}, 403)
    if fault == "refuse escaped":  # as PHP writes JSON, and so long that it is cut
        said = json.dumps({"message": "x" * 250 + request.headers.get("Authorization", "")})
        return send(request, 403, said.replace("/", "\\/").encode())
    if fault == "drop":
        raise Closed()
    status, _, wait = fault.partition(" ")
    return send(request, int(status), b'{"message": "not now"}',
                **({"Retry-After": wait} if wait else {}))


def file_at(services, path):
    name = urllib.parse.unquote(urllib.parse.urlsplit(path).path.lstrip("/"))
    if name.startswith("data/") and name[5:] in services.datasets:
        return services.datasets[name[5:]]
    if name.startswith("out/"):
        return services.outputs[name[4:]]
    return services.files[name]


def from_store(request, _):
    services = request.services
    assert SIGNATURE in request.path
    fault = services.faults.pop(0) if services.faults else "ok"
    cut = float(fault[4:]) if fault.startswith("cut ") else None
    data = file_at(services, request.path)
    if fault == "other bytes":
        data = bytes(len(data))
    elif fault == "too long":
        data = data + b"more"
    elif fault == "too short":
        data = data[:-7]
    elif fault not in ("ok", "stop early", "wrong range", "chunked", "chunked cut", "slow",
                       "huge") and cut is None:
        return misbehave(request, fault)
    return send_file(request, data, fault, cut)


def wanted_range(request, services):
    wanted = request.headers.get("Range")
    guard = request.headers.get("If-Range")
    if not wanted or services.no_range or (guard and guard != services.etag):
        return 0
    return int(wanted.removeprefix("bytes=").rstrip("-"))


def send_file(request, data, fault, cut):
    services = request.services
    first = wanted_range(request, services)
    if first >= len(data) > 0:
        return send(request, 416, Content_Range=f"bytes */{len(data)}")
    body = data[first:]
    request.send_response(206 if first else 200)
    request.send_header("Content-Type", "application/octet-stream")
    request.send_header("ETag", services.etag)
    request.send_header("Accept-Ranges", "bytes")
    if "md5" in services.lie:
        request.send_header("x-goog-hash", "crc32c=AAAAAA==,md5=" + services.lie["md5"])
    if first:
        start = first + 1 if fault == "wrong range" else first
        total = services.lie.get("total", len(data))
        request.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{total}")
    if fault.startswith("chunked"):
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        half = body[:len(body) // 2]
        request.wfile.write(b"%x\r\n%s\r\n" % (len(half), half))
        if fault == "chunked cut":
            raise Closed()
        rest = body[len(half):]
        return request.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(rest), rest))
    if fault == "stop early":  # a server that counts wrong and ends politely
        body = body[:len(body) // 2]
        request.send_header("Connection", "close")
        request.end_headers()
        request.wfile.write(body)
        request.close_connection = True
        return None
    request.send_header("Content-Length", str(10**18 if fault == "huge" else len(body)))
    request.end_headers()
    if request.command == "HEAD":
        return None
    if fault == "huge":
        request.wfile.write(body)
        raise Closed()
    if fault == "slow":  # long enough for a progress bar
        for at in range(0, len(body), len(body) // 10):
            request.wfile.write(body[at:at + len(body) // 10])
            time.sleep(0.1)
        return None
    if cut is not None:
        request.wfile.write(body[:int(len(data) * cut)])
        request.wfile.flush()
        raise Closed()
    return request.wfile.write(body)


def md5_of(data):
    return base64.b64encode(hashlib.md5(data).digest()).decode()
