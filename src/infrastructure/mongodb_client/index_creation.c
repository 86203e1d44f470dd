#include "infrastructure/mongodb_client/index_creation.h"

#include "infrastructure/mongodb_client/document_writer.h"

static void put_index(struct buffer *command, size_t place, const struct index_creation *index)
{
    size_t document = document_open_index(command, DOCUMENT_OBJECT, place);
    size_t key = document_open(command, DOCUMENT_OBJECT, STR("key"));
    for (size_t i = 0; i < INDEX_MEMBERS_MAX && index->members[i] != NULL; i++) {
        document_put_i32(command, str_from(index->members[i]), 1);
    }
    document_end(command, key);
    document_put_str(command, STR("name"), str_from(index->name));
    if (index->expire_seconds > 0) {
        document_put_i64(command, STR("expireAfterSeconds"), index->expire_seconds);
    }
    document_end(command, document);
}

void index_creation_write(struct str collection, const struct index_creation *indexes, size_t count,
                          struct buffer *command)
{
    size_t whole = document_begin(command);
    document_put_str(command, STR("createIndexes"), collection);
    size_t list = document_open(command, DOCUMENT_ARRAY, STR("indexes"));
    for (size_t i = 0; i < count; i++) {
        put_index(command, i, &indexes[i]);
    }
    document_end(command, list);
    document_end(command, whole);
}
