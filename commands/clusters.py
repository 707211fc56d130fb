"""聚集 by hand: clusters."""

import json
from dataclasses import asdict
from threading import Event
from typing import Annotated

import typer

from commands.knowledge import lexicon_of
from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from commands.stores import open_store
from config.clusters import load_clusters
from core.clock import system_clock
from enterprises.cluster_rows import catch_up
from enterprises.cluster_table import BASES, ClusterCell, ClustersAsked, cluster_table


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("clusters")(clusters)


def clusters(
    product: Annotated[str, typer.Option("--product", help="one product id; else the ten with most signals")] = "",
    days: Annotated[int, typer.Option("--days", min=1, max=1100, help="the span that ends now")] = 90,
    spot: Annotated[str, typer.Option("--spot", help="weak spot of config/clusters.yml")] = "",
    region: Annotated[str, typer.Option("--region", help="a prefecture: its counties")] = "",
    base: Annotated[str, typer.Option("--base", help="licensed | firms")] = "licensed",
    everything: Annotated[bool, typer.Option("--all", help="also cells that do not stand out")] = False,
    as_json: JsonOption = False,
    data: DataOption = None,
    profile: ProfileOption = None,
) -> None:
    """聚集：各地各类产品的信号与当地企业数相比 (signals of territories and products against the firms there)."""
    settings = settings_of(data, profile, log_level="WARNING")
    store, lexicon, rules = open_store(settings), lexicon_of(settings), load_clusters(settings.config)
    accepted = {"--product": lexicon.products, "--spot": rules.weak_spots, "--base": BASES}
    for name, value in {"--product": product, "--spot": spot, "--base": base}.items():
        if value and value not in accepted[name]:
            raise typer.BadParameter(f"{value!r} (accepted: {', '.join(sorted(accepted[name]))})", param_hint=name)
    if region and lexicon.regions.prefecture_of(region) != region:
        raise typer.BadParameter(f"{region!r} (accepted: code of a prefecture)", param_hint="--region")
    catch_up(store, rules, Event(), clock=system_clock)
    asked = ClustersAsked(product, days, spot, region, base)
    with store.read() as db:
        found = cluster_table(db, lexicon.regions, asked, rules=rules, now=system_clock())
    cells = [cell for _, row in found.rows for cell in row] if everything else found.outstanding
    for cell in cells:
        if as_json:
            print(json.dumps(_plain(cell) | {"base": found.based[cell.product]}, ensure_ascii=False))
        else:
            print(_line(cell, lexicon.regions.name_of(cell.territory), lexicon.product_name(cell.product)))
    if not as_json:
        print(f"突出 {len(found.outstanding)} 格；{found.since:%Y-%m-%d} 至今，产品 {len(found.products)} 类")


def _plain(cell: ClusterCell) -> dict[str, object]:
    share = {name: round(value, 3) for name, value in asdict(cell.share).items()}
    return {"territory": cell.territory, "product": cell.product, **share, "stands_out": cell.stands_out}


def _line(cell: ClusterCell, place: str, product: str) -> str:
    share = cell.share
    interval = f"{share.ratio:.1f} 倍（{share.low:.1f}–{share.high:.1f}）"
    return f"{place}  {product}  信号 {share.observed}，企业 {share.firms}，期望 {share.expected:.1f}，{interval}"
