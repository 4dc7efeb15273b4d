/* One matrix of a CLIP file on its way into oneDNN's layout, in the arithmetic's type. */
#ifndef ENCODER_CLIP_WEIGHTS_H
#define ENCODER_CLIP_WEIGHTS_H

#include "encoder_clip_file.h"
#include "encoder_product.h"

struct clip_packing {
    struct clip_matrix_source from;
    const dnnl_memory_desc_t *layout; /* whose type it becomes: f32, bf16 or s8 */
    void *room;                       /* the layout's size, 64-byte aligned */
    const float *column_factors;      /* [in] that columns are multiplied by; NULL: 1 */
    const float *value_factors;       /* [out / 3] that the last third of rows is divided by */
    bool narrow;                      /* s8: 7 bits */
    float *step, *sum;                /* s8: [out] each, receive what restoring needs */
    float *row;                       /* its own */
};

/* Fails    BAD_FILE for a weight that is not finite; UNSUPPORTED for a layout unknown to us. */
enum dylumo_status clip_pack(struct clip_packing *packing, struct dylumo_error *err) DY_MUST_USE;

/* Row index of a matrix as f32, [in]. */
void clip_read_row(float *row, const struct clip_matrix_source *from, size_t index);

#endif
