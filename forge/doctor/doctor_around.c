/* What stands around the parts: the processor, libraries that are loaded late, things that
 * `dylumo get` fetched, and whether there are credentials (never which). */
#include "doctor_internal.h"

#include "dy_get.h"
#include "dy_image.h"
#include "dy_import.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ------------------------------------------------------------------ machine */

static void look_at_program(struct doctor *doctor)
{
    struct dy_finding *finding = doctor_add(doctor, "machine", "program");
    snprintf(finding->version, sizeof finding->version, "%s", dylumo_version());
    snprintf(finding->text, sizeof finding->text, "dylumo %s", dylumo_version());
    ssize_t length = readlink("/proc/self/exe", finding->path, sizeof finding->path - 1);
    finding->path[length > 0 ? length : 0] = '\0';
}

static void look_at_processor(struct doctor *doctor)
{
    struct dy_cpu cpu = dy_cpu_read();
    const char *limit = getenv("DYLUMO_CPU");
    struct dy_finding *finding = doctor_add(doctor, "machine", "processor");
    snprintf(finding->text, sizeof finding->text, "uses %s on %u threads%s%s", dy_cpu_name(&cpu),
             dy_context_threads(doctor->context), limit && *limit ? "; DYLUMO_CPU is " : "",
             limit && *limit ? limit : "");
    if (!cpu.avx2 && !(limit && *limit)) {
        size_t used = strlen(finding->text);
        finding->state = DY_FINDING_WARNING;
        snprintf(finding->text + used, sizeof finding->text - used,
                 "; from AVX2 on it is several times as fast");
    }
}

static void look_at_duckdb(struct doctor *doctor)
{
    struct dylumo_error err;
    struct dy_finding *finding = doctor_add(doctor, "machine", "DuckDB");
    if (!dy_import_duckdb(finding->path, sizeof finding->path, finding->version,
                          sizeof finding->version, &err)) {
        snprintf(finding->text, sizeof finding->text, "%s, reads Parquet", finding->version);
        return;
    }
    bool named = getenv("DYLUMO_DUCKDB") != NULL;
    finding->state = named ? DY_FINDING_WARNING : DY_FINDING_ABSENT;
    snprintf(finding->text, sizeof finding->text, "%s",
             named ? err.text : "not here: Parquet, and so EMID, can't be read");
    finding->path[0] = '\0';
    snprintf(finding->command, sizeof finding->command, "dylumo get duckdb");
}

static void look_at_curl(struct doctor *doctor)
{
    struct dylumo_error err;
    struct dy_finding *finding = doctor_add(doctor, "machine", "libcurl");
    if (!dy_get_libraries(finding->version, sizeof finding->version, &err)) {
        snprintf(finding->text, sizeof finding->text, "%.*s, downloads",
                 (int)strcspn(finding->version, " "), finding->version);
        return;
    }
    finding->state = DY_FINDING_ABSENT;
    snprintf(finding->text, sizeof finding->text, "%s", err.text);
    snprintf(finding->command, sizeof finding->command, "apt install libcurl4 libssl3");
}

static void look_at_heif(struct doctor *doctor)
{
    struct dy_finding *finding = doctor_add(doctor, "machine", "libheif");
    const char *version = dy_image_heif_version();
    if (version) {
        snprintf(finding->version, sizeof finding->version, "%s", version);
        snprintf(finding->text, sizeof finding->text, "%s, reads HEIC and AVIF", version);
        return;
    }
    finding->state = DY_FINDING_ABSENT;
    snprintf(finding->text, sizeof finding->text, "not here: HEIC and AVIF can't be read");
    snprintf(finding->command, sizeof finding->command, "apt install libheif1");
}

void doctor_machine(struct doctor *doctor)
{
    look_at_program(doctor);
    look_at_processor(doctor);
    look_at_duckdb(doctor);
    look_at_curl(doctor);
    look_at_heif(doctor);
}

/* ------------------------------------------------------------------ things of `dylumo get` */

static void look_at_item(struct doctor *doctor, const struct dy_item *item)
{
    struct dy_item_record record;
    struct dy_finding *finding = doctor_add(doctor, "data", item->name);
    bool known = dy_item_recall(item, &record);
    if (known && record.there) {
        snprintf(finding->text, sizeof finding->text, "got %s, licence %s", record.time,
                 item->licence);
        snprintf(finding->version, sizeof finding->version, "%s", record.version);
        snprintf(finding->path, sizeof finding->path, "%s", record.made);
        return;
    }
    finding->state = DY_FINDING_ABSENT;
    snprintf(finding->text, sizeof finding->text, "%s%s, %s", known ? "was got and is gone: " : "",
             item->about, item->size);
    snprintf(finding->command, sizeof finding->command, "dylumo get %s", item->name);
}

void doctor_items(struct doctor *doctor)
{
    for (size_t i = 0; dy_item_at(i); i++)
        look_at_item(doctor, dy_item_at(i));
}

/* ------------------------------------------------------------------ credentials */

static void look_at_hub(struct doctor *doctor)
{
    struct dylumo_error err;
    struct dy_hub hub;
    struct dy_finding *finding = doctor_add(doctor, "credentials", "Hugging Face");
    if (dy_hub_open(&hub, &err)) {
        finding->state = DY_FINDING_WARNING;
        snprintf(finding->text, sizeof finding->text, "%s", err.text);
        return;
    }
    finding->state = hub.token ? DY_FINDING_OK : DY_FINDING_ABSENT;
    snprintf(finding->text, sizeof finding->text,
             hub.token ? "a token is here; files lie in"
                       : "no token (HF_TOKEN), and none is needed; files lie in");
    snprintf(finding->path, sizeof finding->path, "%s", hub.cache);
    dy_hub_close(&hub);
}

static void look_at_kaggle(struct doctor *doctor)
{
    struct dylumo_error err;
    struct dy_kaggle kaggle;
    struct dy_finding *finding = doctor_add(doctor, "credentials", "Kaggle");
    enum dylumo_status st = dy_kaggle_open(&kaggle, &err);
    if (st) {
        finding->state = DY_FINDING_WARNING;
        snprintf(finding->text, sizeof finding->text, "%s", err.text);
        snprintf(finding->command, sizeof finding->command, "dylumo kaggle setup");
        return;
    }
    if (!kaggle.secret) {
        finding->state = DY_FINDING_ABSENT;
        snprintf(finding->text, sizeof finding->text, "none, and none are needed to get data");
        snprintf(finding->command, sizeof finding->command, "dylumo kaggle setup");
    } else if (kaggle.readable) {
        finding->state = DY_FINDING_WARNING;
        snprintf(finding->text, sizeof finding->text,
                 "are here, where others on this machine can read them");
        snprintf(finding->command, sizeof finding->command, "chmod 600 %.4096s", kaggle.source);
    } else {
        snprintf(finding->text, sizeof finding->text, "are here, of %.900s", kaggle.source);
    }
    dy_kaggle_close(&kaggle);
}

void doctor_credentials(struct doctor *doctor)
{
    look_at_hub(doctor);
    look_at_kaggle(doctor);
}
