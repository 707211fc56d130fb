"""A small OpenID provider on the loopback: discovery, authorization code with PKCE, signed ID tokens, changing keys.

It refuses what the protocol tells it to refuse, and can be told to lie, so that a client shows what it believes.
"""

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

CLIENT, SECRET = "fengsui", "s3cret/with:signs%41"


@dataclass
class Provider:
    """person: claims of whoever signs in.  lie: what is put over the claims of the ID token.  now: its clock."""

    callback: str
    now: datetime
    issuer: str = ""
    person: dict[str, Any] = field(default_factory=dict)
    lie: dict[str, Any] = field(default_factory=dict)
    sign_with: str = "own"
    refuse: bool = False
    down: bool = False
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    other_key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def change_key(self) -> None:
        """As providers do now and then."""
        self.key = RSAKey.generate_key(2048, {"kid": "two"})

    def discovery(self) -> dict[str, Any]:
        """The provider's description of itself."""
        return {
            "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"], "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "id_token_signing_alg_values_supported": ["RS256"], "subject_types_supported": ["public"],
        }  # fmt: skip

    def authorize(self, asked: dict[str, str]) -> str | None:
        """Where the browser goes next; None: the request itself is wrong, and nobody is sent anywhere."""
        if asked.get("client_id") != CLIENT or asked.get("redirect_uri") != self.callback:
            return None
        back = {"state": asked.get("state", "")}
        wrong = (
            asked.get("response_type") != "code" or "openid" not in asked.get("scope", "").split()
            or asked.get("code_challenge_method") != "S256" or len(asked.get("code_challenge", "")) != 43
        )  # fmt: skip
        if wrong or self.refuse:
            back["error"] = "access_denied" if self.refuse else "invalid_request"
        else:
            back["code"] = secrets.token_urlsafe(16)
            self.codes[back["code"]] = asked
        return f"{self.callback}?{urlencode(back)}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """Status and body of the token endpoint. A code is good once."""
        kind, _, given = authorization.partition(" ")
        client, _, secret = base64.b64decode(given).decode().partition(":") if kind == "Basic" else ("", "", "")
        if (unquote(client), unquote(secret)) != (CLIENT, SECRET):
            return 401, {"error": "invalid_client"}
        asked = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        wrong = (
            asked is None or form.get("grant_type") != "authorization_code"
            or form.get("redirect_uri") != self.callback or asked["code_challenge"] != challenge
        )  # fmt: skip
        if asked is None or wrong:
            return 400, {"error": "invalid_grant"}
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": self._id_token(asked["nonce"])}

    def _id_token(self, nonce: str) -> str:
        at = int(self.now.timestamp())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": at, "exp": at + 300, "nonce": nonce, **self.person}
        claims = {name: value for name, value in {**claims, **self.lie}.items() if value is not None}
        if self.sign_with == "nothing":
            parts = ({"alg": "none"}, claims)
            return ".".join(_packed(json.dumps(part).encode()) for part in parts) + "."
        if self.sign_with == "secret":
            return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET * 4))
        key = self.key if self.sign_with == "own" else self.other_key
        return jwt.encode({"alg": "RS256", "kid": str(key.kid)}, claims, key)


def _packed(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@contextmanager
def running_provider(callback: str, now: datetime) -> Iterator[Provider]:
    """Serve a provider on a free port until the block ends."""
    provider = Provider(callback, now)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            provider.asked.append(parts.path)
            if provider.down:
                self._answer(503, {})
            elif parts.path == "/.well-known/openid-configuration":
                self._answer(200, provider.discovery())
            elif parts.path == "/keys":
                self._answer(200, {"keys": [provider.key.as_dict(private=False)]})
            elif parts.path == "/authorize":
                target = provider.authorize({name: values[0] for name, values in parse_qs(parts.query).items()})
                if target is None:
                    self._answer(400, {"error": "invalid_request"})
                    return
                self.send_response(302)
                self.send_header("Location", target)
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                self._answer(404, {})

        def do_POST(self) -> None:
            provider.asked.append(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._answer(*provider.token(form, self.headers.get("Authorization", "")))

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            raw = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
