"""Labels under which recall notices say their facts: of tables, of labelled lines, of source fields."""

from facts.tables import Headers, compiled

_NO = r"(?:号|编号|番号|number|no\.?|id)"
LABELS: Headers = compiled(
    {
        "recall_no": (
            rf"召回(?:公告)?{_NO}|备案{_NO}|管理{_NO}|recall_?(?:no|number)|reference|pra_?number",
            r"case_?number|notice_?no",
        ),
        "agency": (r"召回负责机构|负责机构|召回管理部门|监管部门|受理机构|所管部门|agency|organi[sz]ation",),
        "jurisdiction": (r"jurisdiction|notifying_??country|通报国",),
        "product": (r"(?:召回)?(?:产品|商品)(?:名称|名)?|品名|商品名|product(?:_??(?:name|type))?s?|召回产品名称",),
        "category": (r"(?:产品)?类别|产品种类|category|product_?category|品目",),
        "brand": (
            r"(?:产品)?(?:品牌|商标)(?:名称)?|注册商标|brand(?:_?name)?s?(?:/trade_?name)?|trade_?name|make|メーカーブランド",
        ),
        "model": (
            r"(?:产品|涉及|召回)?(?:型号|规格|车型(?:系列)?|款号|货号)(?:[/、及和或](?:型号|规格|货号))?(?:名称)?",
            r"models?(?:_?(?:names?|numbers?|nos?))?(?:/(?:names?|numbers?|nos?))?(?:s/)?|(?:item|style)_?(?:number|no)s?|型番|型式|機種",
        ),
        "batch": (
            r"生产批号(?:/批次)?|(?:产品)?批[号次](?:/批[号次])?|批号/批次|生产批次",
            r"batch(?:_?(?:numbers?|codes?))?(?:/lot)?(?:numbers?)?",
            r"lot(?:_?(?:numbers?|codes?))?|serial_?numbers?|ロット(?:番号)?|製造番号|序列号|产品序列号|VIN码?范围",
            r"车辆识别代号(?:范围)?",
        ),
        "barcode": (r"(?:商品)?条形?码|商品条码|bar_??codes?|upcs?|eans?|gtins?|JANコード|バーコード",),
        "production_period": (
            r"(?:产品)?(?:生产|制造|出厂)(?:日期|时间|期间|年份|起止日期)(?:范围)?|生产起止日期|製造(?:期間|日|年月)",
            r"(?:manufactur(?:ing|ed)|production)_?(?:dates?|period)|date_?of_?manufacture",
            r"sold_?(?:at|dates?)|販売期間",
        ),
        "quantity": (
            r"(?:召回|涉及|缺陷产品|产品|召回车辆|召回产品)?(?:总)?(?:数量|台数|总数)(?:（.*）)?|涉及(?:数量|车辆(?:数量)?|台数)",
            r"召回(?:车辆)?总?数量?|units?(?:_?(?:affected|sold))?|quantity|potentially_?affected",
            r"number_?of_?units|(?:対象|販売|回収)(?:台数|個数|数量)|出荷数",
        ),
        "defect": (
            r"(?:存在的?|产品|主要)?(?:缺陷|问题)(?:描述|情况|原因)?|缺陷及原因|召回原因|defects?(?:_?summary)?",
            r"product_?defects?|what_?are_?the_?defects|不具合(?:内容|の内容)?|回収の理由|リコールの理由|reason",
        ),
        "hazard": (
            r"风险(?:描述|类型)?|危害(?:描述|类型)?|hazards?(?:_??(?:text|type|description))?",
            r"risk(?:_??type)?s?|danger|issue|重大事故の?内容",
        ),
        "consequence": (
            r"(?:可能)?(?:导致|造成|引发|产生)的?(?:后果|危害|伤害)|可能(?:的)?后果|(?:可能的)?危害后果|后果",
            r"consequences?(?:_?summary)?|what_?are_?the_?hazards",
        ),
        "measure": (
            r"(?:具体)?(?:召回|维修|处置|改进|采取的?|补救|消除缺陷)?措施|召回(?:维修|具体|处理)?措施|维修措施",
            r"消费者建议|处理方式|召回方式|measures?|remed(?:y|ies)",
            r"corrective(?:_?(?:action|measures?|summary))?|whattodo|what_?should_?(?:consumers|customers|owners|you|i)_?do|対応方法|対処方法|対応内容",
        ),
        "emergency": (r"应急(?:处置|处理|措施)(?:方法|建议)?|临时处置(?:建议)?",),
        "manufacturer": (
            r"(?:产品)?(?:生产|制造)(?:者|商|企业|厂家|厂商|单位)(?:名称)?|召回(?:实施)?(?:主体|企业|单位|者|生产者)",
            r"(?:汽车)?生产者名称|manufacturers?|madeby|producer|製造(?:者|元|事業者)|事業者名|メーカー名?",
        ),
        "importer": (r"进口(?:商|者|企业|单位)(?:名称)?|境外生产者境内(?:代表)?机构|importers?|輸入(?:者|元|事業者)",),
        "distributor": (r"(?:经销|分销|总代理|代理)商(?:名称)?|distributors?|販売(?:者|元)|supplier",),
        "retailer": (r"(?:销售|零售)(?:者|商|单位|企业|平台|店铺)(?:名称)?|retailers?|sold(?:by|at)|traders",),
        "firm": (r"(?:申报|备案|召回申请)(?:企业|单位|者)(?:名称)?|firm|company|enterprise|連絡先|企业名称",),
        "origin_country": (
            r"(?:原产国|产地|原产地)(?:/地区)?|country_?of_?origin|origin(?:_?country)?|manufacturedin",
            r"madein|原産国|製造国|countries",
        ),
        "injuries": (
            r"(?:事故|伤害|人员伤亡)(?:情况|信息)?|伤亡情况|injur(?:y|ies)|incidents?(?:/injuries)?|事故(?:情報|件数)",
        ),
        "recall_date": (
            r"召回(?:实施|开始|启动)?(?:时间|日期)|(?:召回)?(?:实施|备案|公告|发布)(?:时间|日期)|recall_?date|対応開始日|公表日",
        ),
        "status": (r"(?:召回)?(?:状态|进展|阶段)|status|archived|recall_?class|level",),
        "note": (r"备注|notes?|联系方式|联系电话|咨询电话|热线电话|地址|网址|contact|website",),
    }
)
"""The first that matches a label whole counts. Underscores are those of field names in source files."""
