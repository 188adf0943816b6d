"""What people, firms and goods are called in the company that is played. Nobody is meant."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from random import Random

_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈"
_GIVEN = "伟芳娜敏静丽强磊军洋艳勇杰娟涛明超霞平刚桂英玉兰文华建国志红梅晓东海燕晨宇欣怡子轩浩然雨婷思远佳琪俊峰"
_ABROAD = (
    *("Anna Schmidt", "James Carter", "Maria Rossi", "Kenji Sato", "Emily Clark", "Ivan Petrov", "Sofia Lopez"),
    *("Lucas Martin", "Priya Nair", "David Kim"),
)
_FIRMS = ("华东贸易", "明德学校", "海川物流", "天合设计", "Northwind Trading", "春雨书店", "安信会计", "Blue River Ltd")
_SHOPS = ("数码", "电脑城", "办公设备", "电子商行", "通讯")
_PLACES = ("东方", "新华", "金桥", "长江", "南山", "珠江", "星河", "联合", "锦绣", "宏达", "永信", "百汇")


@dataclass(frozen=True, slots=True)
class Product:
    code: str
    name: str
    price: Decimal
    kind: str


_GOODS = (
    *(("NB14", "14寸笔记本电脑", "4999", "laptop"), ("NB16P", "16寸专业笔记本电脑", "8999", "laptop")),
    *(("LP20", "激光打印机", "1299", "printer"), ("IJ10", "喷墨打印机", "699", "printer")),
    *(("PH8", "手机 128G", "2999", "phone"), ("PH8X", "手机 512G", "4399", "phone")),
    *(
        ("DK1", "扩展坞", "349.50", "laptop"),
        ("MS2", "无线鼠标", "99", "laptop"),
        ("TN20", "硒鼓", "289.90", "printer"),
    ),
)
PRODUCTS = tuple(Product(code, name, Decimal(price), kind) for code, name, price, kind in _GOODS)
CARRIERS = ("顺丰速运", "京东物流", "圆通速递", "中通快递")
CITIES = ("上海", "杭州", "南京", "苏州", "广州", "深圳", "厦门", "南宁")
PROBLEMS = {
    "laptop": ("屏幕有亮线", "电池不充电", "无法开机", "风扇声音大"),
    "printer": ("打印机卡纸", "墨盒不识别", "打印有条纹"),
    "phone": ("屏幕碎了", "充不进电", "系统更新失败"),
}
WISHES = ("想要报价单", "问什么时候到货", "要换货", "要开发票", "要一台样机试用")


def person(dice: Random) -> str:
    """Nine of ten are Chinese."""
    if dice.random() < 0.1:
        return dice.choice(_ABROAD)
    return dice.choice(_SURNAMES) + "".join(dice.sample(_GIVEN, dice.choice((1, 2, 2))))


def firm(nr: int) -> str:
    return _FIRMS[nr % len(_FIRMS)]


def firms() -> int:
    return len(_FIRMS)


def shop(dice: Random) -> str:
    return dice.choice(_PLACES) + dice.choice(_SHOPS)
