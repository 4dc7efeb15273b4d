/* An answer for people:
 *
 *     photos/cat.jpg
 *     Happy and calm; most likely contentment 61 %, amusement 20 %.
 *     Happier than 91 % of pictures, livelier than 11 % (fairly sure).
 *
 *         song                                artist                    year  match
 *      1  Title of the song                   The artist                1987    94 %
 *         why it fits, in one line
 *
 * Titles take the width that is left. */
#include "dy_present.h"
#include "present_internal.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#define BOLD "\033[1m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"

enum { RANK_COLUMNS = 2, ARTIST_COLUMNS = 24, YEAR_COLUMNS = 4, MATCH_COLUMNS = 6, GAP = 2 };

static void page_style(struct page *page, struct dy_present_style style, const char *escape)
{
    if (style.colour)
        page_add(page, escape, strlen(escape));
}

/* Index of the emotion with the highest probability, `but` aside. */
static int likeliest(const double *emotions, int but)
{
    int best = -1;
    for (int i = 0; i < DYLUMO_EMOTION_COUNT; i++)
        if (i != but && (best < 0 || emotions[i] > emotions[best]))
            best = i;
    return best;
}

static int per_cent(double share)
{
    return (int)lround(share * 100);
}

/* seen: in a picture or in words, so that there is more to tell than was asked for */
static void add_mood(struct page *page, const struct dylumo_mood *mood, bool seen,
                     struct dy_present_style style)
{
    char words[128], line[512];
    dy_present_mood_words(mood->valence, mood->energy, words, sizeof words);
    words[0] = (char)toupper((unsigned char)words[0]);
    if (!seen) {
        snprintf(line, sizeof line, "%s, as asked.", words);
        page_paragraph(page, line, 0, style.columns);
        return;
    }
    int first = likeliest(mood->emotions, -1);
    int second = likeliest(mood->emotions, first);
    int length =
        snprintf(line, sizeof line, "%s; most likely %s %d %%", words,
                 dylumo_emotion_name((enum dylumo_emotion)first), per_cent(mood->emotions[first]));
    if (mood->emotions[second] >= 0.1)
        length += snprintf(line + length, sizeof line - (size_t)length, ", %s %d %%",
                           dylumo_emotion_name((enum dylumo_emotion)second),
                           per_cent(mood->emotions[second]));
    snprintf(line + length, sizeof line - (size_t)length, ".");
    page_paragraph(page, line, 0, style.columns);
    snprintf(line, sizeof line, "Happier than %d %% of pictures, livelier than %d %% (%s).",
             per_cent(mood->valence), per_cent(mood->energy), dy_present_sure_words(mood->sure));
    page_paragraph(page, line, 0, style.columns);
}

static size_t columns_of_title(size_t rank_columns, struct dy_present_style style)
{
    return style.columns - rank_columns - ARTIST_COLUMNS - YEAR_COLUMNS - MATCH_COLUMNS - 4 * GAP;
}

/* Rounded down but for the last twentieth, so that 100 means it. */
static int whole_match(double match)
{
    return (int)floor(match + 0.05);
}

static void add_song(struct page *page, const struct dylumo_song *song, size_t rank_columns,
                     struct dy_present_style style)
{
    page_print(page, "%*u  ", (int)rank_columns, song->rank);
    page_style(page, style, BOLD);
    page_name(page, song->title, columns_of_title(rank_columns, style));
    page_style(page, style, PLAIN);
    page_print(page, "  ");
    page_name(page, song->artist, ARTIST_COLUMNS);
    if (song->year)
        page_print(page, "  %4d", song->year);
    else
        page_print(page, "      ");
    page_print(page, "   %3d %%\n", whole_match(song->match));
    if (!song->why || !song->why[0])
        return;
    page_style(page, style, DIM);
    page_paragraph(page, song->why, rank_columns + 2, style.columns);
    page_style(page, style, PLAIN);
}

static void add_head(struct page *page, size_t rank_columns, struct dy_present_style style)
{
    size_t title_columns = columns_of_title(rank_columns, style);
    page_print(page, "\n");
    page_style(page, style, DIM);
    page_print(page, "%*s  %-*s  %-*s  %-*s  %s\n", (int)rank_columns, "", (int)title_columns,
               "song", ARTIST_COLUMNS, "artist", YEAR_COLUMNS, "year", "match");
    page_style(page, style, PLAIN);
}

static size_t rank_columns(size_t count)
{
    size_t columns = RANK_COLUMNS;
    while (count >= 100) {
        columns++;
        count /= 10;
    }
    return columns;
}

char *dy_present_text(const struct dylumo_answer *answer, struct dy_present_style style)
{
    struct page page = {0};
    if (style.columns < 60)
        style.columns = 60;
    if (answer->picture) {
        page_style(&page, style, BOLD);
        page_name(&page, answer->picture, 0);
        page_style(&page, style, PLAIN);
        page_print(&page, "\n");
    }
    if (answer->frames > 1)
        page_print(&page, "An animation of %u pictures, of which the first was looked at.\n",
                   answer->frames);
    add_mood(&page, &answer->mood, answer->picture || answer->mood.sure > 0, style);
    if (answer->song_count)
        add_head(&page, rank_columns(answer->song_count), style);
    for (size_t i = 0; i < answer->song_count; i++)
        add_song(&page, dylumo_answer_song(answer, i), rank_columns(answer->song_count), style);
    if (answer->note) {
        page_print(&page, "\n");
        page_paragraph(&page, answer->note, 0, style.columns);
    }
    if (page.failed) {
        dy_free(page.text);
        return NULL;
    }
    return page.text;
}
