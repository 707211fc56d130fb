"""Which file speaks to which kind of channel."""

from collections.abc import Callable, Mapping

from alerts.notifiers.dingtalk import DingtalkNotifier
from alerts.notifiers.feishu import FeishuNotifier
from alerts.notifiers.sms import SmsNotifier
from alerts.notifiers.webhook import WebhookNotifier
from alerts.notifiers.wecom import WecomNotifier
from alerts.sender import Channel
from config.channels import ChannelConfig, Kind

KINDS: Mapping[Kind, Callable[[ChannelConfig], Channel]] = {
    "wecom": WecomNotifier,
    "dingtalk": DingtalkNotifier,
    "feishu": FeishuNotifier,
    "webhook": WebhookNotifier,
    "sms": SmsNotifier,
}


def notifier_of(channel: ChannelConfig) -> Channel:
    """What sends to it."""
    return KINDS[channel.kind](channel)
