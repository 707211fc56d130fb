"""The client's side of OpenID Connect: authorization code with PKCE (RFC 7636), discovery, a verified ID token.

What the provider says is believed only after the signature fits a key of its own and issuer, audience, time and nonce
are ours (OpenID Connect Core 1.0, 3.1.3.7).
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import SecretStr

from config.signin import LOOPBACK, Oidc
from core.asking import PORTS, Elsewhere, Unresolved, addresses_of, ask
from core.internet import Address, is_public, is_reachable

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
"""Signatures with a key of the provider's own: never `none`, never one made with the secret both know."""
LEEWAY = 60
KEEP = timedelta(hours=1)
SECONDS = 8.0
LARGEST = 1 << 20
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class OidcProblem(Exception):
    """Why nobody was let in, as a sentence for the door. down: the provider could not be asked."""

    def __init__(self, sentence: str, *, down: bool = False) -> None:
        super().__init__(sentence)
        self.down = down


@dataclass(frozen=True)
class Start:
    """One sign-in that has begun: where the browser is sent, and what must come back with it."""

    address: str
    state: str
    nonce: str
    verifier: str


class OidcClient:
    """One provider. Thread-safe enough: what is kept may be fetched twice."""

    def __init__(self, config: Oidc, secret: SecretStr | None, callback: str) -> None:
        self.config, self.callback = config, callback
        self._secret = secret
        self._found: Mapping[str, Any] = {}
        self._found_at: datetime | None = None
        self._keys: KeySet | None = None

    def start(self, now: datetime) -> Start:
        """Begin a sign-in. Raises OidcProblem."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code", "client_id": self.config.client_id, "redirect_uri": self.callback,
            "scope": " ".join(self.config.scopes), "state": state, "nonce": nonce, "code_challenge": challenge,
            "code_challenge_method": "S256",
        }  # fmt: skip
        address = str(self._discover(now)["authorization_endpoint"])
        return Start(f"{address}{'&' if '?' in address else '?'}{urlencode(asked)}", state, nonce, verifier)

    def finish(self, code: str, *, verifier: str, nonce: str, now: datetime) -> Mapping[str, Any]:
        """The claims of whoever the code stands for. Raises OidcProblem."""
        found = self._discover(now)
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self.callback,
            "code_verifier": verifier, "client_id": self.config.client_id,
        }  # fmt: skip
        secret = self._secret.get_secret_value() if self._secret else None
        ways = found.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        basic = secret is not None and "client_secret_basic" in ways
        if secret is not None and not basic:
            form["client_secret"] = secret
        auth = (quote(self.config.client_id, safe=""), quote(secret or "", safe="")) if basic else None
        answer = self._ask("POST", str(found["token_endpoint"]), form=form, auth=auth)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise OidcProblem("统一认证没有给出身份令牌")
        return self._verified(token, nonce, now)

    def _verified(self, token: str, nonce: str, now: datetime) -> Mapping[str, Any]:
        rules = jwt.JWTClaimsRegistry(
            now=int(now.timestamp()), leeway=LEEWAY,
            iss={"essential": True, "value": self.config.issuer},
            aud={"essential": True, "value": self.config.client_id},
            exp={"essential": True}, iat={"essential": True}, sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )  # fmt: skip
        try:
            claims = self._decoded(token, now)
            rules.validate(claims)
        except (JoseError, ValueError, TypeError) as problem:
            raise OidcProblem(f"统一认证的身份令牌不可信（{type(problem).__name__}）") from problem
        audience = claims["aud"]
        if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") != self.config.client_id:
            raise OidcProblem("统一认证的身份令牌是给别的系统的")
        return claims

    def _decoded(self, token: str, now: datetime) -> dict[str, Any]:
        """The claims, once a signature fits; keys are fetched again once, since providers change them."""
        if self._keys is not None:
            try:
                return jwt.decode(token, self._keys, algorithms=ALGORITHMS).claims
            except (JoseError, ValueError):
                self._keys = None
        self._keys = KeySet.import_key_set(self._ask("GET", str(self._discover(now)["jwks_uri"])))  # type: ignore[arg-type]
        return jwt.decode(token, self._keys, algorithms=ALGORITHMS).claims

    def _discover(self, now: datetime) -> Mapping[str, Any]:
        if self._found_at is None or now - self._found_at > KEEP:
            found = self._ask("GET", f"{self.config.issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != self.config.issuer:
                raise OidcProblem("统一认证自报的名称与配置的 issuer 不同", down=True)
            for name in ENDPOINTS:
                parts = urlsplit(str(found.get(name, "")))
                if not parts.hostname or (parts.scheme != "https" and parts.hostname not in LOOPBACK):
                    raise OidcProblem(f"统一认证的 {name} 不是可用的 https 地址", down=True)
            self._found, self._found_at = found, now
        return self._found

    def _ask(
        self, method: str, address: str, *, form: Mapping[str, str] | None = None, auth: tuple[str, str] | None = None
    ) -> dict[str, Any]:
        """A JSON object. Raises OidcProblem; what the provider answers is never shown: it may hold secrets."""
        headers = {"Accept": "application/json"}
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        if auth is not None:
            headers["Authorization"] = f"Basic {base64.b64encode(':'.join(auth).encode()).decode()}"
        try:
            answer = ask(
                method, address, may=self._may(), seconds=SECONDS, most=LARGEST, headers=headers,
                body=urlencode(form or {}).encode(), timeout=SECONDS,
            )  # fmt: skip
        except (Unresolved, Elsewhere, httpx.HTTPError) as problem:
            raise OidcProblem(f"连不上统一认证（{type(problem).__name__}）", down=True) from problem
        if answer.status in (400, 401, 403) and method == "POST":
            raise OidcProblem("统一认证没有认可这次登录，可能等得太久")
        if answer.status != 200 or answer.cut:
            raise OidcProblem(f"统一认证答复 HTTP {answer.status}", down=True)
        try:
            found = json.loads(answer.body)
        except (ValueError, RecursionError) as problem:
            raise OidcProblem("统一认证的答复不是 JSON", down=True) from problem
        if not isinstance(found, dict):
            raise OidcProblem("统一认证的答复不是 JSON 对象", down=True)
        return found

    def _may(self) -> Callable[[Address], bool]:
        """Which addresses may be asked: a provider of the open internet leads nowhere into our own network, whatever
        its description of itself says. Raises Unresolved."""
        parts = urlsplit(self.config.issuer)
        known = addresses_of(parts.hostname or "", parts.port or PORTS[parts.scheme])
        return is_public if all(map(is_public, known)) else is_reachable
