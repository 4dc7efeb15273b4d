/* One look at everything, and what its parts share. */
#ifndef DOCTOR_INTERNAL_H
#define DOCTOR_INTERNAL_H

#include "dy_doctor.h"
#include "dy_encoder.h"
#include "dy_mood.h"
#include "dy_songs.h"

struct doctor {
    struct dy_findings *findings;
    struct dy_finding spare; /* is written where there is no memory for another */
    bool no_memory;
    const struct dy_doctor_parts *wanted;
    const struct dylumo_context *context;
    /* what recommend uses, as far as it opens */
    struct dy_encoder *encoder;
    struct dy_mood_model *mood;
    struct dy_songs *songs;
    char encoder_path[4096], mood_path[4096], songs_path[4096];
};

/* A new finding, of state OK, to be filled at once: the next one may move it. Never NULL. */
struct dy_finding *doctor_add(struct doctor *doctor, const char *group, const char *name);
/* Makes a finding of what opening said. */
void doctor_fault(struct dy_finding *finding, enum dylumo_status status,
                  const struct dylumo_error *err);

void doctor_machine(struct doctor *doctor);     /* program, processor, libraries */
void doctor_parts(struct doctor *doctor);       /* what recommend uses, and whether it fits */
void doctor_weights(struct doctor *doctor);     /* other weights of the data folder */
void doctor_catalogues(struct doctor *doctor);  /* other songs files there */
void doctor_items(struct doctor *doctor);       /* what `dylumo get` knows */
void doctor_credentials(struct doctor *doctor); /* whether there are any */

/* The name of the mood file that goes with an encoder of this name: NAME-mood. */
void doctor_mood_name(char *name, size_t size, const char *encoder);

#endif
