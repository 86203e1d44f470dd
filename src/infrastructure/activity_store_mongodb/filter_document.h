#pragma once
/*
 * A filter as a query document. Values are bound as BSON values, so no text of a client can become
 * an operator.
 *
 * Conditions on metadata only select beforehand: the server leaves out what cannot match, and each
 * row that it gives is checked again by metadata_filter.h, so that every adapter answers alike. A
 * path takes part where the server surely finds every match: its keys hold no point, and numbers
 * among its values compare exactly (metadata_number.h). What has metadataText is always selected.
 * What is excluded by metadata takes no part: the server has a member that is missing for null,
 * and looks into arrays by indexes, so it would leave out rows that match.
 *
 * A user or action matches as a string, and where its text is a whole number or 24 hexadecimal
 * digits also as that number or ObjectId of another writer. Any thread.
 */
#include "base/buffer.h"
#include "domain/activity_page.h"

/* The key behind which a page goes on, and which of both kinds of ids it has: the server's order
 * has all strings before all ObjectIds. */
struct filter_after {
    enum activity_order order;
    struct activity_key key;
    bool is_object_id;
};

/* Appends the members of a query; `after` may be NULL. */
void filter_document_append(const struct activity_filter *filter, const struct filter_after *after,
                            struct buffer *out_query);

/* Appends {key: the name}, in all types that it may have. */
void filter_document_append_name(struct str key, struct str name, struct buffer *out_query);

/* False unless the text is one of an ObjectId as they are shown. */
bool filter_document_read_object_id(struct str text, uint8_t out_bytes[12]);
