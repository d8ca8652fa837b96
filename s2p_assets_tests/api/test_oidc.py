"""The login at the company's own OpenID provider, against a provider of the tests' own that signs what it says."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from s2p_assets.services import access
from s2p_assets.settings import Settings
from s2p_assets_tests.api.served import Served, start
from s2p_assets_tests.free_ports import free_port

JSON = {"Accept": "application/json"}


class Provider(ThreadingHTTPServer):
    """Vouches for `person`, whoever asks."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.person: dict[str, Any] = {}
        self.nonces: dict[str, str] = {}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answers(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        path, ours = urlsplit(self.path).path, self.server
        asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        if path == "/.well-known/openid-configuration":
            known = {
                name: f"{ours.address}/{name}" for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")
            }
            self._say(known | {"issuer": ours.address, "id_token_signing_alg_values_supported": ["RS256"]})
        elif path == "/jwks_uri":
            self._say({"keys": [ours.key.as_dict(private=False)]})
        else:
            assert asked["code_challenge_method"] == "S256"
            ours.nonces["the code"] = asked["nonce"]
            back = urlencode({"code": "the code", "state": asked["state"]})
            self.send_response(302)
            self.send_header("Location", f"{asked['redirect_uri']}?{back}")
            self.end_headers()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        ours, now = self.server, int(time.time())
        claims = {"iss": ours.address, "aud": "s2p", "iat": now, "exp": now + 60, "nonce": ours.nonces["the code"]}
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, claims | ours.person, ours.key)
        self._say({"access_token": "x", "token_type": "Bearer", "id_token": signed})

    def _say(self, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with Provider() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture(scope="module")
def address(door: Served, provider: Provider) -> Iterator[str]:
    """A door whose people log in at the provider."""
    port = free_port()
    process = start(
        door.company,
        port,
        S2P_OIDC_ISSUER=provider.address,
        S2P_OIDC_CLIENT_ID="s2p",
        S2P_OIDC_CLIENT_SECRET="of the tests",
        S2P_OIDC_ROLES="office=editor,it=engineer",
    )
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(30)


def log_in(door: Served, address: str) -> tuple[httpx.Client, httpx.Response]:
    """A browser that goes to the provider and comes back."""
    browser = door.client(None)
    there = browser.get(f"{address}/oidc/login?next=/reports/")
    back = browser.get(there.headers["location"])
    return browser, browser.get(back.headers["location"], headers=JSON)


def test_whom_the_provider_vouches_for_has_the_role_of_its_groups(
    door: Served, address: str, provider: Provider
) -> None:
    provider.person = {"sub": "1", "email": "Ann@example.com", "email_verified": True, "groups": ["office", "x"]}
    browser, answer = log_in(door, address)
    assert (answer.status_code, answer.headers["location"]) == (303, "/reports/")
    me = browser.get(f"{address}/api/v1/me", headers=JSON).json()
    assert (me["name"], me["role"]) == ("ann@example.com", "editor")
    provider.person |= {"groups": ["it"]}
    browser, _ = log_in(door, address)
    assert browser.get(f"{address}/api/v1/me", headers=JSON).json()["role"] == "engineer"


@pytest.mark.parametrize(
    "person",
    [
        {"sub": "2", "email": "bob@example.com", "email_verified": True, "groups": []},
        {"sub": "3", "email": "known@example.com", "email_verified": False, "groups": ["office"]},
        {"sub": "4", "email": "ann@example.com", "email_verified": True, "groups": ["office"]},
        {
            "sub": "5",
            "iss": "https://evil.example",
            "email": "eve@example.com",
            "email_verified": True,
            "groups": ["it"],
        },
        {"sub": "6", "aud": "another", "email": "eve@example.com", "email_verified": True, "groups": ["it"]},
        {"sub": "7", "nonce": "replayed", "email": "eve@example.com", "email_verified": True, "groups": ["it"]},
        {"sub": "8", "exp": 1, "email": "eve@example.com", "email_verified": True, "groups": ["it"]},
    ],
    ids=["nobody", "unverified", "another's address", "issuer", "audience", "replay", "expired"],
)
def test_whom_it_does_not_vouch_for_stays_out(
    door: Served, address: str, provider: Provider, person: dict[str, Any]
) -> None:
    if "known@example.com" not in [user.email for user in access.all_users(door.ctx)]:
        access.add_user(door.ctx, "known@example.com", "Known", "engineer", [])
    provider.person = person
    browser, answer = log_in(door, address)
    assert answer.status_code == 403, answer.text
    assert browser.get(f"{address}/api/v1/me", headers=JSON).status_code == 401


def test_a_login_that_another_browser_began_is_not_completed(door: Served, address: str, provider: Provider) -> None:
    provider.person = {"sub": "1", "email": "ann@example.com", "email_verified": True, "groups": ["it"]}
    attacker = door.client(None)
    back = attacker.get(attacker.get(f"{address}/oidc/login").headers["location"]).headers["location"]
    assert httpx.get(back, headers=JSON).status_code == 400


def test_a_role_that_there_is_not_is_told_at_the_start() -> None:
    assert Settings(oidc_roles="office=editor").oidc_roles == "office=editor"
    for wrong in ("office", "office=boss"):
        with pytest.raises(ValueError, match="group=role"):
            Settings(oidc_roles=wrong)
