"""The page that explains a bundle to whoever opens it, in Chinese."""

MASKED = """
五、个人信息
  本证据包按默认方式生成：来自投诉、论坛、社交媒体、网购评价的页面只给出遮蔽后的文本（page.masked.txt），
  原始页面、附件和 WARC 记录没有放入；它们的 SHA-256 写在 revision.json 中（withheld），可据此核对日后调取的原件。
  导入的文件（如 12315 导出表）中的一行只给出这一行的文本（text.txt），整份文件含他人信息，不放入。
  机关公告、新闻、召回等公开发布的页面是原件。办案需要全部原件时，由有权限的人员加 --raw 重新生成，该操作记入审计日志。
"""
RAW = """
五、个人信息
  本证据包以 --raw 生成，含未遮蔽的原始页面，其中可能有个人信息：仅限办案使用，不得转发、不得公开。
  本次生成已记入审计日志。
"""
README = """烽燧 证据包：{name}
================================================================

一、目录
  SHA256SUMS              本包每个文件的 SHA-256 校验值
  alert.json              预警及其依据、规则版本和处置经过（只在按预警生成时有）
  documents/<文档编号>/
    document.json         地址、来源、各版本、撤下时间，时间同时给出北京时间和协调世界时（UTC）
    rev<N>/               第 N 版；页面每次改动存为一版
      page.*              当时取得的页面，逐字节未改（传输压缩已解开）
      page.masked.txt     个人信息遮蔽后的页面文本（代替 page.*，见第五节）
      headers.txt         请求与应答的报文头，请求地址
      record.warc.gz      WARC 1.0 存档记录（应答及其请求），可用 warcio 等通用工具读取
      text.txt            从页面读出的标题和正文，个人信息已遮蔽；分析所用即此文本
      analysis.json       分析结果：命中位置（按 text.txt 正文的字符计，从 0 起）、级别、理由、规则和词表版本
      revision.json       本版的时间、校验值、附件清单
      attachments/        当时取得的附件原件

二、校验
  在本目录执行（Linux、macOS，Windows 可用 WSL 或 Git Bash）：
    sha256sum -c SHA256SUMS
  每行显示 OK（或“成功”）即文件与生成时一致；有一行不符，该文件就不能作为证据。
  Windows 也可逐个核对：certutil -hashfile 文件名 SHA256

三、核对页面与存档记录
  revision.json 中 page.sha256 是页面内容的校验值，与 page.* 的 SHA-256 相同，也是系统抓取当时写入数据库的值；
  record.warc.gz 中的 WARC-Payload-Digest 为同一散列（sha256 的 Base32 写法），可执行 warcio check record.warc.gz。

四、时间
  fetched_at   本系统取得页面的时间（本机时钟）
  published    页面自己写明的发布时间；为空表示页面未写
  stored_at    写入数据库的时间
  withdrawn_at 确认页面撤下的时间（先后两次打不开，或站点答复 410）
{personal}
六、说明
  同一批数据重复生成，文件逐字节相同（生成时间不写入包内，见审计日志）。
  页面来自其他网站，可能含脚本：请勿在浏览器中直接打开 page.*，可用文本编辑器查看。
"""


def readme(name: str, *, raw: bool) -> str:
    """The text for a bundle of that name."""
    return README.format(name=name, personal=RAW if raw else MASKED)
