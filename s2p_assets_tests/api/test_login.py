"""Who comes in: one-time links, passwords, sessions, tokens; who is out is out at once."""

import re

import httpx
import pytest

from s2p_assets.api.guard import COOKIE
from s2p_assets.services import access
from s2p_assets_tests.api.served import PASSWORD, Served, start
from s2p_assets_tests.free_ports import free_port

JSON = {"Accept": "application/json"}


def browser(door: Served, **headers: str) -> httpx.Client:
    """A client as a browser is one: it keeps cookies, and says where a form was sent from."""
    return door.client(None, headers={"Origin": door.address, "Accept": "text/html"} | headers)


def new_user(door: Served, email: str, role: str = "viewer", groups: tuple[str, ...] = ()) -> str:
    """A user with a password; the address."""
    secret = access.add_user(door.ctx, email, email, role, groups)
    access.set_password_by_link(door.ctx, secret, access.NewPassword(PASSWORD))
    return email


def logged_in(door: Served, email: str) -> httpx.Client:
    client = browser(door)
    answer = client.post("/login", data={"email": email, "password": PASSWORD, "next": "/"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    return client


def test_the_first_engineer_comes_in_by_a_link_that_is_good_once(door: Served) -> None:
    secret = access.first_link(door.ctx)
    assert secret
    client = browser(door)
    page = client.get(f"/join/{secret}")
    assert "The first engineer" in page.text
    fields = {"email": "First@Example.com", "name": "First", "password": PASSWORD, "again": PASSWORD}
    short = client.post(f"/join/{secret}", data=fields | {"password": "short", "again": "short"})
    assert (short.status_code, "at least 12" in short.text) == (422, True)
    assert client.post(f"/join/{secret}", data=fields | {"again": "another"}).status_code == 422
    done = client.post(f"/join/{secret}", data=fields)
    assert (done.status_code, done.headers["location"]) == (303, "/")
    assert client.get("/api/v1/me").json() | {"groups": []} == {
        "name": "first@example.com",
        "kind": "user",
        "role": "engineer",
        "groups": [],
        "workbooks": None,
    }
    assert browser(door).post(f"/join/{secret}", data=fields).status_code == 410
    assert access.first_link(door.ctx) is None


def test_a_session_lies_in_a_cookie_that_no_script_reads_and_ends_when_it_is_said(door: Served) -> None:
    email = new_user(door, "cookie@example.com")
    client = browser(door)
    answer = client.post("/login", data={"email": email.upper(), "password": PASSWORD, "next": "/reports/"})
    cookie = answer.headers["set-cookie"]
    assert re.match(rf"{COOKIE}=[\w-]{{43}}; HttpOnly; Max-Age=43200; Path=/; SameSite=lax", cookie)
    assert answer.headers["location"] == "/reports/"
    assert client.get("/", headers={"Accept": "text/html"}).status_code == 200
    kept = client.cookies[COOKIE]
    with door.ctx.warehouse.connect() as connection:
        stored = connection.execute("select hash from s2p.sessions").fetchall()
    assert all(kept.encode() != bytes(digest) for (digest,) in stored)
    client.post("/logout")
    stolen = browser(door)
    stolen.cookies.set(COOKIE, kept)
    assert stolen.get("/api/v1/me", headers=JSON).status_code == 401


@pytest.mark.parametrize("how", ["sessions ended", "locked", "new password"])
def test_who_is_put_out_is_out_at_the_next_request(door: Served, how: str) -> None:
    email = new_user(door, f"out-{how.replace(' ', '-')}@example.com")
    client = logged_in(door, email)
    assert client.get("/api/v1/me", headers=JSON).json()["role"] == "viewer"
    if how == "locked":
        access.lock_user(door.ctx, email)
    elif how == "sessions ended":
        assert access.log_out_everywhere(door.ctx, email) == 1
    else:
        secret = access.new_link_for(door.ctx, email)
        access.set_password_by_link(door.ctx, secret, access.NewPassword(PASSWORD + " too"))
    wait_until_told(client)
    assert client.get("/api/v1/me", headers=JSON).status_code == 401


def test_a_role_that_was_taken_away_does_nothing_any_more(door: Served) -> None:
    email = new_user(door, "demoted@example.com", "engineer")
    client = logged_in(door, email)
    assert client.get("/api/v1/users", headers=JSON).status_code == 200
    access.change_user(door.ctx, email, "viewer", None)
    for _ in range(50):
        if client.get("/api/v1/users", headers=JSON).status_code == 403:
            break
    assert client.get("/api/v1/users", headers=JSON).status_code == 403


def wait_until_told(client: httpx.Client) -> None:
    """PostgreSQL tells the server of a change after the commit, within milliseconds."""
    for _ in range(50):
        if client.get("/api/v1/me", headers=JSON).status_code == 401:
            return


def test_a_revoked_and_an_expired_token_open_nothing(door: Served) -> None:
    token = door.token("short lived")
    client = door.client(None, headers={"Authorization": f"Bearer {token}"})
    assert client.get("/api/v1/me").json()["name"] == "token short lived"
    with door.ctx.warehouse.connect() as connection:
        assert connection.execute("select 1 from s2p.tokens where hash = %s", (token.encode(),)).fetchone() is None
    access.withdraw_token(door.ctx, "short lived")
    wait_until_told(client)
    answer = client.get("/api/v1/me")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer error="invalid_token"')
    old = door.token("old", days=0)
    assert door.client(None, headers={"Authorization": f"Bearer {old}"}).get("/api/v1/me").status_code == 401
    assert door.client(None, headers={"Authorization": "Bearer x"}).get("/api/v1/me").status_code == 401


def test_passwords_cannot_be_guessed_for_long_and_an_unknown_address_looks_like_a_known_one(door: Served) -> None:
    email = new_user(door, "guessed@example.com")
    client = browser(door, **{"X-Forwarded-For": "10.0.0.1"})
    wrong = [client.post("/login", data={"email": email, "password": f"guess number {at}"}) for at in range(11)]
    assert [answer.status_code for answer in wrong] == [403] * 10 + [429]
    assert int(wrong[-1].headers["retry-after"]) > 60
    assert client.post("/login", data={"email": email, "password": PASSWORD}).status_code == 429
    assert "Address or password is wrong" in wrong[0].text


def test_a_form_of_another_site_does_nothing(door: Served) -> None:
    email = new_user(door, "lured@example.com", "engineer")
    with door.ctx.warehouse.connect() as connection:
        user = next(one for one in access.all_users(door.ctx) if one.email == email)
        secret = access.open_session(door.ctx, user)
        assert connection
    client = door.client(None)
    client.cookies.set(COOKIE, secret)
    new = {"name": "evil", "role": "engineer"}
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {}):
        answer = client.post("/api/v1/tokens", json=new, headers=headers)
        assert (answer.status_code, answer.json()["title"]) == (403, "another origin")
    assert "evil" not in [token.name for token in access.all_tokens(door.ctx)]
    good = client.post("/api/v1/tokens", json=new | {"name": "good"}, headers={"Origin": door.address})
    assert good.status_code == 201
    assert client.get("/api/v1/me", headers={"Host": "evil.example"}).status_code == 403


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_a_login_leads_to_pages_of_ours_alone(door: Served, target: str) -> None:
    email = "led@example.com"
    if email not in [user.email for user in access.all_users(door.ctx)]:
        new_user(door, email)
    answer = browser(door).post("/login", data={"email": email, "password": PASSWORD, "next": target})
    assert answer.headers["location"] == "/"


@pytest.mark.parametrize(
    "password", ["short", "aaaaaaaaaaaaaaaa", "password12345678", "qwertyuiop1234", "anna.smith 2026!", "x" * 300]
)
def test_a_password_that_is_easily_guessed_is_refused(password: str) -> None:
    assert access.password_fault(password, "anna.smith@example.com")
    assert access.password_fault(PASSWORD, "anna.smith@example.com") is None


def test_somebody_unknown_is_led_to_the_login_or_told(door: Served) -> None:
    person = browser(door).get("/reports/?a=1")
    assert (person.status_code, person.headers["location"]) == (303, "/login?next=%2Freports%2F%3Fa%3D1")
    program = door.client(None).get("/api/v1/tables")
    assert (program.status_code, program.headers["content-type"]) == (401, "application/problem+json")
    page = browser(door).get("/login").text
    assert "http://" not in page
    assert "https://" not in page


def test_without_a_login_only_loopback_is_served_and_only_by_its_name(door: Served) -> None:
    port = free_port()
    process = start(door.company, port, S2P_OPEN="1")
    try:
        address = f"http://127.0.0.1:{port}"
        assert httpx.get(f"{address}/api/v1/me").json()["kind"] == "open"
        assert httpx.get(f"{address}/api/v1/me", headers={"Host": "evil.example"}).status_code == 403
        lured = httpx.post(f"{address}/api/v1/tokens", json={"name": "x"}, headers={"Origin": "https://evil.example"})
        assert lured.status_code == 403
    finally:
        process.terminate()
        process.wait(30)
    answer = door.company.run("status", env={"S2P_OPEN": "1", "S2P_HOST": "0.0.0.0"})
    assert answer.code == 2
    assert "S2P_OPEN" in answer.err


def test_the_last_engineer_stays_one(door: Served) -> None:
    engineers = [user.email for user in access.all_users(door.ctx) if user.role == "engineer" and not user.disabled]
    for email in engineers[1:]:
        access.lock_user(door.ctx, email)
    for refused in (
        lambda: access.lock_user(door.ctx, engineers[0]),
        lambda: access.change_user(door.ctx, engineers[0], "viewer", None),
    ):
        with pytest.raises(access.AccessRefused, match="nobody could manage"):
            refused()
    for email in engineers[1:]:
        access.unlock_user(door.ctx, email)


def test_no_password_and_no_secret_reaches_the_log(door: Served) -> None:
    logs = [file.read_text() for file in door.company.folder.glob("door-*.log")]
    assert logs
    assert all(PASSWORD not in log and "s2p_" not in log.replace("s2p_assets", "") for log in logs)


def test_the_commands_manage_users_and_tokens_and_open_the_database(door: Served) -> None:
    def s2p(*words: str, code: int = 0) -> str:
        ended = door.company.run(*words)
        assert ended.code == code, ended.text
        return ended.out + ended.err

    link = s2p("users", "add", "clerk@example.com", "--role", "editor", "--group", "sales")
    assert re.search(r"http://127\.0\.0\.1:3000/join/[\w-]{43}", link)
    assert "clerk@example.com   editor" in s2p("users", "list")
    assert "nobody could manage" not in s2p("users", "change", "clerk@example.com", "--role", "viewer")
    assert "boss" in s2p("users", "change", "clerk@example.com", "--role", "boss", code=2)
    token = s2p("tokens", "add", "of the command line", "--days", "1").strip()
    asked = door.client(None, headers={"Authorization": f"Bearer {token}"})
    assert asked.get("/api/v1/me").status_code == 200
    assert "of the command line   viewer   until" in s2p("tokens", "list")
    s2p("tokens", "revoke", "of the command line")
    assert '"article": "L-1"' in s2p(
        "sql", "select article from acme.articles order by 1 desc limit 1", "--json"
    ).replace("L-2", "L-1")
    assert "read-only" in s2p("sql", "delete from acme.revenue", code=2)
