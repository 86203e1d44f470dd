#pragma once
/*
 * A command that updates or deletes, by one or more statements:
 *
 *     {update: "collection", writeConcern: {…}, updates: [{q: {…}, u: {…}, upsert: true}, …]}
 *     {delete: "collection", writeConcern: {…}, deletes: [{q: {…}, limit: 1}, …]}
 *
 * What stands in q and u is written to the buffer between the calls. One thread at a time.
 */
#include "base/buffer.h"

struct write_statements {
    struct buffer *out;
    size_t whole; /* where the documents begin that are open */
    size_t list;
    size_t statement;
    size_t part; /* q or u */
    size_t count;
};

/* Both begin the command at the end of `out`, which is the caller's. */
struct write_statements write_statements_update(struct buffer *out, struct str collection);
struct write_statements write_statements_delete(struct buffer *out, struct str collection);

/* Begins the next statement, with q open. */
void write_statements_begin_query(struct write_statements *statements);

/* Ends q and opens u. */
void write_statements_begin_change(struct write_statements *statements);

enum write_scope { WRITE_ONE, WRITE_ONE_OR_INSERT, WRITE_ALL };

/* Ends u and the statement. */
void write_statements_end_change(struct write_statements *statements, enum write_scope scope);

/* Ends q and the statement. */
void write_statements_end_removal(struct write_statements *statements, enum write_scope scope);

/* Ends the command. */
void write_statements_end(struct write_statements *statements);
