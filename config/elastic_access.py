"""How Elasticsearch is reached and by whom: what may go together, checked before anything starts."""

import ssl
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import SecretStr

URL, USER, PASSWORD = "FENGSUI_ELASTICSEARCH_URL", "FENGSUI_ELASTICSEARCH_USER", "FENGSUI_ELASTICSEARCH_PASSWORD"
API_KEY, CA = "FENGSUI_ELASTICSEARCH_API_KEY", "FENGSUI_ELASTICSEARCH_CA"


@dataclass(frozen=True)
class ElasticAccess:
    """What the operator gave. urls: comma separated, each may carry user:password@; see `mistakes_in`."""

    urls: str = field(default="", repr=False)
    user: str | None = None
    password: SecretStr | None = None
    api_key: SecretStr | None = None
    ca: Path | None = None

    @property
    def hosts(self) -> list[str]:
        """The addresses, one a node, without user and password."""
        return [_bare(part) for part in self._parts()]

    @property
    def where(self) -> str:
        """The addresses as people may see them."""
        return "、".join(urlsplit(url).netloc for url in self.hosts)

    @property
    def account(self) -> tuple[str, SecretStr] | None:
        """User and password, of their own settings or of the addresses."""
        if self.user is not None and self.password is not None:
            return self.user, self.password
        return next(iter(self.written_in), None)

    @property
    def written_in(self) -> tuple[tuple[str, SecretStr], ...]:
        """The accounts that stand in the addresses."""
        return tuple(
            (unquote(part.username or ""), SecretStr(unquote(part.password or "")))
            for part in self._parts()
            if part.username or part.password
        )

    @property
    def secure(self) -> bool:
        """Whether any address is spoken to over TLS."""
        return any(part.scheme == "https" for part in self._parts())

    def _parts(self) -> Sequence[SplitResult]:
        return [urlsplit(url.strip()) for url in self.urls.split(",") if url.strip()]


def _bare(part: SplitResult) -> str:
    return part._replace(netloc=part.netloc.rpartition("@")[2]).geturl()


def mistakes_in(access: ElasticAccess) -> list[str]:
    """What cannot work, a sentence each, without any secret; empty where all is well."""
    if not access.urls.strip():
        given = {USER: access.user, PASSWORD: access.password, API_KEY: access.api_key, CA: access.ca}
        named = [name for name, value in given.items() if value is not None]
        return [f"{'、'.join(named)}：没有给 {URL}，用不上；补上地址或去掉它们"] if named else []
    return [*_bad_addresses(access), *_bad_accounts(access), *_bad_ca(access)]


def warnings_about(access: ElasticAccess) -> list[str]:
    """What works, but should not stay so."""
    if (access.account or access.api_key) and any(url.startswith("http://") for url in access.hosts):
        return [f"{URL}：口令或 API key 经 http 明文传送，网络上的人可以读到；改用 https:// 并给 {CA}"]
    return []


def _bad_addresses(access: ElasticAccess) -> list[str]:
    found = []
    for part in access._parts():
        shown = _bare(part)
        try:
            port = part.port
        except ValueError:
            port = None
        if part.scheme not in ("http", "https") or not part.hostname:
            found.append(
                f"{URL}：其中有一个不是地址（不重复所写的，里面可能有密码；写法：https://es.example:9200，多个用逗号分开）"
            )
        elif port is None:
            found.append(f"{URL}：{shown} 没有端口（写法：{part.scheme}://{part.hostname}:9200）")
        elif part.query or part.fragment:
            found.append(f"{URL}：{shown} 的 ? 或 # 之后用不上，请去掉")
    if len({part.scheme for part in access._parts()}) > 1:
        found.append(f"{URL}：几个地址有 http 也有 https；同一集群请都用 https")
    return found


def _bad_accounts(access: ElasticAccess) -> list[str]:
    found = []
    inside = {(user, password.get_secret_value()) for user, password in access.written_in}
    own = access.user is not None or access.password is not None
    if access.api_key is not None and (own or inside):
        where = USER if own else f"{URL} 中的账号"
        found.append(f"{where} 与 {API_KEY} 只能给一个：去掉其中之一")
    if access.user is not None and access.password is None:
        found.append(f"{USER}：没有 {PASSWORD}（或 {PASSWORD}_FILE）")
    if access.password is not None and access.user is None:
        found.append(f"{PASSWORD}：没有 {USER}")
    if own and inside:
        found.append(f"{URL} 中的账号与 {USER} 只能给一处：地址里去掉 user:password@")
    if len(inside) > 1:
        found.append(f"{URL}：几个地址中的账号不一样；同一集群只用一个，写在 {USER} 与 {PASSWORD}")
    if any(not user or not password for user, password in inside):
        found.append(f"{URL}：地址中的账号要写全 user:password@，其中的 @ : / 写成 %40 %3A %2F")
    for name, value in ((PASSWORD, access.password), (API_KEY, access.api_key)):
        if value is not None and not value.get_secret_value():
            found.append(f"{name}：是空的")
    if access.api_key is not None and (key := access.api_key.get_secret_value()) and not _is_api_key(key):
        found.append(f"{API_KEY}：既不是 id:key，也不是两者的 base64；给出创建时返回的 encoded，或 id:api_key")
    return found


def _is_api_key(key: str) -> bool:
    """As a server gives it: `id:key`, or both in base64. What it says stays with the server to judge."""
    if ":" in key:
        return all(key.split(":", 1))
    try:
        return b":" in b64decode(key, validate=True)
    except ValueError:
        return False


def _bad_ca(access: ElasticAccess) -> list[str]:
    if access.ca is None:
        return []
    if not access.secure:
        return [f"{CA}：地址是 http://，证书用不上；地址改用 https:// 或去掉它"]
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(access.ca)
    except ssl.SSLError:
        return [f"{CA}：{access.ca} 不是 PEM 证书（应有 BEGIN CERTIFICATE）；给出签发服务器证书的 CA 证书文件"]
    except OSError as problem:
        return [f"{CA}：{access.ca} 读不到（{problem.strerror}）；给出签发服务器证书的 CA 证书文件（PEM）"]
    return []
