/* The list of findings, and the round of everything that is looked at. */
#include "doctor_internal.h"

const char *dy_finding_state_name(enum dy_finding_state state)
{
    static const char *const names[] = {"ok", "absent", "warning", "fault"};
    return names[state];
}

struct dy_finding *doctor_add(struct doctor *doctor, const char *group, const char *name)
{
    struct dy_findings *all = doctor->findings;
    struct dy_finding *finding = &doctor->spare;
    if (dy_grow(&all->items, &all->room, all->count + 1, sizeof *all->items))
        finding = &all->items[all->count++];
    else
        doctor->no_memory = true;
    *finding = (struct dy_finding){.group = group};
    snprintf(finding->name, sizeof finding->name, "%s", name);
    return finding;
}

void doctor_fault(struct dy_finding *finding, enum dylumo_status status,
                  const struct dylumo_error *err)
{
    finding->state = DY_FINDING_FAULT;
    finding->status = status;
    snprintf(finding->text, sizeof finding->text, "%s", err->text);
}

void dy_findings_clear(struct dy_findings *findings)
{
    dy_free(findings->items);
    *findings = (struct dy_findings){0};
}

enum dylumo_status dy_doctor(struct dy_findings *findings, const struct dy_doctor_parts *parts,
                             const struct dylumo_context *context, struct dylumo_error *err)
{
    static void (*const looks[])(struct doctor * doctor) = {
        doctor_machine,    doctor_parts, doctor_weights,
        doctor_catalogues, doctor_items, doctor_credentials,
    };
    *findings = (struct dy_findings){0};
    struct doctor *doctor = dy_new(sizeof *doctor);
    if (!doctor)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory to look at the parts");
    doctor->findings = findings;
    doctor->wanted = parts;
    doctor->context = context;
    for (size_t i = 0; i < DY_COUNT(looks) && !dy_context_cancelled(context); i++)
        looks[i](doctor);
    bool no_memory = doctor->no_memory;
    dy_encoder_close(doctor->encoder);
    dy_mood_close(doctor->mood);
    dy_songs_close(doctor->songs);
    dy_free(doctor);
    if (no_memory)
        return dy_fail(err, DYLUMO_NO_MEMORY, "no memory for the findings");
    return dy_context_cancelled(context) ? dy_fail(err, DYLUMO_CANCELLED, "stopped") : DYLUMO_OK;
}
