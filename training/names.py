"""Invented firms by the grammar of the register: [place][own name][trade][legal form]."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

OWN = (
    "安宝北博昌成诚创达德鼎东方丰富高冠光广海翰航豪合和恒宏泓华辉汇吉佳嘉健杰金锦晶景久聚凯康科乐力立丽利联林龙隆美民明铭宁鹏奇启"
    "强庆荣瑞润三森山尚盛胜世顺思泰腾天通同万旺维伟文祥欣新鑫信兴星雄旭轩雅阳益逸永优宇玉誉源远跃云泽展正志智中众卓"
    "麓岚澜枫桐柏溪湖雁鹤狮虎豹马鹿梅兰竹菊霞虹雪冰焰炬燚垚淼磊岳峻岭塔桥舟帆锚犁耕穗禾稻麦"
)
TRADES = (
    "科技 实业 工贸 商贸 贸易 电子科技 电子 电器 电气 电缆 线缆 车业 新能源 能源 食品 药业 塑料 塑胶 童车 化工 消防 照明 灯饰 家具 服饰 "
    "纺织 水泥 钢铁 建材 包装 容器 涂料 肥业 农机 文具 玩具 日化 燃气 燃具 厨具 五金 机械 汽车 运输 物流 检测 工程 材料 设备 器材 烟花 花炮 "
    "制造 制品 进出口 投资 环境 电池 锂电 锂能 电源 用品 气体 铜业 铝业 餐饮 传媒 生物 医药 矿业 纸业 门窗 卫浴 阀门 轮胎 管业 重工"
).split()
COMPANY = ("有限公司", "有限公司", "有限公司", "有限责任公司", "股份有限公司", "集团有限公司")
SHOPS = (
    "超市 百货 五金店 建材店 电动车行 车行 商行 文具店 经营部 专卖店 灯饰店 家电广场 加油站 液化气站 饭店 酒家 火锅 烧烤 书店 药房 粮油店 "
    "花炮厂 电线厂 家具厂 水泥厂 电器厂 涂料厂 制品厂 宾馆 小吃店 蛋糕店 奶茶店 母婴店 手机店 修理厂 维修部 零食店 水果店 公馆 幼教 门市部"
).split()
NICK = "小 老 大 阿".split()
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡林郭何高罗郑梁谢宋唐许邓冯韩曹曾彭萧蔡潘田董袁于余叶蒋杜苏魏程吕丁沈任姚卢傅钟姜崔谭廖范汪陆金"


@dataclass(frozen=True)
class Firm:
    """An invented firm: its full name and how else it is called."""

    full: str
    own: str
    trade: str
    place: str

    @property
    def short(self) -> str:
        """Own name and trade."""
        return self.own + self.trade


def invent(places: Sequence[str], chance: random.Random) -> Firm:
    """One firm: two of three are companies, the others shops and small works."""
    place = chance.choice(places) if chance.random() < 0.85 else ""
    own = "".join(chance.sample(OWN, 2 if chance.random() < 0.75 else 3))
    if chance.random() < 0.67:
        trade = chance.choice(TRADES)
        return Firm(f"{place}{own}{trade}{chance.choice(COMPANY)}", own, trade, place)
    if chance.random() < 0.3:
        own = chance.choice(NICK) + chance.choice(SURNAMES)
    shop = chance.choice(SHOPS)
    return Firm(f"{place}{own}{shop}", own, shop, place)
