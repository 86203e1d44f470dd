"""The whole grammar of JSON from both sides, in every notation that takes it: what is JSON comes back to the letter, what is
not is refused and harms nobody beside it."""

import json

import pytest

import expect

LIST = "/api/v1/activities"
EVENT = "application/cloudevents+json"
EVENTS = "application/cloudevents-batch+json"
GOOD = b'{"userId":"grammar","action":"good"}'
GOOD_EVENT = b'{"specversion":"1.0","id":"good","source":"/grammar","type":"good","subject":"grammar"}'

# --- what is no JSON ---

NUMBERS = ["-", "--1", "+1", "01", "-01", "00", "-00", "1.", "-1.", ".1", "-.1", "1.e1", "1e", "1E+", "1e-", "1e+-1", "1e1.5", "1..2",
           "1.2.3", "0.e1", "0e", "0x1", "0X1F", "0b1", "0o7", "1_000", "1 000", "1'000", "1f", "1d", "1L", "1n", "1e1e1", "- 1", "-\n1",
           "NaN", "nan", "-NaN", "Infinity", "-Infinity", "+Infinity", "inf", "-inf", "1.#INF", "\u22121", "\uff11", "\u0663", "1/2", "1%",
           "$1", "1e\uff11", "i"]
WORDS = ["True", "TRUE", "tru", "truee", "true1", "False", "fals", "Null", "NULL", "nul", "nulll", "nil", "None", "undefined", "void",
         "yes", "truefalse", "true false", "null,", "t", "f", "n", "function(){}", "/a/", "`a`", "(1)", "new Date()", "b''", "u''", "a", "_",
         "$", "@a", "#a", "*", "&a", "~", "!", "?", "=", "|"]
TEXTS = ['"', '"a', "'a'", "'", '"a\\"', '"\\a"', '"\\v"', '"\\0"', '"\\\'"', '"\\ "', '"\\x41"', '"\\u"', '"\\u1"', '"\\u12"', '"\\u123"',
         '"\\u123g"', '"\\U0041"', '"\\u{41}"', '"\\u 041"', '"\\u-041"', '"\\u+041"', '"\\u00\uff14\uff11"', '"\\N"', '"\\\n"', '"\\ud800"',
         '"\\udbff"', '"\\udc00"', '"\\udfff"', '"\\ud800\\ud800"', '"\\ud800x"', '"\\ud800\\n"', '"\\udc00\\ud800"', '"\\ud83d\\u0041"',
         '"\\ud83d\\"', '"\\ud83d\\u"', '"\\ud83d\\ude0"', '"\\ud83d\\\\ude00"', '"\\ud83d\ude00"', '""a', '"a""b"', '"a" "b"', '"a"+"b"',
         '"""a"""', "\u201ca\u201d", "\u00aba\u00bb"]
CONTROLS = [f'"a{chr(code)}b"' for code in range(0x20)]
BYTES = [b"\x80", b"\xbf", b"\xc0\x80", b"\xc0\xaf", b"\xc1\xbf", b"\xc3", b"\xc3(", b"\xe0\x80\x80", b"\xe0\x9f\xbf", b"\xe2\x82", b"\xe2\x28\xa1",
         b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xed\xa0\xbd\xed\xb8\x80", b"\xf0\x80\x80\x80", b"\xf0\x8f\xbf\xbf", b"\xf0\x9f\x98", b"\xf4\x90\x80\x80",
         b"\xf5\x80\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80", b"\xfe", b"\xff", b"\xff\xfe", b"\xc3\xa9\xa9"]
CONTAINERS = ["{,}", "{,\"a\":1}", '{"a":1,}', '{"a":1,,"b":2}', '{"a"}', '{"a":}', '{"a" 1}', '{"a"::1}', '{"a":1 "b":2}', '{"a":1;"b":2}',
              '{"a"=1}', '{"a"=>1}', "{a:1}", "{'a':1}", "{1:1}", "{null:1}", "{true:1}", "{[]:1}", "{{}:1}", '{"a":1', '{"a":1]', '{"a":1}}',
              '{"a":{"b":1}', '{:1}', '{"a":1:2}', '{...{}}', '{"a"\n\n"b"}', "[,]", "[,1]", "[1,]", "[1,,2]", "[1 2]", "[1;2]", "[1", "[1}",
              "[1]]", "[[1]", "[1:2]", '["a":1]', "[1,...]", "[//a\n1]", "[/*a*/1]", "[1#a\n]", "[1<!--a-->]", "[1,\n--2]", "(1,2)", "[1]\x00",
              "{}{}", "[][]", "{}[]", "{} {}", "{}true", '{}"a"', "<a/>", "---\na: 1", "a=1&b=2", "%7B%7D", "e30="]
SPACES = ["\u00a0{}", "\u2028{}", "\u3000{}", "\x0c{}", "\x0b{}", "\x00{}", "\x85{}", "\u200b{}", "\ufeff{}", "\x1f{}", "{\u00a0}", "{\ufeff}",
          "{\x00}", "{}\u00a0", "{}\ufeff", "{}\x0c", "\\n{}", "\\u0020{}"]


def numbered(name, values):
    return {f"{name} {number}": value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
            for number, value in enumerate(values)}


BROKEN = {
    **numbered("number", NUMBERS), **numbered("word", WORDS), **numbered("text", TEXTS), **numbered("control", CONTROLS),
    **numbered("bytes", [b'"a' + sequence + b'"' for sequence in BYTES]), **numbered("bytes outside of texts", BYTES),
    **numbered("container", CONTAINERS), **numbered("space", SPACES), "nothing": b"", "only space": b" \r\n\t",
}


def activity(value):
    return b'{"userId":"grammar","action":"broken","metadata":{"v":' + value + b"}}"


def event(value):
    return b'{"specversion":"1.0","id":"broken","source":"/grammar","type":"broken","subject":"grammar","data":' + value + b"}"


def refused_alone_or_with_all(answer):
    """In the middle of three: either it alone is rejected, or nothing of the body is an array of anything."""
    if answer.status == 202:
        assert [result.get("error", {}).get("status") for result in answer.json["results"]] == [None, 400, None], answer
        return 2
    expect.problem(answer, 400)
    return 0


def test_what_is_no_json_is_refused_everywhere(shared):
    """Guards the border of the parser, some 300 texts that other parsers are known to take or to break at, as a value of
    metadata, as an item among good ones, and as data of an event in each mode; and that what is good beside them is kept."""
    shared.wait_settled()
    stored = shared.get("/health").json["worker"]["stored"] + shared.get("/health").json["worker"]["duplicate"]
    kept = 0
    for name, value in BROKEN.items():
        for body, content_type in ((activity(value), "application/json"), (activity(value), "text/plain"), (event(value), EVENT)):
            answer = shared.post(body, [("Content-Type", content_type)])
            assert answer.status == 400, f"{name} as {content_type}: {body!r} {answer}"
            assert answer.json["errors"][0]["detail"], answer
        kept += refused_alone_or_with_all(shared.post(b"[" + GOOD + b"," + activity(value) + b"," + GOOD + b"]"))
        batch = b"[" + GOOD_EVENT + b"," + event(value) + b"," + GOOD_EVENT + b"]"
        kept += refused_alone_or_with_all(shared.post(batch, [("Content-Type", EVENTS)]))
    assert shared.get("/livez").status == 200
    shared.wait_settled()
    worker = shared.get("/health").json["worker"]
    assert worker["stored"] + worker["duplicate"] == stored + kept and kept > len(BROKEN)
    assert not [row for row in shared.walk("&userId=grammar") if row["action"] == "broken"]


def test_what_is_no_json_is_no_body(shared):
    """Guards the same as a body by itself, and as data beside the attributes of a binary event."""
    fields = [("ce-specversion", "1.0"), ("ce-id", "broken"), ("ce-source", "/grammar"), ("ce-type", "broken"),
              ("ce-subject", "grammar"), ("Content-Type", "application/json")]
    for name, value in BROKEN.items():
        answer = shared.post(value)
        assert answer.status == 400, f"{name}: {answer}"
        if value:
            expect.problem(shared.post(value, fields), 400, "/data")


LINES = ("Content-Type", "application/x-ndjson")
CUTTING = b"\n"  # ends a line wherever it stands


@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_what_is_no_json_is_one_bad_line(shared, end):
    """Guards the same in lines: each is rejected by its own number, with those beside it kept, and so is each by itself."""
    values = [activity(value) for value in BROKEN.values() if CUTTING not in value]
    values += [value for value in BROKEN.values() if CUTTING not in value and value.strip(b" \r\t")]
    body = b"".join(GOOD + end + value + end for value in values)
    document = shared.post(body, [LINES]).json
    assert (document["accepted"], document["rejected"]) == (len(values), len(values))
    assert [result["line"] for result in document["results"]] == [2 * number + 2 for number in range(len(values))]
    for value in BROKEN.values():
        if CUTTING in value:  # two lines, of which neither is an activity
            assert shared.post(activity(value) + end, [LINES]).json["rejected"] >= 2
    assert not [row for row in shared.walk("&userId=grammar") if row["action"] == "broken"]


# --- what is JSON ---

WHOLE = [
    "0", "-0", "0e0", "0E-0", "-0.0e+00", "1e400", "-1E-400", "1e999999999999999999999", "1" * 1000, "0." + "0" * 500 + "1", "1E0000000000000001",
    "9007199254740993", "18446744073709551616", "true", "false", "null", '""', '" "', '"\u007f"', '"\u0080\u009f"', '"\u2028\u2029"', '"\ufeff"',
    '"\ufffe\uffff"', '"\U0001fffe\U0010ffff"', '"\u202e\u0301"', '"</script>"', '"\\u0000"', '"\\\\u0041"', '"\\"\\\\\\b\\f\\n\\r\\t"', "[]", "{}", "[[]]",
    '[{}]', '{"":{"":[]}}', '{"a":1,"A":2,"\u00e1":3,"a\u0301":4}', '{"__proto__":{"a":1},"constructor":null}', '{"$ne":1,"a.b":2,"a/b~c":3}',
    "[1,-1,1.0,1e0]", "[" * 29 + "]" * 29, '{"a":' * 29 + "1" + "}" * 29, "[" + "null," * 999 + "null]",
]


@pytest.mark.parametrize("text", WHOLE, ids=range(len(WHOLE)))
def test_what_is_json_comes_back_everywhere(shared, text):
    """Guards the other side: every value that the grammar has is kept to the letter, in each notation."""
    spaced = b"\r\n\t " + text.encode() + b"\t \n\r"
    number = WHOLE.index(text)
    source = f'"specversion":"1.0","source":"/grammar/{number}","type":"whole","subject":"grammar"'.encode()
    fields = [("ce-specversion", "1.0"), ("ce-id", "binary"), ("ce-source", f"/grammar/{number}"), ("ce-type", "whole"),
              ("ce-subject", "grammar"), ("Content-Type", "application/json")]
    answers = [
        shared.post(activity(spaced)),
        shared.post(activity(spaced), [("Content-Type", "text/plain")]),
        shared.post(b'{"id":"one",' + source + b',"data":{"v":' + spaced + b"}}", [("Content-Type", EVENT)]),
        shared.post(b'{"v":' + spaced + b"}", fields),
    ]
    ids = [expect.accepted_one(answer) for answer in answers]
    ids.append(shared.post(b"[" + activity(spaced) + b"]").json["results"][0]["id"])
    line = activity(b" \t" + text.encode() + b"\t ")[:-1] + b',"id":"line-%d"}' % number
    assert shared.post(line + b"\r\n" + line, [LINES]).json["accepted"] == 2
    ids.append(f"line-{number}")
    batch = b'[{"id":"many",' + source + b',"data":{"v":' + spaced + b"}}]"
    ids.append(shared.post(batch, [("Content-Type", EVENTS)]).json["results"][0]["id"])
    for activity_id in ids:
        shared.wait_stored(activity_id)
        assert expect.metadata_text(shared.get(f"{LIST}/{activity_id}").text) == f'{{"v":{text}}}'


TWICE = {"a key": (b'{"k":1,"l":2,"k":3}', "/k"), "a key by an escape": (b'{"k":1,"\\u006b":2}', "/k"), "deep inside": (b'{"o":[{"k":1,"k":1}]}', "/o/0/k"),
         "an empty key": (b'{"":1,"":2}', "/"), "among many": (json.dumps({f"k{i}": i for i in range(500)}).encode()[:-1] + b',"k7":0}', "/k7")}


@pytest.mark.parametrize("name", TWICE)
def test_a_key_twice_is_told_everywhere(shared, name):
    """Guards against two readers seeing two values: metadata and data are as strict, and point to the key."""
    text, pointer = TWICE[name]
    body = b'{"userId":"grammar","action":"twice","metadata":' + text + b"}"
    expect.problem(shared.post(body), 400, f"/metadata{pointer}")
    expect.problem(shared.post(event(text), [("Content-Type", EVENT)]), 400, f"/data{pointer}")
    for one, content_type, root in ((body, "application/json", "/metadata"), (event(text), EVENTS, "/data")):
        document = expect.problem(shared.post(b"[" + one + b"]", [("Content-Type", content_type)]), 400)
        expect.check_problem(document["results"][0]["error"], 400, root + pointer)


def test_an_attribute_twice_is_told(shared):
    """Guards the same of attributes, of those that are known and of others."""
    for attribute, pointer in ((b'"subject":"a","subject":"b"', "/subject"), (b'"subject":"a","ext":1,"ext":1', "/ext")):
        body = b'{"specversion":"1.0","id":"1","source":"/s","type":"t",' + attribute + b"}"
        expect.problem(shared.post(body, [("Content-Type", EVENT)]), 400, pointer)
