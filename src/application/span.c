#include "application/span.h"

#include "base/assert.h"

static void add(struct span *span, const struct span_attribute *attribute)
{
    ASSERT(span->attribute_count < SPAN_ATTRIBUTES_MAX);
    span->attributes[span->attribute_count++] = *attribute;
}

void span_add_text(struct span *span, struct str key, struct str text)
{
    if (text.data != NULL) {
        add(span, &(struct span_attribute){.key = key, .text = text});
    }
}

void span_add_number(struct span *span, struct str key, int64_t number)
{
    add(span, &(struct span_attribute){.key = key, .number = number});
}
