#include "interfaces/http/http_coding.h"

#include "base/macros.h"

static const struct {
    struct str name;
    enum http_coding coding;
} codings[] = {
    {{"identity", 8}, HTTP_CODING_IDENTITY}, {{"gzip", 4}, HTTP_CODING_GZIP},
    {{"x-gzip", 6}, HTTP_CODING_GZIP},       {{"deflate", 7}, HTTP_CODING_DEFLATE},
    {{"zstd", 4}, HTTP_CODING_ZSTD},
};

enum http_coding http_coding_read(struct str value)
{
    if (value.data == NULL) {
        return HTTP_CODING_IDENTITY;
    }
    for (size_t i = 0; i < ARRAY_LENGTH(codings); i++) {
        if (str_equal_ignoring_case(codings[i].name, value)) {
            return codings[i].coding;
        }
    }
    return HTTP_CODING_COUNT;
}
