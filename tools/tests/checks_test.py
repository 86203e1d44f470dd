#!/usr/bin/env python3
"""Every rule of check_layers and check_style must find its violation, and must leave a well-made tree alone."""

import subprocess
import tempfile
import unittest
from pathlib import Path

TOOLS = Path(__file__).resolve().parent.parent
PYTHON = "/usr/bin/python3"

HEADER = "#pragma once\n/* A line. Any thread. */\n"
GOOD_TREE = {
    "src/base/README.md": "The base.\n",
    "src/base/text.h": HEADER + '#include "base/macros.h"\n\nMUST_USE enum status text_check(const char *text);\n'
                       "typedef int text_visit(const char *text);\n",
    "src/base/macros.h": HEADER + "#define MUST_USE\n",
    "src/base/text.c": '#include "base/text.h"\n\n#include <string.h>\n\n'
                       "enum status text_check(const char *text)\n{\n    return text[0] == 'T' ? 0 : 1;\n}\n",
    "src/base/text_test.c": '#include "base/text.h"\n\n#include <cmocka.h>\n',
    "src/domain/README.md": "The domain.\n",
    "src/application/README.md": "The application.\n",
    "src/application/activity_json.c": "#include <yyjson.h>\n",
    "src/infrastructure/README.md": "Adapters.\n",
    "src/infrastructure/disk/disk.h": HEADER,
    "src/infrastructure/event_log_local/log.c": '#include "infrastructure/disk/disk.h"\n',
    "src/infrastructure/activity_table/table.h": HEADER + "#include <xxhash.h>\n",
    "src/infrastructure/activity_store_memory/store.h": HEADER + '#include "infrastructure/activity_table/table.h"\n',
    "src/interfaces/README.md": "Interfaces.\n",
    "src/interfaces/http/server.h": HEADER + "#include <uv.h>\n",
    "src/interfaces/http/answer_json.c": "#include <yyjson.h>\n",
    "src/main.c": '#include "base/text.h"\n#include "infrastructure/disk/disk.h"\n#include "usertrail_version.h"\n',
    "tests/contract/suite.h": HEADER,
    "tests/contract/suite.c": '#include "infrastructure/disk/disk.h"\n#include "suite.h"\n\n#include <uv.h>\n',
}


def run(tool, files):
    with tempfile.TemporaryDirectory() as folder:
        for path, text in files.items():
            place = Path(folder, path)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(text.encode())
        result = subprocess.run([PYTHON, str(TOOLS / tool), "--root", folder], capture_output=True, text=True, check=False)
        return result.returncode, result.stdout + result.stderr


class Checks(unittest.TestCase):
    def assert_found(self, tool, path, text, line, words):
        code, output = run(tool, {**GOOD_TREE, path: text})
        self.assertEqual(code, 1, output)
        self.assertIn(f"{path}:{line}: ", output)
        self.assertIn(words, output)
        self.assertEqual(output.count("\n"), 2, f"expected this one problem only:\n{output}")

    def assert_fine(self, tool, path, text):
        code, output = run(tool, {**GOOD_TREE, path: text})
        self.assertEqual(code, 0, output)


class Layers(Checks):
    def include(self, path, line, words):
        self.assert_found("check_layers", path, f"/* A file. */\n{line}\n", 2, words)

    def test_good_tree(self):
        code, output = run("check_layers", GOOD_TREE)
        self.assertEqual((code, output), (0, "layers: fine\n"))

    def test_outward_includes(self):
        outward = [
            ("src/base/x.c", "domain/d.h"), ("src/domain/x.c", "application/a.h"), ("src/base/x.c", "interfaces/http/server.h"),
            ("src/domain/x.c", "infrastructure/disk/disk.h"), ("src/application/x.c", "infrastructure/disk/disk.h"),
            ("src/application/x_test.c", "infrastructure/disk/disk.h"), ("src/application/x.c", "interfaces/http/server.h"),
            ("src/infrastructure/disk/x.c", "interfaces/http/server.h"), ("src/interfaces/http/x.c", "infrastructure/disk/disk.h"),
        ]
        targets = {"src/domain/d.h": HEADER, "src/application/a.h": HEADER}
        for path, target in outward:
            with self.subTest(path=path, target=target):
                code, output = run("check_layers", {**GOOD_TREE, **targets, path: f'#include "{target}"\n'})
                self.assertEqual(code, 1, output)
                self.assertIn(f'{path}:1: "{target}": {path.split("/")[1]} may know only', output)

    def test_siblings(self):
        self.include("src/infrastructure/event_log_local/x.c", '#include "infrastructure/activity_store_memory/store.h"', "do not know each other")
        self.include("src/interfaces/cli/x.c", '#include "interfaces/http/server.h"', "do not know each other")
        self.include("src/infrastructure/config/x.c", '#include "infrastructure/disk/disk.h"', "do not know each other")

    def test_doubles_are_for_tests(self):
        store = '#include "infrastructure/activity_store_memory/store.h"\n'
        self.assert_fine("check_layers", "src/infrastructure/activity_store_tracing/x_test.c", store)
        self.assert_found("check_layers", "src/infrastructure/activity_store_tracing/x.c", store, 1, "do not know each other")
        self.assert_found("check_layers", "src/application/x_test.c", store, 1, "may know only")
        lists = {"src/infrastructure/activity_store_memory/CMakeLists.txt": "usertrail_library(usertrail_m SOURCES m.c)\n"}
        for kind, code in (("test", 0), ("library", 1)):
            text = f"usertrail_{kind}(usertrail_x SOURCES x.c LINK usertrail_m)\n"
            path = "src/infrastructure/activity_store_tracing/CMakeLists.txt"
            self.assertEqual(run("check_layers", {**GOOD_TREE, **lists, path: text})[0], code)

    def test_crossings_go_one_way(self):
        self.assert_fine("check_layers", "src/interfaces/api/x.c", '#include "interfaces/http/server.h"\n')
        code, output = run("check_layers", {**GOOD_TREE, "src/interfaces/api/a.h": HEADER,
                                            "src/interfaces/http/x.c": '#include "interfaces/api/a.h"\n'})
        self.assertEqual(code, 1, output)
        self.include("src/infrastructure/disk/x.c", '#include "infrastructure/activity_store_memory/store.h"', "do not know each other")

    def test_only_the_composition_root_stands_outside(self):
        self.include("src/other.c", '#include "base/text.h"',
                     "only src/main.c, src/service.c")
        for path in ("src/service.c", "src/import_access.h"):
            self.assert_fine("check_layers", path, f'{HEADER}#include "infrastructure/disk/disk.h"\n')

    def test_relative_paths(self):
        self.include("src/domain/x.c", '#include "../base/text.h"', "write the path from src")
        self.include("src/base/x.c", '#include "text.h"', "no such file in src")
        self.include("tests/contract/x.c", '#include "../contract/suite.h"', "write the path from src")

    def test_drivers(self):
        for path, header in [
            ("src/application/x.c", "uv.h"), ("src/base/x.c", "yyjson.h"), ("src/interfaces/cli/x.c", "llhttp.h"),
            ("src/application/record.c", "yyjson.h"), ("src/interfaces/http/route.c", "yyjson.h"),
            ("src/application/activity_json.h", "yyjson.h"), ("src/domain/x.c", "xxhash.h"), ("src/base/x.c", "openssl/sha.h"),
            ("src/infrastructure/event_log_local/x.c", "librdkafka/rdkafka.h"), ("src/main.c", "mongoc/mongoc.h"),
            ("src/base/x.c", "cmocka.h"),
        ]:
            with self.subTest(path=path, header=header):
                self.include(path, f"#include <{header}>", f"<{header}> belongs into")

    def test_unknown_library(self):
        self.include("src/infrastructure/config/x.c", "#include <jansson.h>", "neither of the C library")
        self.include("src/base/x.c", "#include <assert.h>", "neither of the C library")

    def test_links(self):
        disk = {"src/infrastructure/disk/CMakeLists.txt": "usertrail_library(usertrail_disk\n    SOURCES disk.c LINK usertrail_base)\n",
                "src/base/CMakeLists.txt": "usertrail_library(usertrail_base SOURCES text.c)\n",
                "src/CMakeLists.txt": "usertrail_program(usertrail SOURCES main.c LINK usertrail_disk)\n"}
        for path, code in [("src/infrastructure/event_log_local", 0), ("src/infrastructure/config", 1), ("src/domain", 1),
                           ("src/interfaces/http", 1)]:
            text = f"usertrail_library(usertrail_x SOURCES x.c\n  LINK usertrail_disk usertrail_base)\n"
            result, output = run("check_layers", {**GOOD_TREE, **disk, f"{path}/CMakeLists.txt": text})
            self.assertEqual(result, code, output)
            self.assertEqual(f'{path}/CMakeLists.txt:2: "usertrail_disk"' in output, bool(code), output)

    def test_comments_do_not_count(self):
        self.assert_fine("check_layers", "src/base/x.c", '/*\n#include "domain/d.h"\n*/\n')


class Style(Checks):
    def style(self, path, text, line, words):
        self.assert_found("check_style", path, text, line, words)

    def test_good_tree(self):
        code, output = run("check_style", GOOD_TREE)
        self.assertEqual((code, output), (0, "style: fine\n"))

    def test_file_length(self):
        self.style("src/main.c", "int x;\n" * 801, 801, "the file has 801 lines")
        self.assert_fine("check_style", "src/main.c", "int x;\n" * 800)

    def test_function_length(self):
        function = "int x;\nvoid f(void)\n{\n%s}\n"
        self.style("src/main.c", function % ("    g();\n" * 71), 3, "the function has 71 lines")
        self.assert_fine("check_style", "src/main.c", function % ("    g();\n" * 70))

    def test_parameters(self):
        self.style("src/main.c", "int x;\n\nvoid f(int a, int b, int c,\n       int d, int e, int f)\n{\n}\n", 3, "6 parameters")
        self.assert_fine("check_style", "src/main.c", "void f(int a, int b, int (*c)(int x, int y), int d, int e)\n{\n}\n")

    def test_white_space(self):
        self.style("src/main.c", "int x;\n\tint y;\n", 2, "tab")
        self.style("src/main.c", "int x; \n", 1, "space at the end")
        self.style("src/main.c", "int x;\r\n", 1, "carriage return")
        self.style("docs/page.md", "text\nend", 2, "the last line has no end")
        self.style("tools/tool", "x\t\n".replace("\t", " "), 1, "space at the end")

    def test_header_shape(self):
        self.style("src/main.h", "/* A line. */\n#ifndef X\n#define X\n#endif\n", 1, "the first directive of a header is #pragma once")
        self.style("src/main.h", "#pragma once\nint f(void);\n", 1, "a header starts with a comment")
        self.assert_fine("check_style", "src/main.h", "/* A line. */\n#pragma once\nint f(void);\n")

    def test_typedefs(self):
        for line in ("typedef struct x x;", "typedef enum { A } a;", "typedef unsigned number;", "typedef struct {\n    int a;\n} x;"):
            with self.subTest(line=line):
                self.style("src/main.c", f"int y;\n{line}\n", 2, "typedef is for function types only")
        self.assert_fine("check_style", "src/main.c", "typedef void f(struct x *x,\n               int y);\n")

    def test_banned_functions(self):
        for name in ("strcpy", "strcat", "sprintf", "vsprintf", "strtok", "gets", "atoi", "atol", "alloca", "strncpy"):
            with self.subTest(name=name):
                self.style("tests/contract/x.c", f"int y;\nint x = {name}(1);\n", 2, f"{name}: ")

    def test_banned_in_product(self):
        for name in ("usleep", "sleep", "rand", "gmtime", "assert", "longjmp"):
            with self.subTest(name=name):
                self.style("src/main.c", f"int x = {name}(1);\n", 1, f"{name}: ")
                self.assert_fine("check_style", "tests/contract/x.c", f"int x = {name}(1);\n")
                self.assert_fine("check_style", "src/base/text_test.c", f"int x = {name}(1);\n")
        self.assert_fine("check_style", "src/main.c", 'int x = my_sleep(1) + p->sleep(2); /* sleep(1) */\nchar *y = "sleep(1)";\n')

    def test_forbidden_words(self):
        for text in ("/* TODO later */", "// FIXME", "int x; /* see #123 */", "/* Issue 4 asks for it */", "/* XXX */"):
            with self.subTest(text=text):
                self.style("src/main.c", f"int x;\n{text}\n", 2, "no place" if "no place" in text else '": ')
        self.style("docs/page.md", "A TODO.\n", 1, "finish it")
        self.assert_fine("check_style", "src/main.c", 'char *x = "#1";\n/* RFC 9112, section 3; UTF-8; page.html#12 */\n')

    def test_must_use(self):
        text = HEADER + "enum status f(void);\n"
        self.style("src/main.h", text, 3, "declared MUST_USE")
        self.style("src/main.h", HEADER + "static inline enum status f(void)\n{\n    return 0;\n}\n", 3, "declared MUST_USE")
        self.assert_fine("check_style", "src/main.h", HEADER + "MUST_USE enum status f(void);\nMUST_USE\nenum status g(\n    int x);\n"
                         "typedef enum status h(int x);\nstruct s {\n    enum status (*slot)(int x);\n    enum status status;\n};\n")

    def test_macros(self):
        self.style("src/main.c", "int x;\n#define TRY(x)  \\\n    if (x)  \\\n        return x\n".replace("  \\", " \\"), 2, "hides the control flow")

    def test_problems_stand_in_their_table(self):
        for line in ("respond(&(struct http_problem){.status = 404});", "    struct http_problem problem = {.status = 404};"):
            self.style("src/interfaces/api/api_x.c", f"int y;\n{line}\n", 2, "a problem of its own")
            self.assert_fine("check_style", "src/interfaces/api/api_x_test.c", f"int y;\n{line}\n")
            self.assert_fine("check_style", "src/interfaces/api/api_problems.c", f"int y;\n{line}\n")
        self.assert_fine("check_style", "src/interfaces/api/api_x.c", "int y;\nstruct http_problem problem = api_problem_make(1, 0);\n")

    def test_fields_are_read_in_one_place(self):
        for line in ('struct str x = http_request_header(call->request, STR("X"));', "f(&request->headers[0]);", "f(call->request->headers);"):
            self.style("src/interfaces/api/api_x.c", f"int y;\n{line}\n", 2, "reads a header itself")
            for fine in ("src/interfaces/api/api_x_test.c", "src/interfaces/api/api_fields.c", "src/interfaces/http/http_x.c"):
                self.assert_fine("check_style", fine, f"int y;\n{line}\n")
        self.assert_fine("check_style", "src/interfaces/api/api_x.c", "int y;\nstruct http_header headers[3];\nf(response->headers);\n")

    def test_layer_pages(self):
        files = {path: text for path, text in GOOD_TREE.items() if path != "src/domain/README.md"}
        files["src/domain/x.h"] = HEADER
        code, output = run("check_style", files)
        self.assertEqual(code, 1, output)
        self.assertIn("src/domain/README.md:1: missing", output)
        self.style("src/base/README.md", "line\n" * 21, 21, "21 lines, 20 at most")

    def test_tests_beside(self):
        self.style("src/base/other.c", "int x;\n", 1, "other_test.c is missing beside it")
        self.style("src/domain/other.c", "int x;\n", 1, "other_test.c is missing beside it")


if __name__ == "__main__":
    unittest.main()
