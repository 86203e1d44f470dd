#include "infrastructure/mongodb_client/write_statements.h"

#include "infrastructure/mongodb_client/document_writer.h"
#include "infrastructure/mongodb_client/mongodb_client.h"

static struct write_statements begin(struct buffer *out, struct str collection, struct str command,
                                     struct str list)
{
    struct write_statements statements = {.out = out, .whole = document_begin(out)};
    document_put_str(out, command, collection);
    mongodb_client_append_write_concern(out);
    statements.list = document_open(out, DOCUMENT_ARRAY, list);
    return statements;
}

struct write_statements write_statements_update(struct buffer *out, struct str collection)
{
    return begin(out, collection, STR("update"), STR("updates"));
}

struct write_statements write_statements_delete(struct buffer *out, struct str collection)
{
    return begin(out, collection, STR("delete"), STR("deletes"));
}

void write_statements_begin_query(struct write_statements *statements)
{
    statements->statement =
        document_open_index(statements->out, DOCUMENT_OBJECT, statements->count++);
    statements->part = document_open(statements->out, DOCUMENT_OBJECT, STR("q"));
}

void write_statements_begin_change(struct write_statements *statements)
{
    document_end(statements->out, statements->part);
    statements->part = document_open(statements->out, DOCUMENT_OBJECT, STR("u"));
}

void write_statements_end_change(struct write_statements *statements, enum write_scope scope)
{
    document_end(statements->out, statements->part);
    if (scope != WRITE_ONE) {
        document_put_bool(statements->out, scope == WRITE_ALL ? STR("multi") : STR("upsert"), true);
    }
    document_end(statements->out, statements->statement);
}

void write_statements_end_removal(struct write_statements *statements, enum write_scope scope)
{
    document_end(statements->out, statements->part);
    document_put_i32(statements->out, STR("limit"), scope == WRITE_ALL ? 0 : 1);
    document_end(statements->out, statements->statement);
}

void write_statements_end(struct write_statements *statements)
{
    document_end(statements->out, statements->list);
    document_end(statements->out, statements->whole);
}
