/* What `dylumo songs --json` prints: one object, one line. docs/json.md names the members. */
#ifndef SONGS_JSON_H
#define SONGS_JSON_H

#include "dy_catalogue.h"

/* Songs found, or, with their squared distance, songs near one. false without memory. */
bool songs_json_hits(const struct dy_catalogue *catalogue, const struct dy_catalogue_hit *hits,
                     size_t count, bool near);
/* What a songs file holds. false without memory. */
bool songs_json_facts(const struct dy_catalogue_facts *facts);

#endif
