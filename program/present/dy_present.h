/* present: an answer as text for people and as JSON for programs, so that the command and the
 * server say the same bytes. Knows dylumo.h and base, nothing else. */
#ifndef DY_PRESENT_H
#define DY_PRESENT_H

#include "dy_base.h"

struct dy_present_style {
    unsigned columns; /* lines are at most so wide; 60 at least */
    bool colour;      /* bold and dim by ANSI escapes; else plain text */
};

/* The mood in words, the songs as a table of two lines each, and the note: UTF-8, every line ended,
 * all names cleaned of control characters and cut to the width.
 *
 * Owns     the caller's, for dy_free; NULL without memory. */
char *dy_present_text(const struct dylumo_answer *answer, struct dy_present_style style);

/* The same as one JSON object in one line without its end; docs/json.md names the members. Numbers
 * are numbers; what is unknown is null.
 *
 *   timing   also the milliseconds of each step
 *
 * Owns     the caller's, for free() (jansson's memory); NULL without memory. */
char *dy_present_json(const struct dylumo_answer *answer, const struct dylumo_parts *parts,
                      bool timing);
/* {"schema": 1, "song": {...}, "songs": [...]}: one song, a list, or both; a match that is NaN is
 * null. For free(); NULL without memory. */
char *dy_present_songs_json(const struct dylumo_song *one, const struct dylumo_song *list,
                            size_t count);
/* {"schema": 1, "picture": ..., "error": {"status": "bad-picture", "text": ...}} */
char *dy_present_json_error(const char *picture, const struct dylumo_error *err);

/* 1 to 12: the month where and when this is asked, for a query's month; 0 where there is no clock.
 */
int dy_present_month(void);

/* Formats of a list of songs (present_playlist.c); NONE is JSON, and not made here. */
enum dy_playlist {
    DY_PLAYLIST_NONE,
    DY_PLAYLIST_M3U8,
    DY_PLAYLIST_XSPF,
    DY_PLAYLIST_JSPF,
    DY_PLAYLIST_CSV
};
/* "m3u8" and so on; "json" is NONE. false for another word. */
bool dy_present_format_named(const char *name, enum dy_playlist *format);
/* The media type, and a file name ("dylumo.m3u8"; NULL for NONE). Static. */
const char *dy_present_format_type(enum dy_playlist format);
const char *dy_present_format_file(enum dy_playlist format);
/* The songs as such a file. title may be NULL. dy_free; NULL without memory. */
char *dy_present_playlist(enum dy_playlist format, const char *title,
                          const struct dylumo_song *songs, size_t count);

/* "happy and lively", "rather sad and calm", ... into text[size]; the words for valence and energy
 * from 0 to 1. */
void dy_present_mood_words(double valence, double energy, char *text, size_t size);
/* How sure the mood is, from 0 to 1: "a guess", "not very sure", "fairly sure", "sure". Static. */
const char *dy_present_sure_words(double sure);

#endif
