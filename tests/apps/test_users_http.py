"""Accounts over HTTP: signing up, logging in, finding others, one's own profile."""

import asyncio
import re
from typing import Any

import pytest

from tests.support.server import PASSWORD, Api, Person, answered, refused

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
ABSENT = {"online": False, "devices": 0, "lastSeenAt": None}


async def everyone(api: Api, asker: Person, **query: Any) -> list[Any]:
    """All pages of a search."""
    users: list[Any] = []
    cursor: str | None = None
    while True:
        page = await api.get(
            "/users", asker, **query, **({} if cursor is None else {"cursor": cursor})
        )
        users += page["items"]
        cursor = page["nextCursor"]
        if cursor is None:
            return users


# ---------------------------------------------------------------------------------- signing up
async def test_signing_up_answers_with_ones_own_account(api: Api) -> None:
    taken = (await api.person("taken")).username
    email = f"{taken}@example.com"
    user = await api.sign_up(f"{taken}.2", email=email, displayName="Zoë ☃")

    assert MOMENT.fullmatch(user["createdAt"])
    assert user == {
        "id": user["id"],
        "username": f"{taken}.2",
        "displayName": "Zoë ☃",
        "email": email,
        "createdAt": user["createdAt"],
        "deletedAt": None,
        "presence": ABSENT,
    }


@pytest.mark.mongodb
async def test_names_and_addresses_are_taken_whatever_the_case(api: Api) -> None:
    first = await api.person("taken", email="Someone.Taken@example.com")
    body = {"username": first.username.upper(), "password": PASSWORD}
    refused(await api.http.post("/users", json=body), 409, "username_taken")
    body = {"username": "Another", "password": PASSWORD, "email": "someone.taken@EXAMPLE.com"}
    refused(await api.http.post("/users", json=body), 409, "email_taken")


@pytest.mark.mongodb
async def test_of_many_who_sign_up_with_one_name_at_once_one_gets_it(api: Api) -> None:
    name = (await api.person("wanted")).username + "x"
    answers = await asyncio.gather(
        *(api.http.post("/users", json={"username": name, "password": PASSWORD}) for _ in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"username": "ab"}, "username"),
        ({"username": "a" * 33}, "username"),
        ({"username": "with space"}, "username"),
        ({"username": "ünïcode"}, "username"),
        ({"username": None}, "username"),
        ({"username": 17}, "username"),
        ({"username": {"$gt": ""}}, "username"),
        ({"password": "seven77"}, "password"),
        ({"password": "x" * 257}, "password"),
        ({"password": "abcdabcd"}, "password"),
        ({"password": "Password123"}, "password"),
        ({"password": "Somebody.New"}, "password"),
        ({"password": None}, "password"),
        ({"email": "no address"}, "email"),
        ({"email": ["a@b"]}, "email"),
        ({"displayName": ""}, "displayName"),
        ({"displayName": "a\x00b"}, "displayName"),
        ({"isAdmin": True}, "isAdmin"),
        ({"id": "mine"}, "id"),
    ],
    ids=repr,
)
async def test_an_account_that_can_not_be_is_refused_by_field(
    api: Api, change: dict[str, Any], field: str
) -> None:
    body = {"username": "somebody.new", "password": PASSWORD, **change}
    problem = refused(await api.http.post("/users", json=body), 422, "invalid")
    assert [error["field"] for error in problem["errors"]] == [field]
    assert PASSWORD not in str(problem)


# ----------------------------------------------------------------------------------- logging in
async def test_logging_in_works_by_either_name_in_either_field_whatever_the_case(api: Api) -> None:
    email = "By.Address@example.com"
    alice = await api.person("alice", email=email)
    for body in (
        {"username": alice.username.upper()},
        {"email": email.upper()},
        {"username": email},
        {"email": alice.username},
    ):
        body |= {"password": PASSWORD, "device": "a telephone"}
        login = answered(await api.http.post("/users/login", json=body), 200)
        assert set(login) == {"token", "expiresAt", "refreshToken", "sessionId", "user"}
        assert login["user"] == await api.get("/users/me", alice)
        assert MOMENT.fullmatch(login["expiresAt"])


async def test_each_login_is_a_session_of_its_own(api: Api) -> None:
    alice = await api.person("alice")
    again = await api.log_in(alice.username)
    assert again.session_id != alice.session_id
    assert again.token != alice.token
    assert (await api.get("/users/me", alice))["id"] == (await api.get("/users/me", again))["id"]


async def test_a_wrong_password_and_an_unknown_user_look_the_same(api: Api) -> None:
    alice = await api.person("alice")
    wrong = {"username": alice.username, "password": "not the password"}
    unknown = {"username": "nobody-at-all", "password": PASSWORD}
    problems = []
    for body in (wrong, unknown):
        answer = await api.http.post("/users/login", json=body)
        assert answer.headers["www-authenticate"] == "Bearer"
        problems.append(dict(refused(answer, 401, "invalid_credentials")))
    for problem in problems:
        problem.pop("stack")
    assert problems[0] == problems[1]


@pytest.mark.parametrize(
    "body",
    [
        {"password": PASSWORD},
        {"username": "a", "email": "a@b", "password": PASSWORD},
        {"username": "alice"},
        {"username": "alice", "password": PASSWORD, "userId": "b"},
        {"username": "alice", "password": 17},
        {"username": {"$ne": None}, "password": PASSWORD},
    ],
    ids=repr,
)
async def test_a_login_that_can_not_be_is_invalid(api: Api, body: dict[str, Any]) -> None:
    refused(await api.http.post("/users/login", json=body), 422, "invalid")


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Basic YTpi", "Token {token}", "{token}"],
)
async def test_without_a_bearer_token_nothing_is_told(api: Api, header: str | None) -> None:
    alice = await api.person("alice")
    headers = {} if header is None else {"Authorization": header.format(token=alice.token)}
    for path in ("/users", "/users/me", f"/users/{alice.id}", "/conversations"):
        answer = await api.http.get(path, headers=headers)
        refused(answer, 401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"
    body = {"recipientId": alice.id, "content": "hi"}
    answer = await api.http.post("/messages", json=body, headers=headers)
    refused(answer, 401, "unauthenticated")


async def test_the_word_bearer_may_be_in_any_case(api: Api) -> None:
    alice = await api.person("alice")
    headers = {"Authorization": f"bearer {alice.token}"}
    assert (await api.http.get("/users/me", headers=headers)).status_code == 200


# -------------------------------------------------------------------------------------- finding
async def test_a_search_finds_by_the_beginning_of_either_name_and_leaves_oneself_out(
    api: Api,
) -> None:
    prefix = (await api.person("find")).username
    a, b, other = [f"{prefix}{end}" for end in (".a", ".b", ".other")]
    await api.sign_up(a, displayName="Somebody")
    await api.sign_up(b, displayName=f"{prefix.upper()} by display name")
    asker = await api.person("asker", displayName=f"{prefix} asks")
    await api.sign_up(f"x{other}", displayName="not to be found")

    found = await everyone(api, asker, q=f"{prefix.upper()}.")
    assert [user["username"] for user in found] == [a, b]
    named = {user["username"] for user in await everyone(api, asker, q=f"{prefix} ")}
    assert named == {b}
    assert all("email" not in user for user in found)
    assert asker.username not in {
        user["username"] for user in await everyone(api, asker, limit=200)
    }


@pytest.mark.mongodb
async def test_a_search_goes_from_page_to_page_and_finds_each_once(api: Api) -> None:
    asker = await api.person("pages")
    names = [f"{asker.username}.{number}" for number in range(7)]
    await asyncio.gather(*(api.sign_up(name) for name in names))
    for limit in (1, 3, 7, 50):
        found = await everyone(api, asker, q=f"{asker.username}.", limit=limit)
        assert [user["username"] for user in found] == names
    page = await api.get("/users", asker, q=f"{asker.username}.", limit=7)
    assert (len(page["items"]), page["nextCursor"]) == (7, None)


async def test_ids_are_answered_in_their_order_unknown_ones_and_oneself_left_out(api: Api) -> None:
    asker, one, other = await api.people("asker", "one", "other")
    wanted = f"unknown,{other.id},{asker.id},{one.id},{other.id},"
    page = await api.get("/users", asker, ids=wanted)
    assert [user["id"] for user in page["items"]] == [other.id, one.id]
    assert page["nextCursor"] is None
    assert (await api.get("/users", asker, ids=""))["items"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 201}, "limit"),
        ({"limit": -1}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"cursor": "none of yours"}, "cursor"),
        ({"cursor": "W10"}, "cursor"),
        ({"cursor": ""}, "cursor"),
        ({"q": "a\0b"}, "q"),
        ({"q": "\u0301" * 257}, "q"),
        ({"ids": ",".join(f"id{number}" for number in range(101))}, "ids"),
    ],
    ids=lambda value: repr(value)[:40],
)
async def test_a_query_that_can_not_be_is_refused_by_field(
    api: Api, query: dict[str, Any], field: str
) -> None:
    asker = await api.person("asker")
    answer = await api.http.get("/users", params=query, headers=asker.bearer)
    problem = refused(answer, 422, "invalid")
    assert [error["field"] for error in problem["errors"]] == [field]


async def test_one_user_is_shown_without_the_address_and_oneself_with_it(api: Api) -> None:
    alice = await api.person("alice", email="alice.shown@example.com")
    bob = await api.person("bob")
    shown = await api.get(f"/users/{alice.id}", bob)
    own = await api.get(f"/users/{alice.id}", alice)

    assert "email" not in shown
    assert own == shown | {"email": "alice.shown@example.com"}
    assert own == await api.get("/users/me", alice)
    refused(await api.http.get("/users/unknown", headers=bob.bearer), 404, "not_found")


# ---------------------------------------------------------------------------------- ones profile
async def test_a_profile_changes_in_what_was_given_and_nothing_else(api: Api) -> None:
    alice = await api.person("alice", email="alice.before@example.com")
    bob = await api.person("bob", email="bob.profile@example.com")
    known = {"currentPassword": PASSWORD}

    async def change(body: Any) -> Any:
        return await api.http.patch("/users/me", json=body, headers=alice.bearer)

    named = answered(await change({"displayName": "Alice"}), 200)
    assert (named["displayName"], named["email"]) == ("Alice", "alice.before@example.com")
    moved = answered(await change({"email": "alice.after@example.com", **known}), 200)
    assert moved == named | {"email": "alice.after@example.com"}
    assert answered(await change({}), 200) == moved
    refused(await change({"email": "BOB.profile@example.com", **known}), 409, "email_taken")
    for body in ({"displayName": " "}, {"email": "x"}, {"username": "other"}, {"id": bob.id}):
        refused(await change(body), 422, "invalid")
    assert await api.get("/users/me", alice) == moved

    free = {"email": "Alice.Before@example.com", **known}
    answered(await api.http.patch("/users/me", json=free, headers=bob.bearer), 200)


# -------------------------------------------------------------------------------- conversations
@pytest.mark.mongodb
async def test_conversations_are_listed_latest_activity_first(api: Api) -> None:
    alice, *others = await api.people("alice", "b", "c", "d")
    for other in others:
        await api.send(alice, other, f"to {other.username}")
    last = await api.send(others[0], alice, "answer")
    listed = (await api.get("/conversations", alice))["items"]
    first = listed[0]

    partners = [
        next(m["userId"] for m in each["members"] if m["userId"] != alice.id) for each in listed
    ]
    assert partners == [others[0].id, others[2].id, others[1].id]
    assert first["lastMessage"] == last
    assert {
        name: first[name]
        for name in ("kind", "title", "firstSeq", "lastSeq", "readSeq", "unreadCount")
    } == {
        "kind": "direct",
        "title": None,
        "firstSeq": 1,
        "lastSeq": 2,
        "readSeq": 1,
        "unreadCount": 1,
    }
    pages: list[Any] = []
    cursor: dict[str, str] = {}
    for _ in range(3):
        page = await api.get("/conversations", alice, limit=1, **cursor)
        pages += page["items"]
        cursor = {"cursor": page["nextCursor"]}
    assert pages == listed
    assert cursor == {"cursor": None}


@pytest.mark.mongodb
async def test_history_is_paged_by_seq_in_both_directions(api: Api) -> None:
    alice, bob = await api.people("alice", "bob")
    sent = [await api.send(alice, bob, f"{number}") for number in range(1, 8)]
    path = f"/conversations/{sent[0]['conversationId']}/messages"

    async def page(**query: int) -> tuple[list[int], bool]:
        answer = await api.get(path, bob, **query)
        return [message["seq"] for message in answer["items"]], answer["hasMore"]

    assert await page() == ([1, 2, 3, 4, 5, 6, 7], False)
    assert await page(limit=3) == ([5, 6, 7], True)
    assert await page(before=5, limit=3) == ([2, 3, 4], True)
    assert await page(before=2) == ([1], False)
    assert await page(after=2, limit=3) == ([3, 4, 5], True)
    assert await page(after=4, limit=3) == ([5, 6, 7], False)
    assert await page(after=99) == ([], False)
    for query in ({"before": 3, "after": 1}, {"before": -1}, {"limit": 0}, {"after": 2**63}):
        answer = await api.http.get(path, params=query, headers=bob.bearer)
        refused(answer, 422, "invalid")
    refused(
        await api.http.get("/conversations/none/messages", headers=bob.bearer), 404, "not_found"
    )
