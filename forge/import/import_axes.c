/* The axes of a mood over a songs file, stored for those who open both. */
#include "dy_import.h"
#include "dy_mood.h"
#include "dy_rank.h"

enum dylumo_status dy_import_axes(const char *songs_path, const char *mood_path,
                                  const struct dylumo_context *context, char *path, size_t size,
                                  struct dylumo_error *err)
{
    struct dy_songs *songs = NULL;
    struct dy_mood_model *mood = NULL;
    struct dy_rank *rank = NULL;
    enum dylumo_status st = dy_songs_open(&songs, songs_path, err);
    if (!st)
        st = dy_mood_open(&mood, mood_path, err);
    if (!st)
        st = dy_rank_open(&rank, mood, songs, context, err);
    if (!st)
        st = dy_rank_store(rank, songs_path, context, path, size, err);
    dy_rank_close(rank);
    dy_mood_close(mood);
    dy_songs_close(songs);
    return st;
}
