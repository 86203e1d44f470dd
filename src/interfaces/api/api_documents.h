#pragma once
/*
 * What is served from the program itself: the document of the API, the page that shows it, and the
 * dashboard. The table is made by the build (usertrail_embed) from the files of this folder and of
 * interfaces/dashboard and, when they are there, the libraries that the pages need. Any thread.
 */
#include "base/str.h"

struct api_document {
    struct str name; /* "openapi.json", "docs/index.html" */
    struct str content_type;
    struct str etag; /* strong; changes with the content */
    struct str gzip_etag;
    struct str plain;
    struct str gzip; /* the same, compressed */
};

extern const struct api_document api_documents[];
extern const size_t api_document_count;

/* `folder` and `file` together are the name; NULL when there is none of that name. */
const struct api_document *api_document_find(struct str folder, struct str file);
