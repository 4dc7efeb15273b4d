/* Songs files and folders of pictures, made and told of. */
#include "program_make.h"

#include "dy_program.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* So many rows are told one by one. */
#define REPORTS_SHOWN 20

static double seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

struct teller {
    uint64_t told;
    bool quiet;
};

static void tell(void *user, const char *table, uint64_t line, const char *reason)
{
    struct teller *teller = user;
    if (teller->quiet || ++teller->told > REPORTS_SHOWN)
        return;
    program_say("%s: line %llu passed over: %s", table, (unsigned long long)line, reason);
}

static void print_summary(const struct dy_import_summary *summary, const char *output, double time)
{
    printf("%llu songs by %llu artists", (unsigned long long)summary->songs,
           (unsigned long long)summary->artists);
    printf(" (year %.0f %%, popularity %.0f %%, genre %.0f %% of %llu)",
           100 * (double)summary->with_year / (double)summary->songs,
           100 * (double)summary->with_popularity / (double)summary->songs,
           100 * (double)summary->with_genre / (double)summary->songs,
           (unsigned long long)summary->genres);
    printf(" in %s, %.1f MB, %.2f s\n", output, (double)summary->file_bytes / 1e6, time);
    if (summary->bad || summary->duplicates)
        printf("passed over: %llu rows that can't be read, %llu with an id that was there before\n",
               (unsigned long long)summary->bad, (unsigned long long)summary->duplicates);
}

/* The axes of the mood at hand; without one, or without room, songs are placed at every opening. */
static void store_axes(const char *output, const struct dylumo_context *context, bool quiet)
{
    char mood[4096], path[4096];
    struct dylumo_error err;
    if (dylumo_locate("mood", mood, sizeof mood, NULL))
        return;
    if (dy_import_axes(output, mood, context, path, sizeof path, &err))
        program_say("the mood's axes are not stored: %s", err.text);
    else if (!quiet)
        printf("the mood's axes over them in %s\n", path);
}

enum dylumo_status program_make_songs(const char *output, const char *const *tables, size_t count,
                                      struct dy_import_options options,
                                      const struct dylumo_context *context, bool quiet,
                                      struct dylumo_error *err)
{
    struct teller teller = {.quiet = quiet};
    struct dy_import_summary summary;
    double begun = seconds();
    options.report = tell;
    options.user = &teller;
    enum dylumo_status st =
        dy_import_tables(output, tables, count, &options, context, &summary, err);
    program_progress_clear();
    if (teller.told > REPORTS_SHOWN && !quiet)
        program_say("%s: %llu more lines passed over", tables[0],
                    (unsigned long long)(teller.told - REPORTS_SHOWN));
    if (st)
        return st;
    if (!quiet)
        print_summary(&summary, output, seconds() - begun);
    if (!options.without_tree && program_output_has_name(output))
        store_axes(output, context, quiet);
    return DYLUMO_OK;
}

enum dylumo_status program_make_pictures(const char *folder, const char *const *files, size_t count,
                                         const struct dylumo_context *context, bool quiet,
                                         struct dylumo_error *err)
{
    struct dy_pictures_summary summary;
    enum dylumo_status st = dy_import_pictures(folder, files, count, context, &summary, err);
    program_progress_clear();
    if (st)
        return st;
    if (summary.unknown)
        program_say("%llu places hold bytes that are no picture; left out",
                    (unsigned long long)summary.unknown);
    if (!quiet)
        printf(
            "%llu rows, %llu new pictures (%.1f MB), %llu that were there or came again, in %s\n",
            (unsigned long long)summary.rows, (unsigned long long)summary.written,
            (double)summary.bytes / 1e6, (unsigned long long)summary.present, folder);
    return DYLUMO_OK;
}

/* A second name where the file system has them, so that path is never missing. */
enum dylumo_status program_keep_old(const char *path, struct dylumo_error *err)
{
    char old[4104];
    snprintf(old, sizeof old, "%s.old", path);
    if (access(path, F_OK))
        return DYLUMO_OK;
    (void)unlink(old);
    if (link(path, old) && rename(path, old))
        return dy_fail_errno(err, errno, old, "cannot keep what was there");
    return DYLUMO_OK;
}
