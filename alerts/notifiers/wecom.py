"""A group robot of WeCom (企业微信 消息推送/群机器人): text of at most 2,048 bytes, 20 messages a minute."""

from dataclasses import dataclass

from alerts.notifiers.robot import Robot


@dataclass
class WecomNotifier(Robot):
    """Posts to one robot."""

    most_bytes = 2048
    too_fast = (45009, 45033)
    later = (-1,)
