/* A page of text that grows: within present only. */
#ifndef PRESENT_INTERNAL_H
#define PRESENT_INTERNAL_H

#include "dy_base.h"

struct page {
    char *text; /* NUL-terminated once anything was added */
    size_t used, room;
    bool failed; /* no memory; stays so */
};

void page_add(struct page *page, const char *text, size_t size);
void page_print(struct page *page, const char *format, ...) DY_PRINTF(2, 3);
/* text cleaned of control characters and cut (with "...") or filled with blanks to so many columns;
 * columns 0: as long as it is. */
void page_name(struct page *page, const char *text, size_t columns);
/* text cleaned and broken at blanks into lines of at most columns, each after so many blanks. */
void page_paragraph(struct page *page, const char *text, size_t indent, size_t columns);

#endif
