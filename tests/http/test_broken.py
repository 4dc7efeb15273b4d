"""What strangers send: requests in pieces, with wrong lengths, two in one, forms that break in every
place. Whatever comes, the server answers with a mistake or closes, and goes on living."""
import random

import http_support as http
from http_support import CAT, FORM, Server, form, problem, request

SERVER = Server()
# cuts off at once whoever is slow: for requests that never come to an end. On a slow machine it may
# cut off others, too.
HASTY = Server("--head-seconds", "1", "--receive-seconds", "1")
GOOD = request("POST", "/v1/recommend?count=1", CAT, Content_Type="image/jpeg")


def raw(data, shut=False, server=SERVER):
    """The answer to raw bytes, or None when the server closes."""
    with server.connect() as connection:
        try:
            connection.send(data)
            if shut:
                connection.socket.shutdown(1)
        except OSError: # closed already
            pass
        return connection.answer()


def refused(data, shut=False, server=SERVER):
    got = raw(data, shut, server)
    assert got is None or 400 <= got.status < 500 or got.status == 501, got
    SERVER.alive()
    return got


def test_split():
    """a request that comes byte by byte, and in pieces at every odd place, is answered"""
    with SERVER.connect() as connection:
        for byte in request("GET", "/health"):
            connection.send(bytes([byte]))
        assert connection.answer().status == 200
    for step in (1023, 4099):
        with SERVER.connect() as connection:
            for at in range(0, len(GOOD), step):
                connection.send(GOOD[at : at + step])
            assert connection.answer().status == 200


def test_chunked():
    """a chunked body is read; broken chunks are not"""
    head = (b"POST /v1/recommend?count=1 HTTP/1.1\r\nHost: t\r\nContent-Type: image/jpeg\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n")
    pieces = [CAT[at : at + 7001] for at in range(0, len(CAT), 7001)]
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    assert raw(head + body + b"0\r\n\r\n").status == 200
    for broken in (b"xyz\r\n", b"-5\r\nhello\r\n0\r\n\r\n", b"ffffffffffffffffff\r\n", b"5\r\nhelloworld"):
        refused(head + broken, shut=True)


def test_lengths():
    """lengths that are no numbers, come twice, or contradict the encoding"""
    head = b"POST /v1/recommend HTTP/1.1\r\nHost: t\r\nContent-Type: image/jpeg\r\n"
    for line in (b"Content-Length: -1", b"Content-Length: 1x", b"Content-Length: 0x10",
                 b"Content-Length: 99999999999999999999999", b"Content-Length: ",
                 b"Content-Length: 5\r\nContent-Length: 6", b"Content-Length: 5\r\nContent-Length: 5",
                 b"Content-Length: 5\r\nTransfer-Encoding: chunked",
                 b"Transfer-Encoding: chunked\r\nContent-Length: 5",
                 b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: identity",
                 b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"):
        refused(head + line + b"\r\n\r\nhello\r\n0\r\n\r\n")


def test_smuggled():
    """a second request inside a doubtful body is never answered"""
    inner = request("GET", "/health")
    for lines in (b"Content-Length: 4\r\nTransfer-Encoding: chunked",
                  b"Content-Length: 0\r\nContent-Length: %d" % len(inner),
                  b"Transfer-Encoding: xchunked\r\nContent-Length: 0",
                  b"Transfer-Encoding : chunked\r\nContent-Length: 0"):
        with SERVER.connect() as connection:
            connection.send(b"POST /v1/recommend HTTP/1.1\r\nHost: t\r\nContent-Type: image/png\r\n"
                            + lines + b"\r\n\r\n0\r\n\r\n" + inner)
            first = connection.answer()
            assert first is None or first.status >= 400, (lines, first)
            assert connection.answer() is None, lines
    SERVER.alive()


def test_heads():
    """heads that are none"""
    for head in (b"\r\n\r\n", b"GET\r\n\r\n", b"GET /health\r\n\r\n", b"\x16\x03\x01\x02\x00\x01",
                 b"GET /health HTTP/9.9\r\nHost: t\r\n\r\n", b"GET http:// HTTP/1.1\r\n\r\n",
                 b"GET /health HTTP/1.1\r\n\r\n", b"GET /%zz%00 HTTP/1.1\r\nHost: t\r\n\r\n",
                 b"GET /health HTTP/1.1\r\nHost: t\r\nHost: u\r\n\r\n",
                 b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\nHost: t\r\n\r\n",
                 b"GET /health HTTP/1.1\r\nHost: t\r\n" + b"X: y\r\n" * 10000 + b"\r\n",
                 b"GET /health HTTP/1.1\r\nHost: t\r\nX: " + b"y" * 100000 + b"\r\n\r\n",
                 bytes(random.Random(5).randbytes(5000)),
                 b"\0" * 5000):
        got = raw(head, shut=True, server=HASTY)
        assert got is None or got.status >= 400, (head[:60], got)
    assert HASTY.process.poll() is None


def test_many_parameters():
    """thousands of parameters"""
    refused(request("GET", "/v1/recommend?" + "&".join(f"a{i}=1" for i in range(1500))), server=HASTY)
    refused(request("GET", "/v1/recommend?" + "&" * 9000), server=HASTY)
    http.wait_until(lambda: HASTY.running() == 0) # or they never end


def test_half_a_body():
    """a body that ends before its length: no answer, or 400"""
    for part in (0, 1, 100, len(CAT) // 2, len(CAT) - 1):
        head, _, body = GOOD.partition(b"\r\n\r\n")
        refused(head + b"\r\n\r\n" + body[:part], shut=True)


def form_answer(body, kind=FORM):
    got = raw(request("POST", "/v1/recommend", body, Content_Type=kind))
    SERVER.alive()
    return got


def test_forms():
    """forms that break: each is told where"""
    whole = form(("image", CAT, "x"))
    part = b'--b0undary\r\nContent-Disposition: form-data; name="image"\r\n\r\n'
    for body, kind, word in (
        (b"", FORM, "begin"), (whole, "multipart/form-data", "boundary"),
        (whole, "multipart/form-data; boundary=", "boundary"),
        (whole, "multipart/form-data; boundary=" + "b" * 71, "boundary"),
        (whole, 'multipart/form-data; boundary="b0undary', "boundary"),
        (whole, "multipart/form-data; boundary=other", "begin"),
        (whole, FORM + "; boundary=other", "boundary"),
        (b"preamble\r\n" + whole, FORM, "begin"), (whole + b"epilogue", FORM, "follow"),
        (whole[:-20], FORM, "ends within"), (whole[:50], FORM, "head"),
        (part + CAT, FORM, "ends within"), (b"--b0undary--\r\n", FORM, "no picture"),
        (b"--b0undaryX" + whole[10:], FORM, "broken"),
        (whole.replace(b"Content-Disposition", b"Content-Position"), FORM, "no Content-Disp"),
        (whole.replace(b"; name", b"; nam"), FORM, "no name"),
        (whole.replace(b'name="image"', b'name="' + b"i" * 32 + b'"'), FORM, "no name"),
        (whole.replace(b'name="image"', b'name=""'), FORM, "no name"),
        (whole.replace(b'name="image"', b'name="image'), FORM, "not known"),
        (whole.replace(b"form-data", b"attachment"), FORM, "no name"),
        (whole.replace(b"Content-Type: image/jpeg", b"Content-Type image/jpeg"), FORM, "colon"),
        (whole.replace(b"Content-Type: image/jpeg", b"Content-Transfer-Encoding: base64"), FORM,
         "encodings"),
        (part.replace(b"\r\n\r\n", b"\r\nX: " + b"y" * 5000 + b"\r\n\r\n") + whole, FORM, "4096"),
        (form(("image", CAT, "x"), ("hue", b"1")), FORM, "'hue'"),
        (form(("image", CAT, "x"), ("count", b"1"), ("count", b"1")), FORM, "twice"),
        (form(("image", CAT, "x"), ("count", b"\xff")), FORM, "UTF-8"),
        (form(("image", b"", "x")), FORM, "empty"),
    ):
        detail = problem(form_answer(body, kind), 400, "bad-argument")
        assert word in detail, (body[:80], kind, detail)


def test_form_cut_anywhere():
    """a form cut at every 64th byte, and at each of its first 200"""
    whole = form(("count", b"1"), ("image", CAT[:3000], "x"))
    for at in [*range(200), *range(200, len(whole), 64)]:
        got = form_answer(whole[:at])
        assert got.status in (400, 422), (at, got)


def test_10000_parts():
    """10,000 parts"""
    detail = problem(form_answer(form(*[("image", b"x", "x")] * 10000)), 400, "bad-argument")
    assert "64 parts" in detail, detail
    nested = b"--b0undary\r\n" * 10000
    problem(form_answer(nested), 400, "bad-argument")


def test_noise_in_forms():
    """a form with bytes changed at random, 300 times"""
    chance = random.Random(7)
    whole = bytearray(form(("count", b"1"), ("ignore", b"key"), ("image", CAT[:2000], "x")))
    for _ in range(300):
        broken = bytearray(whole)
        for _ in range(chance.randrange(1, 6)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        got = raw(request("POST", "/v1/recommend", bytes(broken), Content_Type=FORM))
        assert got.status in (200, 400, 413, 415, 422), got # some noise makes a smaller picture
    SERVER.alive()


def test_gone():
    """clients that ask and leave at once"""
    for _ in range(30):
        with SERVER.connect() as connection:
            connection.send(GOOD)
    http.wait_until(lambda: SERVER.running() == 0)
    SERVER.alive()


def drip(connection, drop):
    """Sends drops until the server closes."""
    connection.socket.settimeout(0.1)
    for _ in range(10 * http.PATIENCE):
        try:
            connection.send(drop)
            if connection.socket.recv(1000) == b"":
                return
        except TimeoutError:
            continue
        except OSError:
            return
    raise AssertionError("still there")


def test_slow_heads():
    """who sends a head drop by drop is cut off"""
    with HASTY.connect() as slow, HASTY.connect() as idle:
        drip(slow, b"X")
        assert idle.closed(), "an idle connection stays for ever"


def test_slow_bodies():
    """who sends a body drop by drop is cut off"""
    head, _, _ = GOOD.partition(b"\r\n\r\n")
    with HASTY.connect() as slow:
        slow.send(head + b"\r\n\r\n")
        drip(slow, CAT[:1])


def test_end():
    """after all that both servers stop well"""
    for server in (SERVER, HASTY):
        server.alive()
        if server is HASTY:
            assert server.metric("dylumo_cut_off_total") >= 2
        assert server.stop() == 0, server.log[-10:]
        assert not [line for line in server.log if "Sanitizer" in line], server.log


http.main(globals())
