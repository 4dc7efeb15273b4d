/* Songs as files that players and tables read: M3U8 (the extended form of Winamp's), XSPF 1
 * (xspf.org), its JSON form JSPF, and CSV (RFC 4180). All text is cleaned first, so that no title
 * can begin a line or a tag of its own. */
#include "dy_present.h"
#include "present_internal.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *type, *file;
} formats[] = {
    [DY_PLAYLIST_NONE] = {"json", "application/json", NULL},
    [DY_PLAYLIST_M3U8] = {"m3u8", "audio/x-mpegurl; charset=utf-8", "dylumo.m3u8"},
    [DY_PLAYLIST_XSPF] = {"xspf", "application/xspf+xml", "dylumo.xspf"},
    [DY_PLAYLIST_JSPF] = {"jspf", "application/jspf+json", "dylumo.jspf"},
    [DY_PLAYLIST_CSV] = {"csv", "text/csv; charset=utf-8", "dylumo.csv"},
};

bool dy_present_format_named(const char *name, enum dy_playlist *format)
{
    for (size_t i = 0; i < DY_COUNT(formats); i++)
        if (!strcmp(formats[i].name, name)) {
            *format = (enum dy_playlist)i;
            return true;
        }
    return false;
}

const char *dy_present_format_type(enum dy_playlist format)
{
    return formats[format].type;
}

const char *dy_present_format_file(enum dy_playlist format)
{
    return formats[format].file;
}

static double milliseconds(const struct dylumo_song *song)
{
    return round(song->features[DYLUMO_DURATION_MS]);
}

/* ------------------------------------------------------------------ M3U8 */

static void write_m3u8(struct page *page, const char *title, const struct dylumo_song *songs,
                       size_t count)
{
    page_print(page, "#EXTM3U\n#PLAYLIST:");
    page_name(page, title, 0);
    page_print(page, "\n");
    for (size_t i = 0; i < count; i++) {
        page_print(page, "#EXTINF:%.0f,", round(milliseconds(&songs[i]) / 1e3));
        page_name(page, songs[i].artist, 0);
        page_print(page, " - ");
        page_name(page, songs[i].title, 0);
        page_print(page, "\n%s", songs[i].url ? "" : "./"); /* a name is never a comment */
        page_name(page, songs[i].url ? songs[i].url : songs[i].id, 0);
        page_print(page, "\n");
    }
}

/* ------------------------------------------------------------------ XSPF */

/* Cleaned text for an element: the five of XML, and the two characters that XML does not know. */
static void write_xml(struct page *page, const char *text)
{
    char *clean = dy_text_clean(text, strlen(text), NULL);
    if (!clean)
        page->failed = true;
    for (const char *at = clean; at && *at; at++) {
        const char *name = *at == '&'    ? "&amp;"
                           : *at == '<'  ? "&lt;"
                           : *at == '>'  ? "&gt;"
                           : *at == '"'  ? "&quot;"
                           : *at == '\'' ? "&apos;"
                                         : NULL;
        if (name)
            page_add(page, name, strlen(name));
        else if (!strncmp(at, "\xEF\xBF\xBE", 3) || !strncmp(at, "\xEF\xBF\xBF", 3))
            at += 2;
        else
            page_add(page, at, 1);
    }
    dy_free(clean);
}

static void write_element(struct page *page, const char *name, const char *text)
{
    page_print(page, "<%s>", name);
    write_xml(page, text);
    page_print(page, "</%s>", name);
}

static void write_xspf(struct page *page, const char *title, const struct dylumo_song *songs,
                       size_t count)
{
    page_print(page, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                     "<playlist version=\"1\" xmlns=\"http://xspf.org/ns/0/\">");
    write_element(page, "title", title);
    page_print(page, "<creator>dylumo</creator>\n<trackList>\n");
    for (size_t i = 0; i < count; i++) {
        page_print(page, "<track>");
        if (songs[i].url)
            write_element(page, "location", songs[i].url);
        write_element(page, "title", songs[i].title);
        write_element(page, "creator", songs[i].artist);
        page_print(page, "<duration>%.0f</duration></track>\n", milliseconds(&songs[i]));
    }
    page_print(page, "</trackList>\n</playlist>\n");
}

/* ------------------------------------------------------------------ JSPF */

static json_t *string(const char *text)
{
    char *clean = dy_text_clean(text, strlen(text), NULL);
    json_t *value = clean ? json_string(clean) : NULL;
    dy_free(clean);
    return value;
}

static json_t *jspf_track(const struct dylumo_song *song)
{
    json_t *track = json_pack("{s:o, s:o, s:I}", "title", string(song->title), "creator",
                              string(song->artist), "duration", (json_int_t)milliseconds(song));
    if (track && song->url && json_object_set_new(track, "location", json_pack("[s]", song->url))) {
        json_decref(track);
        return NULL;
    }
    return track;
}

static void write_jspf(struct page *page, const char *title, const struct dylumo_song *songs,
                       size_t count)
{
    json_t *tracks = json_array();
    bool good = tracks;
    for (size_t i = 0; good && i < count; i++)
        good = !json_array_append_new(tracks, jspf_track(&songs[i]));
    json_t *list = good ? json_pack("{s:{s:o, s:s, s:O}}", "playlist", "title", string(title),
                                    "creator", "dylumo", "track", tracks)
                        : NULL;
    json_decref(tracks);
    char *text = list ? json_dumps(list, 0) : NULL;
    json_decref(list);
    if (text)
        page_add(page, text, strlen(text));
    else
        page->failed = true;
    free(text);
}

/* ------------------------------------------------------------------ CSV */

static void write_field(struct page *page, const char *text)
{
    char *clean = dy_text_clean(text ? text : "", text ? strlen(text) : 0, NULL);
    if (!clean)
        page->failed = true;
    bool quoted = clean && strpbrk(clean, ",\"");
    page_print(page, "%s", quoted ? "\"" : "");
    for (const char *at = clean; at && *at; at++) {
        page_add(page, "\"", *at == '"' ? 1 : 0);
        page_add(page, at, 1);
    }
    page_print(page, "%s", quoted ? "\"" : "");
    dy_free(clean);
}

static void write_number(struct page *page, bool known, double number)
{
    page_print(page, ",");
    if (known)
        page_print(page, "%.6g", number);
}

static void write_csv(struct page *page, const struct dylumo_song *songs, size_t count)
{
    page_print(page, "rank,id,title,artist,genre,url,year,popularity,match");
    for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++)
        page_print(page, ",%s", dylumo_feature_info((enum dylumo_feature)f)->name);
    page_print(page, "\r\n");
    for (size_t i = 0; i < count; i++) {
        const struct dylumo_song *song = &songs[i];
        page_print(page, "%u", song->rank);
        const char *const texts[] = {song->id, song->title, song->artist, song->genre, song->url};
        for (size_t t = 0; t < DY_COUNT(texts); t++) {
            page_print(page, ",");
            write_field(page, texts[t]);
        }
        write_number(page, song->year != 0, song->year);
        write_number(page, song->popularity >= 0, song->popularity);
        write_number(page, isfinite(song->match), round(song->match * 10) / 10);
        for (int f = 0; f < DYLUMO_FEATURE_COUNT; f++)
            if (f == DYLUMO_DURATION_MS) /* more digits than six */
                page_print(page, ",%.0f", milliseconds(song));
            else
                write_number(page, true, song->features[f]);
        page_print(page, "\r\n");
    }
}

char *dy_present_playlist(enum dy_playlist format, const char *title,
                          const struct dylumo_song *songs, size_t count)
{
    struct page page = {0};
    const char *name = title ? title : "dylumo";
    if (format == DY_PLAYLIST_M3U8)
        write_m3u8(&page, name, songs, count);
    else if (format == DY_PLAYLIST_XSPF)
        write_xspf(&page, name, songs, count);
    else if (format == DY_PLAYLIST_JSPF)
        write_jspf(&page, name, songs, count);
    else
        write_csv(&page, songs, count);
    if (!page.failed)
        return page.text;
    dy_free(page.text);
    return NULL;
}
