"""Sentences for invented firms. {full} {short} {own} {placed} name the firm and are labelled; the rest is filled in."""

TEMPLATES = """
{full}生产的{product}经抽查{issue}。
{county}市场监管局对{full}立案调查。
标称{full}生产的一批次{product}{issue}，已责令停止销售。
{full}自即日起召回部分{product}，涉及数量{n}台。
记者联系上{short}的负责人，对方称正在核实。
{short}回应称，相关{product}并非本厂出品。
涉事企业{short}已停产整顿。
有网友投诉{short}的{product}用了不到{n}天就{issue}。
在{short}买的{product}，回家第{n}天{issue}，老板不认账。
{placed}的{product}又{issue}了，去年就有人反映过。
{placed}发布公告，预计全年净利润下降{n}%。
{own}方面表示，将配合有关部门调查。
{own}公司客服称已把情况上报。
我家的{product}是{own}厂里直接拉的，没有合格证。
执法人员在{full}仓库内查获{product}{n}件。
据查，{full}未取得生产许可证，擅自生产{product}。
这批{product}由{short}供货，{county}有{n}户装了。
{short}和{short2}都上了抽查不合格名单。
除{full}外，{full2}的{product}也被检出{issue}。
{full}（曾用名{full2}）法定代表人变更。
母公司{own}集团暂未作出回应。
{product}上印着生产商{full}，电话打不通。
请大家留意，{short}门口排了长队退{product}。
{short}车间{n}日凌晨发生火灾，所幸无人受伤。
{issue}的{product}来自{placed}，警方已介入。
消协称收到关于{short}的投诉{n}件。
央视曝光后，{short}连夜下架{product}。
受害人将{full}诉至法院，索赔{n}万元。
法院判决{short}赔偿{n}万元。
工人们说，{short}上个月就停工了。
一、{full}：{product}，{issue}。
生产单位：{full}；产品名称：{product}。
被抽样单位名称：{full}
经销商{short}称货是从{short2}进的。
{county}{short}因销售不合格{product}被罚款{n}元。
受托检验的是{full}，委托方为{full2}。
货主在{short}当场拆开{product}，发现{issue}。
隔壁{short}的老板娘说，那晚听见一声巨响。
通过{short}平台购买的{product}没有3C标志。
有人爆料{short}换了个名字继续做{product}。
{own}又出事了，{product}{issue}，谁还敢买。
{own}的{product}不是上回刚{issue}吗？
说起{own}，附近村民都摇头。
{placed}一员工透露，厂里{product}从不检验。
多家企业参与制定标准，包括{short}、{short2}等。
{short}成立于{n}年前，主营{product}。
公司名单：{short}，{short2}，{full}。
运输车辆属于{full}，驾驶员已被控制。
楼下{short}煤气罐爆炸，玻璃碎了一地。
{county}消防到{short}检查，发现{product}过期。
家长们在{short}给孩子买的{product}有刺鼻气味。
{short}中标{county}{product}采购项目。
{short}诚聘操作工{n}名，包吃住。
涉案的{product}确由{short}生产，并非假冒。
当天下午，{own}派人把{product}拉走了。
检测报告系{short}出具，编号无法查询。
""".strip().splitlines()
NEGATIVES = """
{generic}的人说{product}没问题。
记者来到{county}{generic}，看到{product}堆在门口。
{product}是{generic}装的，{issue}后找不到人。
我举报{generic}卖{product}，{issue}。
{county}{generic}对{product}开展自查。
{generic}、{generic}都不愿意赔。
{county}市场监管局抽查{product}{n}批次，不合格{n}批次。
某公司生产的{product}{issue}，涉事企业已停产。
{county}一工厂凌晨发生火灾，无人员伤亡。
这家店的{product}质量真不行。
消费者反映{product}{issue}，商家拒绝退款。
公安局、应急管理局联合开展{product}检查。
小区里的{product}又{issue}了，物业不管。
{county}人民医院收治{n}名伤者。
{county}第二小学开展{product}安全教育。
消费者协会提醒，选购{product}要看标志。
各县（区）企业要落实主体责任，严防{product}{issue}。
某品牌{product}被曝{issue}，厂家回应正在调查。
{county}法院开庭审理一起{product}案。
一辆装着{product}的货车在{county}侧翻。
昨晚电动车行门口有人吵架，说{product}不保修。
省质检院对{product}进行了风险监测。
专家说{product}{issue}多半是充电不当。
{county}五金店普遍没有查验{product}合格证。
花炮厂附近的居民担心{product}。
这牌子的{product}我用了{n}年没坏。
""".strip().splitlines()
ISSUES = (
    "自燃 起火 冒烟 爆炸 漏电 断裂 不合格 鼓包 脱落 漏气 超标 短路 炸了 着火了 掉漆 散架 开裂 有异味 缺斤少两 没有合格证 刹车失灵 "
    "质量不合格 耐压试验不合格 甲醛超标"
).split()
LEFT = """
||据介绍，|有消息称，|昨日，|记者获悉，|事发后，|针对{product}{issue}一事，|目前|网友发帖称|据知情人士透露，|调查显示，|去年以来，|对此，|就在上周，|
{county}的|涉事的|不少人买了|我是在|购自|投诉|曝光|供货商是|房东说是|他手里的{product}来自|听说|都是|问了|怀疑|又是|看到|所谓的|其中|以及|包括
""".replace("\n", "").split("|")
RIGHT = """
负责人表示，{product}已全部封存。|相关负责人没有接听电话。|工作人员称不清楚{issue}的原因。|的{product}{issue}，没人管。|生产的{product}再次{issue}。|
仓库起火，{n}人疏散。|发布致歉声明。|被责令停产。|的人到现场看了一眼就走了。|卖的{product}没有标签。|客服只会复读。|，{product}说是全新，其实是翻新。|
被曝{product}{issue}。|始终没有给出说法。|的老板姓张，电话关机。|涉嫌生产不符合标准的{product}。|承认{product}存在缺陷。|与{short2}签了供货合同。|
等{n}家企业被通报。|已向{county}警方报案。|的货，{product}用了三天就{issue}。|案件移送公安机关。|销售的{product}{n}台。|成品库爆燃，玻璃震碎。|否认与此事有关。|
，我以后再也不去了。|（下称“公司”）表示将召回{product}。|股价跌停。|的{product}，{n}元一台。|将全力做好善后工作。
""".replace("\n", "").split("|")
GENERIC = (
    "安装公司 物业公司 装修公司 快递公司 保险公司 运输公司 外卖平台 上市公司 检测机构 镇上超市 一家五金店 一五金店 某建材店 隔壁小卖部 那家饭店 老厂 "
    "特种设备 供货商 房地产公司 电力公司 第三方公司 网约车平台 燃气公司 小作坊 修车铺 村口小店 工厂 商场 学校食堂 母公司 分公司 子公司 总公司"
).split()
NAMED = ("{full}", "{short}", "{short}", "{short}", "{placed}", "{own}")
