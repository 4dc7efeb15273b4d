/* doctor: what of dylumo is on this machine, whether it is whole, and which parts fit together.
 * Looks at files, libraries and the environment; asks nobody, changes nothing. */
#ifndef DY_DOCTOR_H
#define DY_DOCTOR_H

#include "dy_base.h"

enum dy_finding_state {
    DY_FINDING_OK,
    DY_FINDING_ABSENT,  /* not here, and nothing needs it */
    DY_FINDING_WARNING, /* works, though not as one would wish */
    DY_FINDING_FAULT    /* what recommend uses, missing or broken */
};
/* "ok", "absent", "warning", "fault". Static. */
const char *dy_finding_state_name(enum dy_finding_state state);

/* One thing looked at. Texts are empty where there is nothing to say. */
struct dy_finding {
    enum dy_finding_state state;
    enum dylumo_status status; /* of a fault: what opening says */
    const char *group;         /* "parts"; static */
    char name[64];
    char text[1024];
    char path[4096];
    char version[160];
    char hash[24];
    char command[2 * 4096 + 64]; /* that gets, mends or uses it */
};

struct dy_findings {
    struct dy_finding *items; /* by group */
    size_t count, room;
};

/* NULL members: what recommend takes by itself. */
struct dy_doctor_parts {
    const char *encoder, *mood, *songs;
};

/* Looks at everything; what is wrong is a finding, not a failure.
 *
 * Owns     dy_findings_clear, also after a failure.
 * Fails    NO_MEMORY, CANCELLED.
 * Cost     opens every weight file of the data folder and reads the songs file once. */
enum dylumo_status dy_doctor(struct dy_findings *findings, const struct dy_doctor_parts *parts,
                             const struct dylumo_context *context,
                             struct dylumo_error *err) DY_MUST_USE;
void dy_findings_clear(struct dy_findings *findings);

#endif
