"""What the server answers when it is asked well."""
import gzip
import re
import subprocess
import json
import xml.etree.ElementTree as xml

import http_support as http
from http_support import CAT, DYLUMO, FORM, PHOTOS, SOURCE, Server, form, problem

SERVER = Server()
IMAGE = {"Content_Type": "image/jpeg"}


def command(*arguments):
    out = subprocess.run([DYLUMO, *arguments], env=http.environment(), stdout=subprocess.PIPE,
                         check=True).stdout
    return json.loads(out)


def test_same_as_command():
    """a photo gets what `dylumo recommend --json` says, but for the name"""
    got = SERVER.ask("POST", "/v1/recommend?count=4", CAT, **IMAGE)
    assert got.status == 200 and got.headers["content-type"] == "application/json", got
    wanted = command("recommend", "--json", "-k", "4", "-t", "1", PHOTOS / "cat.jpg")
    assert got.json() == {**wanted, "picture": None}


def test_form():
    """a form with knobs; a name in form and query string is given twice"""
    body = form(("count", b"3"), ("image", CAT, "my secret place.jpg"), ("ignore", b"key,mode"))
    got = SERVER.ask("POST", "/v1/recommend?variety=0.1", body, Content_Type=FORM)
    assert got.status == 200 and len(got.json()["songs"]) == 3, got
    assert "key does not count" in got.json()["note"], got
    assert b"secret" not in got.body
    twice = SERVER.ask("POST", "/v1/recommend?count=9", body, Content_Type=FORM)
    assert "twice" in problem(twice, 400, "bad-argument")


def test_together():
    """several photos are one mood, as --together says it"""
    coffee = (PHOTOS / "coffee.jpg").read_bytes()
    got = SERVER.ask("POST", "/v1/recommend", form(("image", CAT, "a"), ("image", coffee, "b")),
                     Content_Type=FORM)
    wanted = command("recommend", "--json", "--together", "-t", "1", PHOTOS / "cat.jpg",
                     PHOTOS / "coffee.jpg")
    assert got.status == 200 and got.json()["songs"] == wanted["songs"], got


def test_mood_alone():
    """a mood without a photo; an answer's numbers bring the photo's songs back"""
    photo = SERVER.ask("POST", "/v1/recommend", CAT, **IMAGE).json()
    mood = photo["mood"]
    got = SERVER.get(f"/v1/recommend?mood=valence={mood['valence']},energy={mood['energy']}")
    assert got.status == 200, got
    assert [s["id"] for s in got.json()["songs"]] == [s["id"] for s in photo["songs"]]
    plus = SERVER.get("/v1/recommend?mood=valence=%2B0.2").json()
    assert "valence set to 0.70" in plus["note"], plus


def test_playlists():
    """every format of a playlist can be read by its readers"""
    ask = "/v1/recommend?mood=valence=0.8,energy=0.7&count=5&title=A%20%3C%26%20B&format="
    songs = SERVER.get(ask + "json").json()["songs"]
    m3u = SERVER.get(ask + "m3u8")
    assert m3u.headers["content-disposition"] == 'attachment; filename="dylumo.m3u8"', m3u
    lines = m3u.body.decode().splitlines()
    assert lines[:2] == ["#EXTM3U", "#PLAYLIST:A <& B"] and len(lines) == 12, lines
    assert [line for line in lines if line.startswith("https://")] == [s["url"] for s in songs]
    space = {"x": "http://xspf.org/ns/0/"}
    tree = xml.fromstring(SERVER.get(ask + "xspf").body)
    assert tree.find("x:title", space).text == "A <& B"
    assert [t.text for t in tree.iterfind(".//x:track/x:title", space)] == [
        s["title"] for s in songs]
    tracks = SERVER.get(ask + "jspf").json()["playlist"]["track"]
    assert [t["creator"] for t in tracks] == [s["artist"] for s in songs]
    import csv
    import io
    rows = list(csv.DictReader(io.StringIO(SERVER.get(ask + "csv").body.decode())))
    assert [row["title"] for row in rows] == [s["title"] for s in songs]
    assert float(rows[0]["tempo"]) == songs[0]["features"]["tempo"]


def test_songs():
    """songs by words, by id, near one, and listed by ids"""
    first = SERVER.get("/v1/recommend?mood=valence=0.8&count=3").json()["songs"]
    song = first[0]
    words = song["title"] + " " + song["artist"]
    import urllib.parse
    found = SERVER.get("/v1/songs?count=5&find=" + urllib.parse.quote(words)).json()
    assert song["id"] in [s["id"] for s in found["songs"]], (words, found)
    assert found["songs"][0]["rank"] == 1 and found["songs"][0]["match"] is None
    one = SERVER.get("/v1/songs/" + song["id"]).json()["song"]
    assert one == {**song, "match": None, "why": None, "rank": 1}, one
    near = SERVER.get(f"/v1/songs/{song['id']}/near?count=7").json()
    assert near["song"] == one and len(near["songs"]) == 7
    assert [s["rank"] for s in near["songs"]] == list(range(1, 8))
    matches = [s["match"] for s in near["songs"]]
    assert matches == sorted(matches, reverse=True) and matches[0] <= 100, matches
    assert song["id"] not in [s["id"] for s in near["songs"]]
    ids = ",".join(s["id"] for s in reversed(first))
    listed = SERVER.get(f"/v1/playlist?format=m3u8&ids=nosuch,{ids}")
    urls = [line for line in listed.body.decode().splitlines() if line.startswith("http")]
    assert urls == [s["url"] for s in reversed(first)], urls
    assert SERVER.get(f"/v1/songs/{song['id']}/near?format=csv").status == 200
    problem(SERVER.get("/v1/songs/nosuch"), 404, "not-found")
    problem(SERVER.get("/v1/songs/nosuch/near"), 404, "not-found")
    problem(SERVER.get("/v1/songs/" + "x" * 70), 404, "not-found")
    problem(SERVER.get("/v1/playlist?ids=nosuch"), 404, "not-found")
    problem(SERVER.get("/v1/playlist"), 400, "bad-argument")
    problem(SERVER.get("/v1/songs"), 400, "bad-argument")
    assert SERVER.get("/v1/songs?find=%21%21%21%3F").json()["songs"] == []


def test_filters():
    """filters are exact, and broken ones are told where"""
    got = SERVER.get("/v1/recommend?mood=valence=0.8&filter=year%3E%3D1990%20and%20year%3C2000").json()
    assert all(1990 <= s["year"] < 2000 for s in got["songs"]) and got["songs"], got
    problem(SERVER.get("/v1/recommend?mood=valence=0.8&filter=year%3E%3E1"), 400, "bad-argument")


def test_lists_of_ids():
    """songs left out, and no songs but these"""
    ask = "/v1/recommend?mood=valence=0.8&count=4"
    best = [song["id"] for song in SERVER.get(ask).json()["songs"]]
    without = SERVER.get(f"{ask}&exclude={best[0]},nosuch,{best[2]}").json()["songs"]
    assert [song["id"] for song in without][:2] == [best[1], best[3]], (best, without)
    alone = SERVER.get(f"{ask}&only={best[3]},{best[1]}").json()
    assert [song["id"] for song in alone["songs"]] == [best[1], best[3]], alone
    got = SERVER.ask("POST", "/v1/recommend",
                     form(("image", CAT, "x"), ("only", ",".join(best).encode())), Content_Type=FORM)
    assert {song["id"] for song in got.json()["songs"]} == set(best), got
    problem(SERVER.get(ask + "&only="), 400, "bad-argument")


def test_cosine():
    """rank=cosine orders by all 13 features, as the original did"""
    songs = SERVER.ask("POST", "/v1/recommend?rank=cosine&count=50", CAT, **IMAGE).json()["songs"]
    matches = [song["match"] for song in songs]
    assert matches == sorted(matches, reverse=True) and len(songs) == 50, matches
    usual = SERVER.ask("POST", "/v1/recommend?rank=mood&count=50", CAT, **IMAGE).json()["songs"]
    assert [song["id"] for song in usual] != [song["id"] for song in songs]


def test_words():
    """words need an encoder that reads them, and lite2 does not"""
    for got in (SERVER.get("/v1/recommend?text=a%20quiet%20morning"),
                SERVER.ask("POST", "/v1/recommend?text=rain&text_weight=0.3", CAT, **IMAGE)):
        detail = problem(got, 415, "unsupported")
        assert "lite2" in detail and "/" not in detail, detail


def test_original():
    """the original's five answers, name by name"""
    health = SERVER.get("/health").json()
    assert list(health) == ["status", "model_loaded", "stats"] and health["model_loaded"] is True
    assert SERVER.get("/stats").json() == {"status": "success", "stats": health["stats"]}
    emotions = SERVER.get("/emotions").json()
    assert emotions["status"] == "success" and len(emotions["emotions"]) == 7
    assert SERVER.get("/ready").json() == {"status": "ready"}
    got = SERVER.ask("POST", "/recommend",
                     form(("image", CAT, "x.jpg"), ("top_k", b"999"), ("other", b"1")),
                     Content_Type=FORM).json()
    assert list(got) == ["status", "emotion", "recommendations", "inference_time", "metadata"]
    assert got["status"] == "success" and re.fullmatch(r"\d+\.\d\ds", got["inference_time"])
    assert set(got["emotion"]) == {"predicted_emotion", "confidence", "all_probabilities"}
    probabilities = got["emotion"]["all_probabilities"]
    assert max(probabilities, key=probabilities.get) == got["emotion"]["predicted_emotion"]
    assert got["metadata"]["top_k"] == 50 and len(got["recommendations"]) == 50
    first = got["recommendations"][0]
    assert list(first)[:5] == ["rank", "similarity_score", "track_name", "artist_name", "track_id"]
    assert 0 <= first["similarity_score"] <= 1 and "danceability" in first
    wrong = SERVER.ask("POST", "/recommend", form(("top_k", b"3")), Content_Type=FORM)
    assert wrong.status == 400 and list(wrong.json()) == ["status", "message"], wrong
    assert wrong.json()["status"] == "error"


def test_raw_old():
    """the old path takes a raw body too, ten songs by default"""
    got = SERVER.ask("POST", "/recommend", CAT, **IMAGE).json()
    assert len(got["recommendations"]) == 10 and got["metadata"]["top_k"] == 10


def test_info():
    """/v1/info names parts and limits"""
    info = SERVER.get("/v1/info").json()
    assert info["schema"] == 1 and len(info["features"]) == 13 and len(info["emotions"]) == 7
    assert info["limits"] == {"body_bytes": 20971520, "pixels": 100000000, "pictures": 8,
                              "count": 200}


def test_static():
    """files: ETag, gzip, 304, and the page's policy"""
    plain = SERVER.get("/openapi.json")
    packed = SERVER.get("/openapi.json", Accept_Encoding="br, gzip;q=0.8")
    assert plain.status == packed.status == 200
    assert packed.headers["content-encoding"] == "gzip" and len(packed.body) < len(plain.body) / 4
    assert gzip.decompress(packed.body) == plain.body
    assert plain.body == (SOURCE / "program/server/openapi.json").read_bytes()
    assert plain.headers["etag"] != packed.headers["etag"]
    again = SERVER.get("/openapi.json", If_None_Match=plain.headers["etag"])
    assert again.status == 304 and again.body == b"", again
    assert SERVER.get("/openapi.json", Accept_Encoding="gzip;q=0").body == plain.body
    policy = plain.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy, policy


def test_head_and_keep_alive():
    """HEAD, and many requests on one connection, some sent before the answer to the last"""
    got = SERVER.ask("HEAD", "/openapi.json")
    assert got.status == 200 and int(got.headers["content-length"]) > 1000, got
    with SERVER.connect() as connection:
        for _ in range(3):
            connection.send(http.request("GET", "/health") * 2)
            for _ in range(2):
                assert connection.answer().status == 200


def test_headers():
    """security headers on answers and mistakes; no origin may ask unless named"""
    for got in (SERVER.get("/v1/info"), SERVER.get("/nowhere"), SERVER.get("/openapi.json")):
        assert got.headers["x-content-type-options"] == "nosniff", got
        assert got.headers["referrer-policy"] == "no-referrer", got
        assert "access-control-allow-origin" not in got.headers
    got = SERVER.get("/v1/info", Origin="https://elsewhere.example")
    assert "access-control-allow-origin" not in got.headers, got


def test_mistakes():
    """mistakes are problem documents that say where"""
    problem(SERVER.get("/nowhere"), 404, "not-found")
    wrong = SERVER.ask("PUT", "/v1/info", b"x")
    problem(wrong, 405, "method-not-allowed")
    assert wrong.headers["allow"] == "GET, HEAD, OPTIONS", wrong
    for query, word in (("mod=1", "'mod'"), ("count=0", "count"), ("count=1&count=2", "twice"),
                        ("count=201", "200"), ("variety=2", "variety"), ("variety=nan", "variety"),
                        ("mood=valence", "mood"), ("mood=valence=2", "mood"),
                        ("mood=hue=0.5", "hue"), ("weight=tempo=-1", "weight"),
                        ("ignore=tempo=1", "ignore"), ("season=maybe", "season"), ("rank=best", "rank"),
                        ("text_weight=0", "text_weight"), ("text=", "text"),
                        ("format=exe", "format"), ("title=%ff", "UTF-8"), ("title=%00", "UTF-8"),
                        ("%00=1", "name"), ("image=1", "'image'")):
        detail = problem(SERVER.get("/v1/recommend?" + query), 400, "bad-argument")
        assert word in detail, (query, detail)
    problem(SERVER.get("/v1/recommend?like=nosuchsong"), 404, "not-found")
    problem(SERVER.ask("POST", "/v1/recommend", b"text", Content_Type="text/plain"), 415,
            "unsupported")
    problem(SERVER.ask("POST", "/v1/recommend", b"text", **IMAGE), 422, "bad-picture")
    problem(SERVER.ask("POST", "/v1/recommend", CAT[:5000], **IMAGE), 422, "bad-picture")
    problem(SERVER.ask("POST", "/v1/recommend", form(*[("image", CAT, "x")] * 9),
                       Content_Type=FORM), 400, "bad-argument")


def test_every_kind():
    """pictures of every kind pass the caged helper, and none kills it"""
    pictures = sorted((SOURCE / "tests/data/pictures").glob("*.*"))
    kinds = {".jpg", ".png", ".webp", ".gif", ".tif", ".heic", ".avif"}
    for path in pictures:
        if path.suffix in kinds:
            got = SERVER.ask("POST", "/v1/recommend?count=1", path.read_bytes(), **IMAGE)
            assert got.status == 200, (path.name, got)
    for path in sorted((SOURCE / "tests/fuzz/corpus/image").iterdir()):
        got = SERVER.ask("POST", "/v1/recommend?count=1", path.read_bytes(), **IMAGE)
        assert got.status in (200, 413, 415, 422), (path.name, got)
    assert SERVER.metric("dylumo_helper_deaths_total") == 0


def test_log():
    """the log has a line a request, and no names"""
    SERVER.ask("POST", "/v1/recommend?title=hushhush",
               form(("image", CAT, "hushhush.jpg")), Content_Type=FORM)
    SERVER.get("/hushhush")
    code = SERVER.stop()
    assert code == 0, (code, SERVER.log)
    assert not [line for line in SERVER.log if "hushhush" in line]
    assert re.search(r"Z POST /v1/recommend 200 \d+ bytes [\d.]+ ms$", "".join(SERVER.log), re.M)
    assert [line for line in SERVER.log if " GET (none) 404 " in line]
    assert not [line for line in SERVER.log if "Sanitizer" in line], SERVER.log


http.main(globals())
