#!/usr/bin/env python3
"""A soak for `make check-long`: 20,000 mixed requests with faults from 16 connections.

    DYLUMO_SOURCE=. DYLUMO_BUILD=build/asan tests/http/soak.py [REQUESTS]

Photos good and broken, forms cut off, moods, songs, files, clients that leave, helpers that are killed,
SIGHUP again and again. Ends with 0 when every answer was one that the request could earn, the
server stopped well, and no sanitizer had a word to say; on a plain build also when memory did not grow.
"""
import contextlib
import os
import random
import signal
import sys
import threading
import time

import http_support as http
from http_support import CAT, FORM, Server, form, request

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 20000
THREADS = 16
IMAGE = {"Content_Type": "image/jpeg"}
PICTURES = [path.read_bytes() for path in sorted((http.SOURCE / "tests/data/pictures").glob("*.*g"))
            if path.stat().st_size < 50000] + [CAT]
LOCK = threading.Lock()
left, wrong, statuses = COUNT, [], {}


def one(server, connection, chance):
    """One exchange; None for the connection when it is used up."""
    kind = chance.randrange(100)
    picture = chance.choice(PICTURES)
    allowed = {200, 503}
    if kind < 25:
        data = request("POST", "/v1/recommend?count=3", picture, **IMAGE)
    elif kind < 32:
        data = request("POST", "/recommend", form(("image", picture, "x"), ("top_k", b"2")),
                       Content_Type=FORM)
    elif kind < 60:
        data = request("GET", f"/v1/recommend?mood=valence={chance.random():.4f},energy="
                              f"{chance.random():.4f}&count={chance.randrange(1, 50)}&format="
                              f"{chance.choice(['json', 'm3u8', 'xspf', 'jspf', 'csv'])}")
    elif kind < 70:
        data = request("GET", chance.choice(["/health", "/metrics", "/openapi.json", "/", "/v1/info",
                                             "/emotions", "/stats", "/ready"]))
    elif kind < 75:
        data = request("GET", f"/v1/songs?find={chance.choice(['love', 'blue', 'zz', 'lvoe'])}")
    elif kind < 82:
        broken = bytearray(picture)
        for _ in range(20):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        data = request("POST", "/v1/recommend", bytes(broken[: chance.randrange(1, len(broken))]), **IMAGE)
        allowed = {200, 413, 415, 422, 503}
    elif kind < 90:
        whole = form(("count", b"1"), ("image", picture, "x"))
        data = request("POST", "/v1/recommend", whole[: chance.randrange(len(whole) - 2)], Content_Type=FORM)
        allowed = {400, 503}
    elif kind < 94:
        data = request("GET", "/v1/recommend?" + chance.choice(["hue=1", "count=x", "like=nosuch"]))
        allowed = {400, 404}
    else: # leaves in the middle
        whole = request("POST", "/v1/recommend", picture, **IMAGE)
        connection.send(whole[: chance.randrange(1, len(whole) + 1)])
        connection.close()
        return None
    connection.send(data)
    got = connection.answer()
    with LOCK:
        status = got.status if got else None
        statuses[status] = statuses.get(status, 0) + 1
        if status not in allowed:
            wrong.append((data[:200], got))
    return connection


def work(server, seed):
    global left
    chance = random.Random(seed)
    connection = None
    while True:
        with LOCK:
            if left <= 0:
                return
            left -= 1
        connection = connection or server.connect()
        try:
            connection = one(server, connection, chance)
        except OSError as why:
            wrong.append(("", why))
            connection = None


def main():
    begun = time.monotonic()
    with Server() as server:
        threads = [threading.Thread(target=work, args=(server, seed)) for seed in range(THREADS)]
        for thread in threads:
            thread.start()
        memory = []
        while any(thread.is_alive() for thread in threads):
            time.sleep(2)
            memory.append((COUNT - left, server.metric("process_resident_memory_bytes") / 1e6))
            server.process.send_signal(signal.SIGHUP)
            if helpers := server.helpers():
                with contextlib.suppress(ProcessLookupError): # it may have died since
                    os.kill(random.choice(helpers), signal.SIGKILL)
        deaths = server.metric("dylumo_helper_deaths_total")
        code = server.stop()
    print(f"{COUNT} requests in {time.monotonic() - begun:.0f} s, {statuses}, {deaths:.0f} helpers died")
    print("resident MB:", " ".join(f"{size:.0f}" for _, size in memory[:: max(1, len(memory) // 12)]))
    # a picture whose helper is killed under it is refused: 422 for a good one is that, as often at most
    killed = [pair for pair in wrong if getattr(pair[1], "status", 0) == 422]
    rest = [pair for pair in wrong if pair not in killed]
    good = code == 0 and not rest and len(killed) <= deaths
    for pair in rest[:5]:
        print(pair)
    half = [size for done, size in memory if done > COUNT / 2]
    if not http.SANITIZED and half and max(half) > 250:
        print("memory grew")
        good = False
    print("ok" if good else f"NOT OK: exit {code}, {len(rest)} wrong answers, {len(killed)} refused")
    return 0 if good else 1


sys.exit(main())
