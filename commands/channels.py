"""`fengsui channel`: the channels beside mail, and whether one works."""

import json
from typing import Annotated

import typer

from alerts.notifiers.kinds import notifier_of
from commands.options import DataOption, JsonOption, ProfileOption, settings_of
from config.channels import ChannelConfig, load_channels
from core.clock import iso_beijing, system_clock
from core.errors import DeliveryError, UsageError
from core.ids import short_id
from core.records import Notification

KINDS = {"wecom": "企业微信", "dingtalk": "钉钉", "feishu": "飞书", "webhook": "Webhook", "sms": "短信"}


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    group = typer.Typer(help="群机器人、接口、短信：通知渠道 (channels beside mail)", no_args_is_help=True)
    group.command("list")(list_channels)
    group.command("test")(try_channel)
    app.add_typer(group, name="channel")


def list_channels(data: DataOption = None, profile: ProfileOption = None, as_json: JsonOption = False) -> None:
    """列出 channels.yml 中的渠道，不显示密钥 (channels that are set up; keys are not shown)."""
    found = load_channels(settings_of(data, profile).config)
    if as_json:
        for name, one in found.items():
            print(
                json.dumps(
                    {"name": name, "kind": one.kind, "title": one.title, "per_minute": one.pace}, ensure_ascii=False
                )
            )
        return
    for name, one in found.items():
        print(f"{name}  {KINDS[one.kind]}  {one.title}  每分钟至多 {one.pace} 条")
    if not found:
        print("没有渠道：在 config/channels.yml 写")


def try_channel(
    name: Annotated[str, typer.Argument(help="name in channels.yml")],
    phone: Annotated[str, typer.Option("--phone", help="number to send to, for channels of kind sms")] = "",
    data: DataOption = None,
    profile: ProfileOption = None,
    as_json: JsonOption = False,
) -> None:
    """发一条测试消息 (send a test message now). Exit 1 where it is not taken."""
    channels = load_channels(settings_of(data, profile).config)
    if name not in channels:
        raise UsageError(f"没有渠道 {name}；channels.yml 中有：{'、'.join(channels) or '无'}")
    if channels[name].kind == "sms" and not phone:
        raise UsageError("短信渠道须给 --phone")
    taken, answer = _tried(name, channels[name], phone)
    told = {"name": name, "taken": taken, "answer": answer}
    print(json.dumps(told, ensure_ascii=False) if as_json else f"{'已送达' if taken else '未送达'}：{answer}")
    if not taken:
        raise typer.Exit(1)


def _tried(name: str, channel: ChannelConfig, phone: str) -> tuple[bool, str]:
    now = iso_beijing(system_clock())
    text = f"烽燧测试消息，{now[:16].replace('T', ' ')}。收到说明渠道“{channel.title}”可用。"
    notice = Notification(short_id("n", name, now), name, f"channel:{name}:{phone}", "[测试] 烽燧", text, "")
    try:
        return True, notifier_of(channel).send(notice, lambda: None)
    except DeliveryError as problem:
        return False, str(problem)
