"""ElastAlert's options that no rule of ours has, and where here the thing is decided."""

from collections.abc import Iterator

ROUTES = "推送给谁、走什么渠道由 config/routes.yml 决定"
LEVEL = "没有对应：本系统只有四级预警，见 level"
CODE = "不运行外来代码"

_SINGLE = {
    "alert": ROUTES,
    "owner": ROUTES,
    "priority": LEVEL,
    "category": LEVEL,
    "exponential_realert": "没有逐次加长的间隔；repeat_after 是固定的",
    "limit_execution": "没有执行时段：规则随时判断，结果只看事件时间",
    "match_enhancements": CODE,
    "run_enhancements_first": CODE,
    "silence": "静默在预警页按预警设置",
    "is_enabled": "",
}

INDEX = "不需要：规则判断本系统入库的信号"
_INDEX = """
es_host es_port index use_ssl verify_certs es_username es_password es_url_prefix es_send_get_body_as
use_strftime_index search_extra_index doc_type timestamp_field timestamp_type timestamp_format profile boto_profile
_source_enabled ssl_show_warn aws_region statsd_host statsd_port statsd_instance_tag ca_certs client_cert client_key
timestamp_format_expr timestamp_to_datetime_format_expr query_timezone custom_pretty_ts_format
"""

FETCHED = "不需要：信号入库时逐条判断，迟到的按发布时间计入，不定时取数"
_FETCHED = """
buffer_time query_delay run_every max_query_size scroll_keepalive use_count_query use_terms_query terms_size
scan_entire_timeframe use_run_every_query_size allow_buffer_time_overlap bucket_interval sync_bucket_interval
window_step_size use_keyword_postfix max_scrolling_count raw_count_keys
"""

TEXT = "预警的文字由本系统写，附依据、原文和规则版本"
_TEXT = """
alert_subject alert_subject_args alert_subject_max_len alert_text alert_text_args alert_text_kw alert_text_type
alert_missing_value include fields top_count_keys top_count_number attach_related use_local_time jinja_root_name
metric_format_string percentage_format_string custom_details generate_kibana_discover_url
generate_opensearch_discover_url shorten_kibana_discover_url
"""

GROUPED = "同一事项的发现自动并入一条预警"
_GROUPED = """
aggregation aggregation_key aggregation_alert_time_compared_with_timestamp_field aggregate_by_match_time
summary_table_fields summary_table_type summary_table_max_rows summary_prefix summary_suffix
"""

_CHANNELS = """
alerta alertmanager chatwork command pipe_match_json fail_on_non_zero_exit datadog dingtalk discord email smtp cc
bcc from_addr notify_email exotel gitter googlechat gelf hive iris jira lark linenotify line mattermost ms_teams
ms_power opsgenie pagerduty pagertree http_post post rocket_chat servicenow ses sns sqs slack stomp telegram
tencent_sms twilio victorops webex work_wechat workwechat wechat zabbix flashduty smseagle matrix yzj debug
"""
"""How the options of channels begin."""

_BEGINNINGS = (("kibana_", TEXT), ("opensearch_", TEXT), ("es_", INDEX), ("aws_", INDEX))


def _table() -> Iterator[tuple[str, str]]:
    yield from _SINGLE.items()
    for names, told in ((_INDEX, INDEX), (_FETCHED, FETCHED), (_TEXT, TEXT), (_GROUPED, GROUPED)):
        yield from ((name, told) for name in names.split())


_REASONS = dict(_table())
_CHANNEL_BEGINNINGS = tuple(_CHANNELS.split())


def reason(option: str) -> str | None:
    """Why an option is not carried over, in words for people; None for one that ElastAlert does not have either."""
    if option in _REASONS:
        return _REASONS[option]
    for beginning, told in _BEGINNINGS:
        if option.startswith(beginning):
            return told
    return ROUTES if option.startswith(_CHANNEL_BEGINNINGS) else None
