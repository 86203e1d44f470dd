#include "infrastructure/import_target_http/import_answer_json.h"

#include <stdlib.h>
#include <yyjson.h>

/* {"detail": …, "errors": […]} of a problem document, as text that the caller frees. */
static char *write_problem(yyjson_val *problem, size_t *out_len)
{
    yyjson_mut_doc *document = yyjson_mut_doc_new(NULL);
    if (document == NULL) {
        return NULL;
    }
    static const char *const kept[] = {"detail", "errors"};
    yyjson_mut_val *object = yyjson_mut_obj(document);
    yyjson_mut_doc_set_root(document, object);
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        yyjson_val *value = yyjson_obj_get(problem, kept[i]);
        if (value != NULL) {
            yyjson_mut_obj_add_val(document, object, kept[i], yyjson_val_mut_copy(document, value));
        }
    }
    char *text = yyjson_mut_write(document, 0, out_len);
    yyjson_mut_doc_free(document);
    return text;
}

static enum status visit_problem(yyjson_val *problem, size_t index,
                                 const struct import_answer_visitor *visitor, struct error *err)
{
    size_t len = 0;
    char *text = write_problem(problem, &len);
    bool visited = text != NULL && visitor->visit(visitor->context, index, (struct str){text, len});
    free(text);
    return visited ? STATUS_OK
                   : error_set(err, STATUS_NO_MEMORY, 0, "there is no memory for an answer");
}

static enum status visit_result(yyjson_val *result, size_t index,
                                const struct import_answer_visitor *visitor, struct error *err)
{
    yyjson_val *problem = yyjson_obj_get(result, "error");
    if (problem != NULL) {
        return visit_problem(problem, index, visitor, err);
    }
    return yyjson_is_str(yyjson_obj_get(result, "id"))
               ? STATUS_OK
               : error_set(err, STATUS_INVALID, 0, "a result has neither an id nor an error");
}

static enum status visit_results(yyjson_val *results, size_t count,
                                 const struct import_answer_visitor *visitor, struct error *err)
{
    if (!yyjson_is_arr(results)) {
        return error_set(err, STATUS_NOT_FOUND, 0, "the answer has no results");
    }
    if (yyjson_arr_size(results) != count) {
        return error_set(err, STATUS_INVALID, 0, "the answer has %zu results for %zu activities",
                         yyjson_arr_size(results), count);
    }
    enum status status = STATUS_OK;
    yyjson_arr_iter left;
    yyjson_arr_iter_init(results, &left);
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        status = visit_result(yyjson_arr_iter_next(&left), i, visitor, err);
    }
    return status;
}

enum status import_answer_read(struct str body, size_t count,
                               const struct import_answer_visitor *visitor, struct error *err)
{
    yyjson_read_err why;
    yyjson_doc *document = yyjson_read_opts((char *)(uintptr_t)body.data, body.len, 0, NULL, &why);
    if (document == NULL) {
        return error_set(err,
                         why.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION ? STATUS_NO_MEMORY
                                                                         : STATUS_INVALID,
                         0, "the answer cannot be read as JSON: %s", why.msg);
    }
    enum status status = visit_results(yyjson_obj_get(yyjson_doc_get_root(document), "results"),
                                       count, visitor, err);
    yyjson_doc_free(document);
    return status;
}

enum status import_answer_refuse_whole(struct str body, const struct import_answer_visitor *visitor,
                                       struct error *err)
{
    yyjson_doc *document = yyjson_read_opts((char *)(uintptr_t)body.data, body.len, 0, NULL, NULL);
    enum status status = visit_problem(yyjson_doc_get_root(document), 0, visitor, err);
    yyjson_doc_free(document);
    return status;
}
