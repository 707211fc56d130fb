"""What a server's or a network's no means, in the words of people and with the way out. No secret is ever in it."""

import re
import socket
import ssl
from collections.abc import Iterator

import elastic_transport
import elasticsearch

from config.elastic_access import API_KEY, CA, PASSWORD, URL, USER, ElasticAccess

ROLES = "docs/elasticsearch.md 的“Roles”一节"
MOST_WAYS = 4
"""Privileges named in one sentence, of those that would do."""
EXPIRED, NOT_YET, HOSTNAME, ADDRESS = 10, 9, 62, 64
"""Verification codes of OpenSSL; every other one means that nobody we trust signed the certificate."""

_DENIED = re.compile(r"action \[(?P<action>\S+?)\] (?:towards remote cluster\S* )?is unauthorized")
_INDICES = re.compile(r"on (?:restricted )?indices \[(?P<indices>[^\]]*)\]")
_GRANTED = re.compile(r"granted by the (?P<kind>index|cluster) privileges \[(?P<privileges>[^\]]*)\]")


def unreached(error: elastic_transport.TransportError, access: ElasticAccess, where: str, timeout: float) -> str:
    """No answer, or one that cannot be read."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return _tls(cause, where)
        if isinstance(cause, socket.gaierror):
            return f"Elasticsearch（{where}）：找不到这个主机名；核对 {URL} 与域名解析"
        if isinstance(cause, ConnectionRefusedError):
            return f"Elasticsearch（{where}）拒绝连接：没有启动，或端口不对"
    if isinstance(error, elastic_transport.ConnectionTimeout):
        return f"Elasticsearch（{where}）{timeout:.0f} 秒内没有回答：负载过高、正在停顿或网络不通"
    if isinstance(error, elastic_transport.SerializationError):
        return not_elasticsearch(where)
    if not access.secure and any(_cut_off(cause) for cause in causes):
        return f"Elasticsearch（{where}）断开了连接：端口可能要求 TLS，把 {URL} 改成 https://，并给 {CA}；或它正在重启"
    return f"连不上 Elasticsearch（{where}）：{_last_words(causes)}；核对地址、网络和防火墙"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it came from, each once."""
    todo, seen = [error], set[int]()
    while todo:
        one = todo.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        linked = (*getattr(one, "errors", ()), *one.args, getattr(one, "reason", None), one.__cause__, one.__context__)
        todo.extend(each for each in linked if isinstance(each, BaseException))


def _tls(cause: ssl.SSLError, where: str) -> str:
    if isinstance(cause, ssl.SSLCertVerificationError):
        code = cause.verify_code
        if code == EXPIRED:
            return f"Elasticsearch（{where}）的证书已过期；换发服务器证书（或核对本机时间）"
        if code == NOT_YET:
            return f"Elasticsearch（{where}）的证书还没有生效；核对两边的时间"
        if code in (HOSTNAME, ADDRESS):
            return f"Elasticsearch（{where}）的证书不是发给这个主机名的；{URL} 用证书里的名字，或换发证书"
        return f"Elasticsearch（{where}）的证书不是信任的 CA 签发的；把签发它的 CA 证书文件给 {CA}"
    told = str(cause)
    if "WRONG_VERSION_NUMBER" in told or "RECORD_LAYER_FAILURE" in told or "HTTP_REQUEST" in told:
        return f"Elasticsearch（{where}）这个端口没有 TLS；把 {URL} 改成 http://（口令会明文传送），或给服务器开启 TLS"
    if "CERTIFICATE_REQUIRED" in told or "HANDSHAKE_FAILURE" in told:
        return f"Elasticsearch（{where}）拒绝了 TLS 握手：它要求客户端证书或更高的 TLS 版本"
    return f"Elasticsearch（{where}）的 TLS 连接没有建成：{cause.reason or told}"


def _cut_off(cause: BaseException) -> bool:
    words = str(cause)
    return isinstance(cause, ConnectionResetError) or "Remote end closed" in words or "BadStatusLine" in words


def _last_words(causes: list[BaseException]) -> str:
    system = [cause.strerror for cause in causes if isinstance(cause, OSError) and cause.strerror]
    return system[-1] if system else type(causes[-1]).__name__


def not_elasticsearch(where: str) -> str:
    """Something answers, but not what we ask."""
    return f"{where} 上的不是 Elasticsearch（也不支持 OpenSearch）；核对 {URL} 的主机和端口"


def refused(error: elasticsearch.ApiError, access: ElasticAccess, where: str) -> str | None:
    """What an answer means that is about who asks or about what the server is; None for all others."""
    reason = reason_of(error)
    if error.status_code == 401:
        return f"Elasticsearch（{where}）{_unknown_account(reason, access)}"
    if error.status_code == 403 and not _blocked(error):
        return f"Elasticsearch（{where}）{forbidden(reason, access)}"
    if error.status_code == 406 or "media_type_header_exception" in (reason, str(error.error)):
        return f"Elasticsearch（{where}）的版本过低（需要 8 或 9），或中间的代理改了请求头"
    answer: object = error.body
    if error.status_code < 500 and not isinstance(answer, dict):
        return not_elasticsearch(where)
    return None


def _blocked(error: elasticsearch.ApiError) -> bool:
    """A 403 that is about the index (read-only), not about the account."""
    return str(error.error) == "cluster_block_exception"


def reason_of(error: elasticsearch.ApiError) -> str:
    """The sentence the server gave, empty where it gave none."""
    body: object = error.body
    cause = body.get("error") if isinstance(body, dict) else None
    return str(cause.get("reason") or "") if isinstance(cause, dict) else ""


def _unknown_account(reason: str, access: ElasticAccess) -> str:
    if access.api_key is not None:
        return f"不认这个 API key（HTTP 401）：可能已过期、作废或抄漏；新建一个，放进 {API_KEY}"
    if access.account is not None:
        return f"不认账号 {access.account[0]}（HTTP 401）：核对 {USER} 与 {PASSWORD}"
    return f"要求登录（HTTP 401）：设置 {USER} 与 {PASSWORD}，或 {API_KEY}"


def forbidden(reason: str, access: ElasticAccess) -> str:
    """Which privilege lacks, on what, as the server's sentence names it."""
    who = (
        "这个 API key" if access.api_key is not None else f"账号 {access.account[0]} " if access.account else "未登录的"
    )
    denied, granted, on = _DENIED.search(reason), _GRANTED.search(reason), _INDICES.search(reason)
    if denied is None:
        return f"{who}权限不足（HTTP 403）：{reason[:200]}；按 {ROLES}给角色补上"
    ways = [name.strip() for name in granted["privileges"].split(",")] if granted else []
    ways = [name for name in ways if name not in ("", "all")][:MOST_WAYS]
    where = f"索引 {on['indices'][:200]} 的" if on and on["indices"] else "集群"
    action = denied["action"]
    wanted = f"{where}权限 {' 或 '.join(ways)}（动作 {action}）" if ways else f"动作 {action} 的权限"
    return f"{who}缺{wanted}（HTTP 403）；按 {ROLES}给角色补上"
