/*
 * Guards the document at /openapi.json: it has the routes, methods, parameters, fields of the
 * header, types of bodies and of problems that the program has, and no others; what it refers to is
 * there.
 */
#include "interfaces/api/api_documents.h"
#include "interfaces/api/api_media.h"
#include "interfaces/api/api_private.h"
#include "interfaces/api/api_query_string.h"
#include "interfaces/http/http_fault.h"
#include "usertrail_version.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <yyjson.h>

#include <cmocka.h>

enum { PATH_BYTES_MAX = 128 };

static yyjson_doc *document;

static int read_document(void **state)
{
    (void)state;
    const struct api_document *embedded = api_document_find(STR(""), STR("openapi.json"));
    assert_non_null(embedded);
    document = yyjson_read(embedded->plain.data, embedded->plain.len, 0);
    return document == NULL;
}

static int free_document(void **state)
{
    (void)state;
    yyjson_doc_free(document);
    return 0;
}

/* What a value says, itself or where its $ref leads. */
static yyjson_val *resolved(yyjson_val *value)
{
    const char *ref = yyjson_get_str(yyjson_obj_get(value, "$ref"));
    if (ref == NULL) {
        return value;
    }
    yyjson_val *target = ref[0] == '#' ? yyjson_doc_ptr_get(document, ref + 1) : NULL;
    if (target == NULL) {
        fail_msg("%s leads nowhere", ref);
    }
    return target;
}

/* --- routes --- */

/* "/api/v1/activities/{}": paths compare without the names of their segments. */
static void shape_of_route(const struct api_route *route, char out_shape[PATH_BYTES_MAX])
{
    snprintf(out_shape, PATH_BYTES_MAX, "%.*s%s%.*s", STR_FORMAT(route->path),
             route->has_id ? "/{}" : "", STR_FORMAT(route->behind_id));
}

static void shape_of_path(const char *path, char out_shape[PATH_BYTES_MAX])
{
    size_t len = 0;
    bool within = false;
    for (; *path != '\0' && len + 1 < PATH_BYTES_MAX; path++) {
        within = within && *path != '}';
        if (!within) {
            out_shape[len++] = *path;
        }
        within = within || *path == '{';
    }
    out_shape[len] = '\0';
}

static bool has_shape(yyjson_val *path, const char *shape)
{
    char of_path[PATH_BYTES_MAX];
    shape_of_path(yyjson_get_str(path), of_path);
    return strcmp(of_path, shape) == 0;
}

/* The path item of a shape, whether that is its path or one of its aliases. */
static yyjson_val *find_item(const char *shape)
{
    size_t at, count, alias_at, alias_count;
    yyjson_val *path, *item, *alias;
    yyjson_obj_foreach(yyjson_doc_ptr_get(document, "/paths"), at, count, path, item)
    {
        if (has_shape(path, shape)) {
            return item;
        }
        yyjson_arr_foreach(yyjson_obj_get(item, "x-aliases"), alias_at, alias_count, alias)
        {
            if (has_shape(alias, shape)) {
                return item;
            }
        }
    }
    return NULL;
}

static const struct api_route *find_route(const char *shape)
{
    const struct api_route *route;
    for (size_t i = 0; (route = api_route_at(i)) != NULL; i++) {
        char of_route[PATH_BYTES_MAX];
        shape_of_route(route, of_route);
        if (strcmp(of_route, shape) == 0) {
            return route;
        }
    }
    return NULL;
}

/* --- methods and parameters --- */

struct method {
    char name[8];
    enum http_method method;
};

static const struct method methods[] = {
    {"get", HTTP_METHOD_GET}, {"post", HTTP_METHOD_POST}, {"delete", HTTP_METHOD_DELETE}};

/* What is compared: what the program does and what the document says of it. */
struct pair {
    const char *shape;
    const char *method;
    const struct api_operation *done;
    yyjson_val *described;
};

/* One of the ways to show a key, and the scopes that it then needs: [{"key": ["read"]}, ...]. */
static unsigned scopes_described(yyjson_val *operation, const char *scheme)
{
    size_t way_at, way_count, at, count;
    yyjson_val *way, *name;
    unsigned scopes = 0;
    yyjson_arr_foreach(yyjson_obj_get(operation, "security"), way_at, way_count, way)
    {
        yyjson_arr_foreach(yyjson_obj_get(way, scheme), at, count, name)
        {
            unsigned scope = 0;
            assert_true(access_scopes_parse(str_from(yyjson_get_str(name)), &scope));
            scopes |= scope;
        }
    }
    return scopes;
}

static void expect_scopes(const struct pair *pair)
{
    if (yyjson_obj_get(pair->described, "security") == NULL ||
        scopes_described(pair->described, "key") != pair->done->needs ||
        scopes_described(pair->described, "keyAsPassword") != pair->done->needs) {
        fail_msg("%s %s: the scopes are not those of the route", pair->method, pair->shape);
    }
}

static yyjson_val *find_parameter(yyjson_val *operation, const char *in, struct str name)
{
    size_t at, count;
    yyjson_val *listed;
    yyjson_arr_foreach(yyjson_obj_get(operation, "parameters"), at, count, listed)
    {
        yyjson_val *parameter = resolved(listed);
        if (yyjson_equals_str(yyjson_obj_get(parameter, "in"), in) &&
            yyjson_equals_strn(yyjson_obj_get(parameter, "name"), name.data, name.len)) {
            return parameter;
        }
    }
    return NULL;
}

static size_t count_parameters(yyjson_val *operation, const char *in)
{
    size_t at, count, found = 0;
    yyjson_val *listed;
    yyjson_arr_foreach(yyjson_obj_get(operation, "parameters"), at, count, listed)
    {
        found += yyjson_equals_str(yyjson_obj_get(resolved(listed), "in"), in);
    }
    return found;
}

static void expect_parameters(const struct pair *pair)
{
    const struct api_parameter_set *set = pair->done->parameters;
    const struct api_parameter *parameter;
    size_t understood = 0;
    for (; set != NULL && (parameter = api_parameter_at(set, understood)) != NULL; understood++) {
        yyjson_val *described = find_parameter(pair->described, "query", parameter->name);
        if (described == NULL) {
            fail_msg("%s %s: the parameter %.*s is not described", pair->method, pair->shape,
                     STR_FORMAT(parameter->name));
        }
        yyjson_val *schema = resolved(yyjson_obj_get(described, "schema"));
        bool list = yyjson_equals_str(yyjson_obj_get(schema, "type"), "array");
        if (list != parameter->repeatable) {
            fail_msg("%s %s: can %.*s be repeated?", pair->method, pair->shape,
                     STR_FORMAT(parameter->name));
        }
    }
    /* Any number of names that begin so, which are no parameters of the table. */
    static const struct str open[] = {{"metadata", 8}, {"not.metadata", 12}};
    for (size_t i = 0; i < ARRAY_LENGTH(open); i++) {
        bool has_it = find_parameter(pair->described, "query", open[i]) != NULL;
        assert_int_equal(has_it, set != NULL && set->has_filter);
        understood += has_it;
    }
    if (count_parameters(pair->described, "query") != understood) {
        fail_msg("%s %s: a parameter is described that the program does not know", pair->method,
                 pair->shape);
    }
}

/* The types that a body may have, of a request or of an answer. */
static size_t count_types(yyjson_val *message)
{
    return yyjson_obj_size(yyjson_obj_get(resolved(message), "content"));
}

static bool has_answer_of_several_types(yyjson_val *operation)
{
    size_t at, count;
    yyjson_val *status, *answer;
    yyjson_obj_foreach(yyjson_obj_get(operation, "responses"), at, count, status, answer)
    {
        if (count_types(answer) > 1) {
            return true;
        }
    }
    return false;
}

static unsigned fields_described(const struct pair *pair)
{
    size_t at, count;
    unsigned fields = 0;
    yyjson_val *listed;
    yyjson_arr_foreach(yyjson_obj_get(pair->described, "parameters"), at, count, listed)
    {
        yyjson_val *parameter = resolved(listed);
        if (yyjson_equals_str(yyjson_obj_get(parameter, "in"), "header")) {
            const char *name = yyjson_get_str(yyjson_obj_get(parameter, "name"));
            enum api_field field = api_field_find(str_from(name));
            unsigned read = field == API_FIELD_COUNT     ? 0
                            : api_field_is_of_all(field) ? API_FIELD_BIT(field)
                                                         : pair->done->fields;
            if ((read & API_FIELD_BIT(field)) == 0) {
                fail_msg("%s %s: nobody reads %s", pair->method, pair->shape, name);
            }
            fields |= API_FIELD_BIT(field);
        }
    }
    return fields;
}

/* Accept and Content-Type are no parameters by the standard (OpenAPI 3.1, 4.8.12.1): types of
 * bodies to choose from say that they are read. */
static void expect_fields(const struct pair *pair)
{
    const unsigned said_by_types =
        API_FIELD_BIT(API_FIELD_ACCEPT) | API_FIELD_BIT(API_FIELD_CONTENT_TYPE);
    unsigned fields = pair->done->fields;
    unsigned missing = fields & ~said_by_types & ~fields_described(pair);
    for (enum api_field field = 0; field < API_FIELD_COUNT; field++) {
        if ((missing & API_FIELD_BIT(field)) != 0) {
            fail_msg("%s %s: %.*s is read, but not described", pair->method, pair->shape,
                     STR_FORMAT(api_field_name(field)));
        }
        assert_false(api_field_is_of_all(field) && (fields & API_FIELD_BIT(field)) != 0);
    }
    bool typed = (fields & API_FIELD_BIT(API_FIELD_CONTENT_TYPE)) != 0;
    assert_int_equal(typed, count_types(yyjson_obj_get(pair->described, "requestBody")) > 1);
    assert_true((fields & API_FIELD_BIT(API_FIELD_ACCEPT)) == 0 ||
                has_answer_of_several_types(pair->described));
}

static void expect_operations(const struct api_route *route, const char *shape, yyjson_val *item)
{
    for (size_t i = 0; i < ARRAY_LENGTH(methods); i++) {
        const struct pair pair = {.shape = shape,
                                  .method = methods[i].name,
                                  .done = api_route_operation(route, methods[i].method),
                                  .described = yyjson_obj_get(item, methods[i].name)};
        if ((pair.described != NULL) != (pair.done != NULL)) {
            fail_msg("%s %s: described or answered, not both", pair.method, shape);
        }
        if (pair.described != NULL) {
            expect_parameters(&pair);
            expect_fields(&pair);
            expect_scopes(&pair);
            assert_int_equal(count_parameters(pair.described, "path"), route->has_id);
        }
    }
}

static void every_route_is_described(void **state)
{
    (void)state;
    const struct api_route *route;
    for (size_t i = 0; (route = api_route_at(i)) != NULL; i++) {
        char shape[PATH_BYTES_MAX];
        shape_of_route(route, shape);
        yyjson_val *item = find_item(shape);
        if (item == NULL) {
            fail_msg("%s is not described", shape);
        }
        expect_operations(route, shape, item);
    }
}

static void expect_route(yyjson_val *path)
{
    char shape[PATH_BYTES_MAX];
    shape_of_path(yyjson_get_str(path), shape);
    if (find_route(shape) == NULL) {
        fail_msg("%s is described, but there is no such route", yyjson_get_str(path));
    }
}

static void what_is_described_is_a_route(void **state)
{
    (void)state;
    static const char *const members[] = {"x-aliases", "get", "post", "delete"};
    size_t at, count, alias_at, alias_count;
    yyjson_val *path, *item, *alias;
    yyjson_obj_foreach(yyjson_doc_ptr_get(document, "/paths"), at, count, path, item)
    {
        size_t known = 0;
        expect_route(path);
        yyjson_arr_foreach(yyjson_obj_get(item, "x-aliases"), alias_at, alias_count, alias)
        {
            expect_route(alias);
        }
        for (size_t i = 0; i < ARRAY_LENGTH(members); i++) {
            known += yyjson_obj_get(item, members[i]) != NULL;
        }
        if (known != yyjson_obj_size(item)) {
            fail_msg("%s has a method that no route can have", yyjson_get_str(path));
        }
    }
}

static void bodies_have_the_types_that_are_described(void **state)
{
    (void)state;
    yyjson_val *content =
        yyjson_doc_ptr_get(document, "/paths/~1api~1v1~1activities/post/requestBody/content");
    struct str type;
    size_t count = 0;
    for (; (type = api_media_type_at(count)).data != NULL; count++) {
        if (yyjson_obj_getn(content, type.data, type.len) == NULL) {
            fail_msg("a body may be %.*s, which is not described", STR_FORMAT(type));
        }
    }
    assert_int_equal(yyjson_obj_size(content), count);
}

/* --- problems --- */

/* The entry of a type ("/problems/busy") among those of ProblemType. */
static yyjson_val *find_type(const char *type)
{
    size_t at, count;
    yyjson_val *entry;
    yyjson_arr_foreach(yyjson_doc_ptr_get(document, "/components/schemas/ProblemType/oneOf"), at,
                       count, entry)
    {
        if (yyjson_equals_str(yyjson_obj_get(entry, "const"), type)) {
            return entry;
        }
    }
    return NULL;
}

/* The status with which a description begins: "404. Look at the path." */
static int status_of(yyjson_val *entry)
{
    return (int)strtol(yyjson_get_str(yyjson_obj_get(entry, "description")), NULL, 10);
}

static void expect_type(const struct http_problem *problem)
{
    char type[PATH_BYTES_MAX];
    snprintf(type, sizeof type, "/problems/%s", problem->type);
    yyjson_val *entry = find_type(type);
    if (entry == NULL) {
        fail_msg("%s is not described", type);
    }
    assert_string_equal(yyjson_get_str(yyjson_obj_get(entry, "title")), problem->title);
    assert_int_equal(status_of(entry), problem->status);
}

static bool is_type_of_program(const char *type)
{
    const char *slug = type + strlen("/problems/");
    for (int i = 0; i < API_PROBLEM_COUNT; i++) {
        if (strcmp(api_problem_make((enum api_problem)i, "").type, slug) == 0) {
            return true;
        }
    }
    for (int i = HTTP_FAULT_NONE + 1; i < HTTP_FAULT_COUNT; i++) {
        if (strcmp(http_fault_problem((enum http_fault)i, NULL).type, slug) == 0) {
            return true;
        }
    }
    return false;
}

static void every_problem_is_described(void **state)
{
    (void)state;
    for (int i = 0; i < API_PROBLEM_COUNT; i++) {
        struct http_problem problem = api_problem_make((enum api_problem)i, "");
        expect_type(&problem);
    }
    for (int i = HTTP_FAULT_NONE + 1; i < HTTP_FAULT_COUNT; i++) {
        struct http_problem problem = http_fault_problem((enum http_fault)i, NULL);
        expect_type(&problem);
    }
}

static void what_is_described_is_a_problem(void **state)
{
    (void)state;
    size_t at, count;
    yyjson_val *entry;
    yyjson_arr_foreach(yyjson_doc_ptr_get(document, "/components/schemas/ProblemType/oneOf"), at,
                       count, entry)
    {
        const char *type = yyjson_get_str(yyjson_obj_get(entry, "const"));
        if (!is_type_of_program(type)) {
            fail_msg("%s is described, but no answer has this type", type);
        }
    }
}

/* Those of the transport come with any status, all others with the one that they are listed at. */
static void expect_types_of(const char *name, yyjson_val *schema)
{
    size_t at, count;
    yyjson_val *type;
    yyjson_val *status = yyjson_ptr_get(schema, "/properties/status/const");
    yyjson_val *types = yyjson_ptr_get(schema, "/properties/type/enum");
    if (types == NULL || (status == NULL && strcmp(name, "Transport") != 0)) {
        fail_msg("%s names no types of problems, or no status", name);
    }
    yyjson_arr_foreach(types, at, count, type)
    {
        yyjson_val *entry = find_type(yyjson_get_str(type));
        if (entry == NULL || (status != NULL && status_of(entry) != yyjson_get_int(status))) {
            fail_msg("%s: %s is no type with this status", name, yyjson_get_str(type));
        }
    }
}

static void answers_name_types_of_their_status(void **state)
{
    (void)state;
    size_t at, count, problems = 0;
    yyjson_val *name, *answer;
    yyjson_obj_foreach(yyjson_doc_ptr_get(document, "/components/responses"), at, count, name,
                       answer)
    {
        yyjson_val *schema = yyjson_ptr_get(answer, "/content/application~1problem+json/schema");
        if (schema != NULL) {
            problems++;
            expect_types_of(yyjson_get_str(name), schema);
        }
    }
    assert_true(problems > 10);
}

/* --- the whole --- */

static void follow_references(yyjson_val *value)
{
    size_t at, count;
    yyjson_val *key, *member;
    if (yyjson_is_obj(value)) {
        resolved(value);
        yyjson_obj_foreach(value, at, count, key, member)
        {
            follow_references(member);
        }
    } else if (yyjson_is_arr(value)) {
        yyjson_arr_foreach(value, at, count, member)
        {
            follow_references(member);
        }
    }
}

static void every_reference_leads_somewhere(void **state)
{
    (void)state;
    follow_references(yyjson_doc_get_root(document));
    assert_string_equal(yyjson_get_str(yyjson_doc_ptr_get(document, "/info/version")),
                        USERTRAIL_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_is_described),
        cmocka_unit_test(what_is_described_is_a_route),
        cmocka_unit_test(bodies_have_the_types_that_are_described),
        cmocka_unit_test(every_problem_is_described),
        cmocka_unit_test(what_is_described_is_a_problem),
        cmocka_unit_test(answers_name_types_of_their_status),
        cmocka_unit_test(every_reference_leads_somewhere),
    };
    return cmocka_run_group_tests(tests, read_document, free_document);
}
