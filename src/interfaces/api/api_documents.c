/*
 * GET of the document of the API, of the page that shows it, and of the dashboard.
 */
#include "interfaces/api/api_documents.h"

#include "interfaces/api/api_private.h"
#include "interfaces/http/http_negotiation.h"

/* A page may load what this server has, and nothing else: no text of an answer that it shows can
 * become a script. Swagger UI draws its icons as data. */
#define PAGE_POLICY                                                                                \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "              \
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const struct api_document *api_document_find(struct str folder, struct str file)
{
    for (size_t i = 0; i < api_document_count; i++) {
        struct str name = api_documents[i].name;
        if (name.len == folder.len + file.len && str_starts_with(name, folder) &&
            str_equal((struct str){name.data + folder.len, file.len}, file)) {
            return &api_documents[i];
        }
    }
    return NULL;
}

/* Files keep their names over releases, so that a client asks each time whether they changed. */
static void serve(const struct api_call *call, const struct api_document *document)
{
    bool gzip = http_accepts_gzip(api_call_field(call, API_FIELD_ACCEPT_ENCODING));
    struct str etag = gzip ? document->gzip_etag : document->etag;
    const struct http_header headers[] = {
        {STR("ETag"), etag},
        {STR("Cache-Control"), STR("no-cache")},
        {STR("Vary"), STR("Accept-Encoding")},
        {STR("Content-Security-Policy"), STR(PAGE_POLICY)},
        {STR("X-Content-Type-Options"), STR("nosniff")},
        {STR("Referrer-Policy"), STR("no-referrer")},
        {STR("Content-Encoding"), STR("gzip")}, /* the last: left out otherwise */
    };
    bool same = http_etag_matches(api_call_field(call, API_FIELD_IF_NONE_MATCH), etag);
    http_exchange_respond(
        call->exchange,
        &(struct http_response){
            .status = same ? 304 : 200,
            .content_type = same ? (struct str){0} : document->content_type,
            .body = gzip ? document->gzip : document->plain,
            .headers = headers,
            .header_count = gzip && !same ? ARRAY_LENGTH(headers) : ARRAY_LENGTH(headers) - 1,
        });
}

void api_openapi(const struct api_call *call)
{
    serve(call, api_document_find(STR(""), STR("openapi.json")));
}

/* What the page names is relative to "/docs/", so that it works behind a proxy with a prefix, too.
 */
void api_docs(const struct api_call *call)
{
    struct str path = call->request->path;
    if (path.data[path.len - 1] == '/') {
        serve(call, api_document_find(STR("docs/"), STR("index.html")));
        return;
    }
    struct http_header location = {STR("Location"), STR("docs/")};
    http_exchange_respond(
        call->exchange,
        &(struct http_response){.status = 308, .headers = &location, .header_count = 1});
}

static void serve_file(const struct api_call *call, struct str folder, const char *missing)
{
    const struct api_document *document = api_document_find(folder, call->rest);
    if (document == NULL) {
        api_answer_problem_type(call->exchange, API_PROBLEM_NO_SUCH_ROUTE, missing);
        return;
    }
    serve(call, document);
}

void api_docs_file(const struct api_call *call)
{
    serve_file(call, STR("docs/"), "the page that shows the API has no such file");
}

/* Its files are in a folder below, so that the page works behind a proxy with a prefix, too. */
void api_dashboard(const struct api_call *call)
{
    serve(call, api_document_find(STR(""), STR("index.html")));
}

void api_dashboard_file(const struct api_call *call)
{
    serve_file(call, STR("dashboard/"), "the dashboard has no such file");
}
