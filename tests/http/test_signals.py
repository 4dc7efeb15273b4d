"""SIGTERM finishes what runs; SIGHUP opens the files again without dropping a request."""
import os
import shutil
import signal
import socket
import threading

import http_support as http
from http_support import BUILD, CAT, FORM, Folder, Server, form, problem, request

LONG = form(*[("image", CAT, "x")] * 8)
IMAGE = {"Content_Type": "image/jpeg"}


def test_term_finishes():
    """requests that run and wait when SIGTERM comes are answered; new ones are not taken"""
    server = Server("--workers", "1")
    with server.held():
        connections = [server.connect() for _ in range(6)]
        for connection in connections:
            connection.send(request("POST", "/v1/recommend?exact=true", LONG, Content_Type=FORM))
        http.wait_until(lambda: server.running() == 6)
        server.process.send_signal(signal.SIGTERM)
        assert server.says("stopping: ")
    for connection in connections:
        got = connection.answer()
        assert got is not None and got.status == 200, got
        assert len(got.json()["songs"]) == 10
    assert server.stop() == 0
    try:
        socket.create_connection(("127.0.0.1", server.port), timeout=2).close()
        raise AssertionError("still listens")
    except ConnectionRefusedError:
        pass
    assert "stopped" in "".join(server.log), server.log


def test_half_sent_at_term():
    """a body that is still coming when SIGTERM comes may come to its end"""
    server = Server()
    whole = request("POST", "/v1/recommend?count=1", CAT, **IMAGE)
    with server.connect() as connection:
        connection.send(whole[:1000])
        http.wait_until(lambda: server.running() == 1)
        server.process.send_signal(signal.SIGTERM)
        assert server.says("stopping: ")
        connection.send(whole[1000:])
        got = connection.answer()
        assert got is not None and got.status == 200, got
        assert got.headers["connection"].lower() == "close", got
    assert server.stop() == 0


def test_interrupt():
    """SIGINT ends it likewise; two signals end it at once"""
    server = Server()
    assert server.stop(signal.SIGINT) == 0
    server = Server()
    with server.connect() as connection:
        connection.send(request("POST", "/v1/recommend", CAT, **IMAGE)[:500])
        http.wait_until(lambda: server.running() == 1)
        server.process.send_signal(signal.SIGTERM)
        assert server.says("stopping: ")
        assert server.stop(signal.SIGTERM) == 0 # or it would wait for ten minutes, and the test fail


def test_hup_drops_nothing():
    """SIGHUP twenty times under load: every request is answered, and helpers and memory stay"""
    wrong, done = [], threading.Event()

    def ask(server):
        with server.connect() as connection:
            while not done.is_set():
                connection.send(request("POST", "/v1/recommend?count=2", CAT, **IMAGE))
                got = connection.answer()
                if got is None or got.status != 200 or len(got.json()["songs"]) != 2:
                    wrong.append(got)
                    return

    with Server() as server:
        threads = [threading.Thread(target=ask, args=(server,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for number in range(20):
            server.process.send_signal(signal.SIGHUP)
            http.wait_until(lambda: server.metric("dylumo_reopened_total") == number + 1)
        done.set()
        for thread in threads:
            thread.join()
        assert not wrong, wrong


def test_hup_new_songs():
    """after SIGHUP the new catalogue answers; a broken one leaves the old in place"""
    with Folder() as folder:
        songs = folder / "songs.dylumo"
        shutil.copy(BUILD / "share/dylumo/songs.dylumo", songs)
        with Server("--songs", songs) as server:
            before = server.get("/v1/info").json()["catalogue"]
            (folder / "broken").write_bytes(b"DYSONGS\n" + b"x" * 100)
            os.rename(folder / "broken", songs)
            server.process.send_signal(signal.SIGHUP)
            http.wait_until(lambda: server.metric("dylumo_reopen_failed_total") == 1)
            assert server.get("/v1/info").json()["catalogue"] == before
            got = server.ask("POST", "/v1/recommend", CAT, **IMAGE)
            assert got.status == 200, got


http.main(globals())
