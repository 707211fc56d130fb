"""Reposts share sentences, rewrites share bands, strangers share neither."""

from nlp.near_duplicates import band_keys, is_repost, sentence_hashes, signature, similarity

ORIGINAL = (
    "章贡区水东镇一出租屋凌晨发生火灾。起火的是一辆停放在一楼的电动自行车。"
    "消防救援人员二十分钟后将明火扑灭。两名租户受轻伤，已送医院治疗。"
)
REWRITTEN = ORIGINAL.replace("凌晨", "今天凌晨").replace("两名租户", "2名租客")
STRANGER = "南昌市市场监管局今日启动质量月活动。活动期间将组织企业公开承诺。全市共举办讲座四十场。"


def test_a_repost_with_a_new_head_is_recognised():
    repost = f"（来源：赣江日报）\n{ORIGINAL}责任编辑：沐秋"
    assert is_repost(sentence_hashes(repost), sentence_hashes(ORIGINAL)) >= 0.75


def test_blanks_punctuation_and_width_do_not_matter():
    assert sentence_hashes("起火的是一辆 停放在一楼的电动自行车！") == sentence_hashes(
        "起火的是一辆停放在一楼的电动自行车。"
    )


def test_strangers_and_short_courtesies_are_no_reposts():
    assert is_repost(sentence_hashes(STRANGER), sentence_hashes(ORIGINAL)) == 0
    assert sentence_hashes("记者 沐秋。谢谢。") == ()
    assert is_repost((), ()) == 0


def test_hashes_fit_into_64_unsigned_bits():
    assert all(0 <= number < 2**64 for number in (*sentence_hashes(ORIGINAL), *band_keys(signature(ORIGINAL))))


def test_a_rewrite_shares_a_band_and_is_similar():
    old, new = signature(ORIGINAL), signature(REWRITTEN)
    assert set(band_keys(old)) & set(band_keys(new))
    assert similarity(old, new) > 0.5
    assert similarity(old, signature(STRANGER)) < 0.1
    assert similarity(old, signature(ORIGINAL)) == 1.0


def test_any_text_has_a_signature():
    assert signature("") == signature("！？")
    assert len(band_keys(signature("😭\ud800"))) == 24
