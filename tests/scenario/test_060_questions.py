"""The parameters of GET: what each one finds, and that none is ever ignored."""

import urllib.parse

import pytest

import expect

LIST = "/api/v1/activities"
ACTIVITIES = [
    {"userId": "ann", "action": "login", "timestamp": "2024-01-15T10:00:00.000Z"},
    {"userId": "ann", "action": "click", "timestamp": "2024-01-15T10:00:00.001Z"},
    {"userId": "bob", "action": "login", "timestamp": "2024-01-15T10:00:00.001Z"},
    {"userId": "bob", "action": "logout", "timestamp": "2024-01-15T11:00:00+01:00"},
    {"userId": "a b+c&d=e/\u00e9%?#", "action": "odd one", "timestamp": "2024-01-16T00:00:00Z"},
    {"userId": "carol", "action": "login", "timestamp": "1970-01-01T00:00:00Z"},
]


@pytest.fixture(scope="module")
def filled(shared):
    for number, activity in enumerate(ACTIVITIES):
        shared.record({**activity, "id": str(number)})
    shared.wait_settled()
    return shared


ODD = urllib.parse.quote(ACTIVITIES[4]["userId"], safe="")
FOUND = {
    "": "421305",
    "userId=ann": "10",
    "userId=Ann": "",
    "userId=an": "",
    "userId=ann&userId=bob": "2130",
    "userId=ann&userId=ann": "10",
    "userId=nobody": "",
    "action=login": "205",
    "action=login&action=logout": "2305",
    "userId=bob&action=login": "2",
    "userId=ann&userId=carol&action=login&action=click": "105",
    f"userId={ODD}": "4",
    "userId=" + ODD.replace("%20", "+"): "4",
    "userId=%61nn": "10",
    "%75serId=ann": "10",
    "action=odd+one": "4",
    "action=odd%20one": "4",
    "from=2024-01-15T10:00:00.001Z": "421",
    "to=2024-01-15T10:00:00.001Z": "305",
    "from=2024-01-15T10:00:00.000Z&to=2024-01-15T10:00:00.001Z": "30",
    "from=2024-01-15T10:00:00.001Z&to=2024-01-15T10:00:00.001Z": "",
    "from=2024-01-15T11:00:00.001%2B01:00": "421",
    "from=2024-01-15T11%3A00%3A00.001%2b01%3A00&userId=bob": "2",
    "from=2024-01-15T05:00:00-05:00&to=2024-01-16T00:00:00Z": "2130",
    "to=1970-01-01T00:00:00.001Z": "5",
    "from=9999-12-31T00:00:00Z": "",
    "order=asc": "503124",
    "order=desc": "421305",
    "order=asc&userId=ann": "01",
    "limit=2": "42",
    "limit=2&page=2": "13",
    "limit=2&page=3": "05",
    "limit=2&page=4": "",
    "limit=1&page=6": "5",
    "limit=2&page=2&order=asc": "31",
    "page=1": "421305",
    "page=2": "",
    "&": "421305",
    "userId=ann&&limit=1&": "1",
}


@pytest.mark.parametrize("query", FOUND)
def test_found(filled, query):
    """Guards each filter, order and page number: exactly these rows in exactly this order (newest first by time, then id)."""
    number = int(dict(urllib.parse.parse_qsl(query)).get("page", 1))
    rows = expect.page(filled.get(f"{LIST}?{query}"), number)
    assert "".join(row["id"] for row in rows) == FOUND[query]


REFUSED = {
    "user=ann": "user", "userid=ann": "userid", "UserId=ann": "UserId", "users=ann": "users", "filter": "filter",
    "sort=asc": "sort", "offset=1": "offset", "since=2024-01-15T10:00:00Z": "since", "_=1": "_",
    "userId[$ne]=x": "userId[$ne]", "userId%5B%24ne%5D=x": "userId[$ne]", "userId[]=x": "userId[]", "userId.$gt=": "userId.$gt",
    "$where=1": "$where", "metadata.$where=1": "metadata.$where", "action[$regex]=.*": "action[$regex]",
    "userId": "userId", "userId=": "userId", "action=": "action", "userId=ann&action=": "action",
    "limit=0": "limit", "limit=1001": "limit", "limit=-1": "limit", "limit=%2B1": "limit", "limit=1.0": "limit",
    "limit=": "limit", "limit=ten": "limit", "limit=0x10": "limit",
    "limit=99999999999999999999": "limit", "limit=+1": "limit", "limit=1e1": "limit",
    "page=0": "page", "page=-1": "page", "page=": "page", "page=one": "page", "page=99999999999999999999": "page",
    "page=4294967296": "page", "page=100001&limit=1": "cursor", "page=101&limit=1000": "cursor", "page=10001": "cursor",
    "page=1&page=2": "page", "limit=1&limit=1": "limit", "order=asc&order=asc": "order",
    "from=2024-01-15T10:00:00Z&from=2024-01-15T10:00:00Z": "from",
    "order=ASC": "order", "order=": "order", "order=up": "order",
    "from=": "from", "from=yesterday": "from", "from=2024-01-15": "from", "to=1705312800": "to", "to=2024-01-15T10:00:00": "to",
    "from=2024-01-15T11:00:00+01:00": "%2B",
    "userId=%": "userId", "userId=%zz": "userId", "userId=%f": "userId", "userId=%ff": "userId", "userId=%c3": "userId",
    "userId=%ed%a0%80": "userId", "userId=a%00b": "userId", "%ff=1": "%ff",
    "cursor=": "cursor", "cursor=x": "cursor", "cursor=%2e%2e": "cursor", "cursor=" + "A" * 400: "cursor",
}


@pytest.mark.parametrize("query", REFUSED)
def test_refused_by_name(filled, query):
    """Guards against answering with everybody's activities: a parameter that is not understood is refused, by its name."""
    document = expect.problem(filled.get(f"{LIST}?{query}"), 400)
    assert REFUSED[query] in document["detail"], document


def test_the_answer_to_odd_bytes_is_still_json(filled):
    """Guards the refusal itself: whatever bytes a name has, the problem that quotes it is JSON in UTF-8."""
    for name in (b"\xff\xfe", b"\xc3" * 80, "\u00e9".encode() * 80, ("x" + "\u00e9" * 80).encode(), b'"\\',
                 "\U0001f600".encode() * 30,
                 b"%22%5c%0a%00", b"%c3%a9" * 60, b"x%c3%a9" * 60):
        for path in (LIST.encode(), b"/livez", LIST.encode() + b"/some-id"):
            with filled.connect() as connection:
                connection.send(b"GET " + path + b"?" + name + b"=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
                answer = connection.read_answer()
                assert answer.status == 400, answer
                if answer.header("connection") != "close":
                    expect.problem(answer, 400)
                assert answer.json["detail"]


def test_the_most_page_numbers_reach(filled):
    """Guards the near side of the limit for page times limit."""
    assert expect.page(filled.get(f"{LIST}?page=100&limit=1000"), 100) == []
    assert expect.page(filled.get(f"{LIST}?page=100000&limit=1"), 100000) == []


def test_many_users_in_one_question(filled):
    """Guards the number of repeated filters: many are fine, more than the limit are refused."""
    few = "&".join(f"userId=u{i}" for i in range(20))
    assert expect.page(filled.get(f"{LIST}?{few}&userId=ann")) != []
    many = "&".join(f"userId=u{i}" for i in range(600))
    assert filled.get(f"{LIST}?{many}").status in (400, 414)


def test_the_link_leads_to_the_next_page(filled):
    """Guards clients that follow Link headers: the same path and filters, with the cursor instead of the page."""
    answer = filled.get("/api/logs?page=1&userId=ann&limit=1&order=asc")
    target = answer.header("link").split(">")[0].lstrip("<")
    path, query = target.split("?")
    assert path == "/api/logs"
    assert urllib.parse.parse_qsl(query) == [("userId", "ann"), ("limit", "1"), ("order", "asc"),
                                             ("cursor", answer.json["nextCursor"])]
    following = filled.get(target)
    assert [row["id"] for row in following.json["data"]] == ["1"]
    assert following.json["nextCursor"] is None and following.header("link") is None


def test_a_link_cannot_be_broken_out_of(filled):
    """Guards the Link header against characters of the query that would end it."""
    answer = filled.get(f'{LIST}?limit=1&userId=ann&userId=%3E;"x"<y>')
    assert answer.status in (200, 400)
    if answer.status == 200:
        link = answer.header("link")
        assert link.count("<") == link.count(">") == 1 and link.endswith('>; rel="next"')


def test_the_default_limit_is_ten(fresh):
    """Guards the documented default."""
    fresh.post([{"userId": "u", "action": "a", "id": f"d{i:02}"} for i in range(11)])
    fresh.wait_stored("d10")
    document = fresh.get(LIST).json
    assert document["results"] == 10 and document["nextCursor"]


def test_a_page_of_large_rows_ends_early(make_service):
    """Guards the bound on answers: a page with more bytes than allowed ends early, and its cursor loses nothing; a page number,
    which could, is refused."""
    service = make_service("--page-bytes", "64KiB").start()
    sent = [{"userId": "u", "action": "a", "id": f"p{i:02}", "metadata": {"k": "v" * 10000}} for i in range(30)]
    service.post(sent)
    service.wait_stored("p29")
    pages = list(service.pages("", 20))
    assert all(0 < page["results"] < 20 for page in pages[:-1]) and len(pages) >= 5
    assert sorted(row["id"] for page in pages for row in page["data"]) == [activity["id"] for activity in sent]
    expect.problem(service.get(f"{LIST}?page=1&limit=20"), 400, detail="cursor")
    service.stop()
