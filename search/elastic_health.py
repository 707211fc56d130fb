"""How the index on a cluster is, in words for the desk and `fengsui doctor`: what is wrong, and what to do."""

from collections.abc import Mapping
from datetime import datetime

from core.errors import SearchUnavailable
from search.backend import Health
from search.elastic_client import GONE, Cluster, Json
from search.elastic_control import State
from search.elastic_names import IndexNames

COLOURS = {"green": "绿", "yellow": "黄", "red": "红"}
MOST_NAMED = 6
"""Months named in one sentence."""


def unreachable(error: SearchUnavailable) -> Health:
    """The health of an index that does not answer."""
    remedy = "fengsui reindex" if "reindex" in str(error) else "检查 Elasticsearch 是否启动、地址与密码是否正确"
    return Health(False, "elasticsearch", 0, str(error), remedy)


def cluster_health(
    cluster: Cluster, names: IndexNames, state: State | None, documents: int | None, *, now: datetime
) -> Health:
    """Colour, nodes, months, documents, generation. documents: None when they cannot be counted now."""
    found: Json = cluster.ask(lambda: cluster.client.cluster.health(index=f"{names.name}-*", level="indices")).body
    colours = {index: one["status"] for index, one in found["indices"].items()}
    colour = max(("green", *colours.values()), key=list(COLOURS).index)
    where, nodes = cluster.access.where, found["number_of_nodes"]
    counted = "条数不明" if documents is None else f"{documents} 条"
    months = sum(1 for index in colours if state and _is_month(index, names, state))
    size = f"{nodes} 个节点，{months} 个月份索引，{counted}"
    detail = f"Elasticsearch（{where}）{COLOURS[colour]}，{size}{_generation(state, now)}"
    remedy = _remedy(colour, found, colours, names)
    blocked = _blocked(cluster, names)
    if blocked:
        remedy = blocked
    generation = f"{state.in_use:06d}" if state and state.in_use else ""
    well = colour != "red" and not blocked
    return Health(well, "elasticsearch", documents or 0, detail, remedy, generation)


def _is_month(index: str, names: IndexNames, state: State) -> bool:
    return state.in_use is not None and index.startswith(f"{names.generation(state.in_use)}-")


def _generation(state: State | None, now: datetime) -> str:
    if state is None:
        return "，还没有写过"
    told = f"，第 {state.in_use} 代" if state.in_use else "，还没有建成"
    if state.building and state.lock:
        alive = state.lock.alive(now)
        told += f"；第 {state.building} 代{'正在重建' if alive else '的重建已中断'}（{state.lock.told()}）"
    return told


def _remedy(colour: str, found: Json, colours: Mapping[str, str], names: IndexNames) -> str:
    if colour == "red":
        red = [index.removeprefix(f"{names.name}-") for index, one in colours.items() if one == "red"]
        told = "、".join(sorted(red)[:MOST_NAMED]) + (f" 等 {len(red)} 个" if len(red) > MOST_NAMED else "")
        return f"{told} 不可用：让停掉的节点回来；回不来时运行 fengsui reindex 由库重建"
    if colour == "yellow" and found["initializing_shards"]:
        return f"正在复制 {found['initializing_shards']} 个副本，数据完整，无须处理"
    if colour == "yellow":
        unassigned = found["unassigned_shards"]
        return f"{unassigned} 个副本没有节点可放，数据完整；让停掉的节点回来，或减少 FENGSUI_ELASTICSEARCH_REPLICAS"
    return ""


def _blocked(cluster: Cluster, names: IndexNames) -> str:
    client = cluster.client.options(ignore_status=GONE)
    found = cluster.ask(
        lambda: client.indices.get_settings(index=f"{names.name}-*", name="index.blocks.*", flat_settings=True)
    )
    if any("true" in one["settings"].values() for one in found.body.values()):
        return "有索引是只读的（磁盘将满，或设了 index.blocks）：清理磁盘或解除后自动补写"
    return ""
