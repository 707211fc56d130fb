"""Personal data disappear, offsets and everything public stay."""

import pytest

from nlp.privacy import mask, mask_said
from pipelines.clean import cleaned


@pytest.mark.parametrize(
    "secret",
    [
        "13800138000", "+86 139 0013 8000", "360111199003070019", "36011119900307001X", "0791-88886666",
        "6222 0212 3456 7890 123", "zhang.san@example.com", "赣A12345", "赣AD12345", "１３８００１３８０００",
        "０７９１－８８８８６６６６", "３６０１１１１９９００３０７００１９", "ａｂ＠ｅｘａｍｐｌｅ．ｃｏｍ",
        "138—0013—8000", "138.0013.8000",
    ],
)  # fmt: skip
def test_personal_numbers_are_masked_in_place(secret):
    text = f"联系方式{secret}，请回复"
    masked = mask(text)
    assert secret not in masked
    assert len(masked) == len(text)
    assert masked.startswith("联系方式")
    assert masked.endswith("，请回复")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("投诉人张三反映电池鼓包", "投诉人张*反映电池鼓包"),
        ("投诉人：王小明，电话见附件", "投诉人：王**，电话见附件"),
        ("联系人：万女士", "联系人：万女士"),
        ("家住澄湖路8栋2单元501室", "家住澄湖路*********"),
        ("微信号：abc_12345", "微信号：*********"),
        ("申请人：张三丰，要求退款", "申请人：张**，要求退款"),
        ("户主王小明反映漏电", "户主王**反映漏电"),
        ("车主李大伟称自燃", "车主李**称自燃"),
        ("收件人：赵小刚，未收到", "收件人：赵**，未收到"),
        ("诉求人陈小明要求退款", "诉求人陈**要求退款"),
        ("投诉人欧阳娜娜称", "投诉人欧***称"),
        ("举报人李娜投诉商家", "举报人李*投诉商家"),
        ("举报人通过投诉渠道", "举报人通过投诉渠道"),
        ("投诉人于当日投诉", "投诉人于当日投诉"),
        ("消费者牛奶投诉增多", "消费者牛奶投诉增多"),
        ("护照号：E12345678，", "护照号：*********，"),
        ("护照K1234567A", "护照*********"),
        ("驾驶证号码362330199001011234", "驾驶证号码******************"),
        ("办理驾照1000000人", "办理驾照1000000人"),
        ("欧阳娜娜女士反映", "欧***女士反映"),
        ("加vx：zhang_san详谈", "加vx：*********详谈"),
        ("（0791）88886666", "（07***********"),
        ("tel13800138000", "tel138********"),
        ("联系电话86287312，晚上在", "联系电话********，晚上在"),
        ("座机：8628731", "座机：*******"),
        ("电话4008001234", "电话4008001234"),
        ("监督电话：12315", "监督电话：12315"),
        ("５栋２单元３室", "*******"),
        ("型号ＡＢ１２３４Ｃ", "型号ＡＢ１２３４Ｃ"),
        ("3号楼起火", "3号楼起火"),
        ("批号SN13800138000", "批号SN13800138000"),
        ("售价139.12345678元", "售价139.12345678元"),
    ],
)
def test_complainants_and_their_rooms_are_masked(text, masked):
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "请拨打12315或119举报", "客服热线400-800-1234", "执行GB 17761-2018标准", "型号TDT2107Z共召回48000只",
        "江西光明线缆有限公司2026年11月23日", "消费者权益保护法规定", "导体电阻实测12.9Ω/km",
    ],
)  # fmt: skip
def test_public_numbers_firms_and_standards_stay(text):
    assert mask(text) == text


@pytest.mark.parametrize(
    ("text", "stays"),
    [
        ("统一社会信用代码913601119000010012的企业", True),  # 18 digits that check as no person's
        ("身份证913601119000010012", False),
        ("许可证编号110101199003070039", True),  # shaped like a person's number, but its last digit is wrong
        ("许可证编号11010519491231002X", False),  # a person's number checks, whatever stands before it
        ("订单6222021234567890128", True),
        ("转账到6222021234567894", False),
    ],
)
def test_check_digits_tell_people_from_public_numbers(text, stays):
    assert (mask(text) == text) is stays


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("家住东湖区阳明路128号，电池起火", "家住东湖区阳明路****，电池起火"),
        ("住址：谢家滩镇老屋村3组12号", "住址：谢家滩镇老屋村*****"),
        ("经营部位于东湖区阳明路128号", "经营部位于东湖区阳明路128号"),
    ],
)
def test_a_home_is_masked_from_its_number_and_a_business_stays(text, masked):
    assert mask(text) == masked


def test_officials_in_office_and_firms_stay():
    text = "市市场监督管理局局长刘某某介绍，江西光明线缆有限公司法定代表人已被约谈，举报请拨打12315。"
    assert mask(text) == text


@pytest.mark.parametrize(
    ("label", "text", "masked"),
    [
        ("投诉人", "张三", "张*"),
        ("投诉人姓名：", "欧阳娜娜", "欧***"),
        ("联系人", "张三 13800138000", "张* 138********"),
        ("联系人", "市局综合科", "市局综合科"),
        ("被投诉单位", "张三电动车行", "张三电动车行"),
        ("投诉内容", "张三电动车行", "张三电动车行"),
    ],
)
def test_a_field_or_cell_is_masked_by_what_its_label_says(label: str, text: str, masked: str) -> None:
    assert mask_said(text, "", label) == masked


def test_names_in_columns_and_beside_their_label_are_masked_before_anything_is_kept() -> None:
    tables = [[["投诉人", "内容"], ["张三丰", "起火"], ["李四", ""]], [["联系人", "王小明"], ["企业", "王小明车行"]]]
    kept = cleaned({"title": "", "text": "", "fields": {"投诉人": "赵六", "企业": "赵六车行"}, "tables": tables})
    assert kept["fields"] == {"投诉人": "赵*", "企业": "赵六车行"}
    assert kept["tables"] == [
        (("投诉人", "内容"), ("张**", "起火"), ("李*", "")),
        (("联系人", "王**"), ("企业", "王小明车行")),
    ]


def test_lone_surrogates_can_be_masked_too():
    assert len(mask("\ud800电话13800138000")) == 14
