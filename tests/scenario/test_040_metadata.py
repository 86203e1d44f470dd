"""Metadata comes back as it was sent, but for white space and the spelling of string escapes."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import expect

LIST = "/api/v1/activities"


def body_with(metadata_text, **members):
    head = json.dumps({"userId": "metadata", "action": "a", **members}, ensure_ascii=False)
    return f'{head[:-1]},"metadata":{metadata_text}}}'.encode("utf-8")


def round_trip(service, metadata_text):
    """What the service answers for this metadata, to the letter."""
    activity_id = expect.accepted_one(service.post(body_with(metadata_text)))
    service.wait_stored(activity_id)
    return expect.metadata_text(service.get(f"{LIST}/{activity_id}").text)


NUMBERS = ("0", "-0", "0.0", "-0.0", "1.10", "1.0", "1e2", "1E2", "1e+2", "1E-2", "1e999", "-1e-999", "12345678901234567890",
           "123456789012345678901234567890", "18446744073709551615", "18446744073709551616", "-9223372036854775809",
           "9007199254740993", "0.1000000000000000055511151231257827", "3.141592653589793238462643383279", "1" + "0" * 400)


@pytest.mark.parametrize("text", NUMBERS)
def test_numbers_keep_their_text(shared, text):
    """Guards large ids, money and measured values: no number is read as floating point and written anew."""
    for metadata in (f'{{"n":{text}}}', f'{{"n":[{text},{text}]}}', f'{{"n":{{"m":{text}}},"o":{text}}}'):
        assert round_trip(shared, metadata) == metadata


def test_the_order_of_keys_is_kept(shared):
    """Guards clients that show metadata as they sent it."""
    metadata = '{"z":1,"a":{"10":1,"9":2,"":3},"m":[{"b":1,"a":2}],"A":null}'
    assert round_trip(shared, metadata) == metadata


def test_white_space_goes(shared):
    """Guards that insignificant white space is the one thing not kept, while that inside strings is."""
    assert round_trip(shared, ' {\n"a" :\t[ 1 , { } , [ ] ] , "b b":"  "\r\n} ') == '{"a":[1,{},[]],"b b":"  "}'


ESCAPES = {
    r'{"k":"\u0041\u00e9\u20ac\ud83d\ude00"}': '{"k":"A\u00e9\u20ac\U0001f600"}',
    r'{"\u006b\/":"\/"}': '{"k/":"/"}',
    r'{"k":"\"\\\b\f\n\r\t\u0000\u001f\u007f"}': '{"k":"\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f\u007f"}',
    '{"k":"\u2028\u2029\ufeff\ufffe\uffff\u202e"}': '{"k":"\u2028\u2029\ufeff\ufffe\uffff\u202e"}',
    '{"k":"</script><!--"}': '{"k":"</script><!--"}',
}


@pytest.mark.parametrize("sent", ESCAPES)
def test_escapes_have_one_spelling(shared, sent):
    """Guards the text of strings: every character comes back, written in its shortest form."""
    assert round_trip(shared, sent) == ESCAPES[sent]


@pytest.mark.parametrize("value", ["true", "false", "null", '""', "[]", "{}", "[[],[[]],{}]", '[null,true,{"a":[false]}]'])
def test_every_kind_of_value(shared, value):
    """Guards empty containers, null and the two booleans."""
    assert round_trip(shared, f'{{"v":{value}}}') == f'{{"v":{value}}}'


def test_names_of_databases_are_only_names(shared):
    """Guards keys that mean something to a database or a language."""
    metadata = '{"$ne":1,"$where":"x","a.b":2,"__proto__":{},"constructor":null,"_id":3,"toString":4,"%00":5,"\'; --":6}'
    assert round_trip(shared, metadata) == metadata


def test_many_keys(shared):
    """Guards objects with more keys than are compared pair by pair."""
    metadata = json.dumps({f"key-{i * 7919 % 3000}": i for i in range(3000)}, separators=(",", ":"))
    assert round_trip(shared, metadata) == metadata


CHARACTERS = st.characters(blacklist_categories=("Cs",))
KEYS = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=8)
NUMBER_TEXTS = st.from_regex(r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,12})?([eE][+-]?[0-9]{1,4})?", fullmatch=True).map(expect.Number)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBER_TEXTS | st.text(CHARACTERS, max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.lists(st.tuples(KEYS, inner), max_size=4, unique_by=lambda pair: pair[0])
    .map(lambda pairs: ("object", pairs)), max_leaves=12)
OBJECTS = st.lists(st.tuples(KEYS, VALUES), max_size=6, unique_by=lambda pair: pair[0]).map(lambda pairs: ("object", pairs))


@settings(max_examples=15)
@given(st.lists(OBJECTS, min_size=20, max_size=20))
def test_any_object_comes_back(shared, objects):
    """Guards the round trip of arbitrary JSON: order of keys, text of numbers and every character (300 random objects, sent
    alternately as they are and with everything escaped and spaced out)."""
    texts = [(spaced_out if number % 2 else expect.compact)(metadata) for number, metadata in enumerate(objects)]
    answer = shared.post(b"[" + b",".join(map(body_with, texts)) + b"]")
    assert answer.status == 202 and answer.json["rejected"] == 0, answer
    ids = [result["id"] for result in answer.json["results"]]
    shared.wait_stored(ids[-1])
    for activity_id, metadata in zip(ids, objects):
        text = expect.metadata_text(shared.get(f"{LIST}/{activity_id}").text)
        assert expect.exact(text) == metadata
        assert text == expect.compact(metadata)


def spaced_out(value):
    """Text of what exact() gave, with white space wherever it may be and escapes for everything outside ASCII."""
    if isinstance(value, expect.Number):
        return f" {value} "
    if isinstance(value, tuple):
        return "{ " + " ,\n".join(f"{json.dumps(key)} :\t{spaced_out(member)}" for key, member in value[1]) + " }"
    if isinstance(value, list):
        return "[ " + " ,\r\n".join(map(spaced_out, value)) + " ]"
    return json.dumps(value)


@settings(max_examples=40)
@given(user=st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=40),
       action=st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=40))
def test_any_name_is_kept_to_the_byte(shared, user, action):
    """Guards names in every script: no folding, no normalising, found again by exactly the same text."""
    if user in ("null", "undefined"):
        return
    activity_id = shared.record({"userId": user, "action": action})["id"]
    row = shared.wait_stored(activity_id)
    assert (row["userId"], row["action"]) == (user, action)
    escaped = "".join(f"%{byte:02x}" for byte in user.encode())
    assert activity_id in [found["id"] for found in shared.walk(f"&userId={escaped}")]
