"""The rule types that users of ElastAlert know: every reference vector, what each option does, where we differ."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from alerts.rule_cases import Case, read_cases, run_case
from core.errors import ConfigError, UsageError

VECTORS = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "detection" / "alert_rules.json"
CASES = read_cases(VECTORS.read_text(encoding="utf-8"), name=VECTORS.name) if VECTORS.exists() else ()
Found = list[list[tuple[float, dict[str, Any]]]]


@pytest.mark.skipif(not CASES, reason="no reference vectors (../shared/data/detection/alert_rules.json)")
def test_the_reference_vectors_cover_all_twelve_types() -> None:
    assert len(CASES) >= 52
    assert len({case.rule_type for case in CASES}) == 12


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_reference_vector(case: Case) -> None:
    run = run_case(case)
    assert run.differences == ()
    assert run.agrees


def run(rule_type: str, config: dict[str, Any], *operations: Any) -> Found:
    """(minute, fields) of the matches per operation."""
    text = json.dumps([{"id": "c", "rule_type": rule_type, "config": config, "operations": operations}])
    done = run_case(read_cases(text, name="test")[0])
    return [[(match["minute"], match["fields"]) for match in found] for found in done.matches]


def minutes(found: Found) -> list[list[float]]:
    return [[minute for minute, _ in matches] for matches in found]


def events(*told: Any, **fields: Any) -> Any:
    """Events at these minutes, or (minute, fields)."""
    return ["events", [[one, fields] if isinstance(one, int | float) else [one[0], one[1]] for one in told]]


def test_frequency_counts_up_to_and_excluding_one_timeframe_and_begins_anew_after_a_match() -> None:
    config = {"num_events": 2, "timeframe_min": 10}
    assert minutes(run("frequency", config, events(0, 10))) == [[]]
    assert minutes(run("frequency", config, events(0, 9.99, 10, 11))) == [[9.99, 11]]


def test_frequency_counts_a_late_document_where_it_belongs() -> None:
    config = {"num_events": 3, "timeframe_min": 10}
    assert minutes(run("frequency", config, events(5, 12), events(4), events(2))) == [[], [12], []]


def test_attach_related_brings_the_other_documents_of_the_window() -> None:
    config = {"num_events": 3, "timeframe_min": 10, "attach_related": True}
    text = [{"id": "c", "rule_type": "frequency", "config": config, "operations": [events(1, 3, 2, who="x")]}]
    done = run_case(read_cases(json.dumps(text), name="test")[0])
    ((match,),) = done.matches
    assert (match["minute"], [one["minute"] for one in match["related"]]) == (3, [1, 2])


def test_a_query_key_of_several_fields_keeps_state_apart_and_is_carried_joined() -> None:
    config = {"num_events": 2, "timeframe_min": 60, "query_key": ["firm", "place.city"]}
    a, b = {"firm": "甲", "place": {"city": "赣州"}}, {"firm": "甲", "place": {"city": "南昌"}}
    found = run("frequency", config, events((0, a), (1, b), (2, a), (3, {"firm": "甲"}), (4, {"firm": "甲"})))
    assert [(at, fields["firm,place.city"]) for at, fields in found[0]] == [(2, "甲, 赣州"), (4, "甲, None")]


def test_a_field_is_found_by_path_in_a_list_and_by_its_literal_name_first() -> None:
    config = {"compare_key": "tags[1].name", "blacklist": ["b"]}
    assert minutes(run("blacklist", config, events((0, {"tags": [{"name": "a"}, {"name": "b"}]})))) == [[0]]
    both = {"a.b": "literal", "a": {"b": "path"}}
    assert minutes(run("blacklist", {"compare_key": "a.b", "blacklist": ["path"]}, events((0, both)))) == [[]]


def test_change_watches_several_fields_and_forgets_after_the_timeframe() -> None:
    config = {"query_key": "e", "compare_key": ["s", "t"], "ignore_null": True, "timeframe_min": 30}
    told = events(
        (0, {"e": 1, "s": "a", "t": "x"}),
        (10, {"e": 1, "s": "a", "t": "y"}),
        (20, {"e": 1, "s": "b"}),  # t is missing: passed over
        (50, {"e": 1, "s": "b", "t": "y"}),  # forty minutes after the last one: kept, not told
        (80, {"e": 1, "s": "c", "t": "y"}),  # exactly thirty
    )
    (found,) = run("change", config, told)
    assert [(at, fields["old_value"], fields["new_value"]) for at, fields in found] == [
        (10, ["a", "x"], ["a", "y"]),
        (80, ["b", "y"], ["c", "y"]),
    ]


def test_false_is_a_value_for_change_and_zero_is_none() -> None:
    config = {"query_key": "e", "compare_key": "v", "ignore_null": True}
    told = events((0, {"e": 1, "v": True}), (1, {"e": 1, "v": False}), (2, {"e": 1, "v": 0}), (3, {"e": 1, "v": True}))
    assert minutes(run("change", config, told)) == [[1, 3]]


def test_spike_needs_two_timeframes_of_data_unless_a_new_key_may_fire() -> None:
    config: dict[str, Any] = {"timeframe_min": 10, "spike_height": 2, "spike_type": "up", "threshold_cur": 3}
    steady = events(*range(0, 30, 4), k="old")
    fresh = events(31, 32, 33, k="new")
    assert minutes(run("spike", config, events(0, 1, 2, 3))) == [[]]
    keyed = config | {"query_key": "k"}
    assert minutes(run("spike", keyed, steady, fresh)) == [[], []]
    assert minutes(run("spike", keyed | {"alert_on_new_data": True}, steady, fresh)) == [[], [31]]


def test_spike_thresholds_are_the_least_both_windows_must_hold() -> None:
    told = [["count", 0, 4], ["count", 10, 4], ["count", 20, 12]]
    config = {"timeframe_min": 10, "spike_height": 3, "spike_type": "up"}
    assert minutes(run("spike", config, *told)) == [[], [], [20]]
    assert minutes(run("spike", config | {"threshold_ref": 5}, *told)) == [[], [], []]
    assert minutes(run("spike", config | {"threshold_cur": 13}, *told)) == [[], [], []]


def test_spike_down_is_seen_at_the_end_of_a_run_that_brought_nothing() -> None:
    config = {"timeframe_min": 10, "spike_height": 2, "spike_type": "down", "threshold_ref": 2}
    found = run("spike", config, events(*range(21)), ["tick", 32])
    assert minutes(found) == [[], [32]]
    assert found[1][0][1] == {"placeholder": True, "spike_count": 0, "reference_count": 10}


def test_flatline_is_told_every_run_until_data_is_back_and_once_with_forget_keys() -> None:
    config = {"threshold": 1, "timeframe_min": 10, "query_key": "s"}
    told = [events(0, s="a"), ["tick", 5], ["tick", 15], ["tick", 20], events(21, s="a"), ["tick", 25]]
    assert minutes(run("flatline", config, *told)) == [[], [], [15], [20], [], []]
    assert minutes(run("flatline", config | {"forget_keys": True}, *told)) == [[], [], [15], [], [], []]


def test_flatline_without_a_key_misses_what_never_came() -> None:
    assert minutes(run("flatline", {"threshold": 1, "timeframe_min": 10}, ["tick", 0], ["tick", 10])) == [[], [10]]


def test_new_term_of_several_fields_and_of_fields_together() -> None:
    config = {"fields": ["a", ["a", "b"]], "seen": {"a": ["1"], "a,b": [["1", "x"]]}}
    told = events((0, {"a": "1", "b": "x"}), (1, {"a": "1", "b": "y"}), (2, {"a": "2", "b": "x"}), (3, {"a": "2"}))
    (found,) = run("new_term", config, told)
    assert [(at, fields["new_field"]) for at, fields in found] == [(1, ["a", "b"]), (2, "a"), (2, ["a", "b"])]


def test_new_term_watches_the_query_key_where_no_fields_are_given() -> None:
    assert minutes(run("new_term", {"query_key": "firm"}, events((0, {"firm": "甲"}), (1, {"firm": "甲"})))) == [[0]]


def test_cardinality_is_strictly_more_and_fewer_only_after_a_full_timeframe() -> None:
    told = events((0, {"p": "a"}), (6, {"p": "b"}), (15, {"p": "c"}), (16, {"p": "d"}), (17, {"p": "d"}))
    many = {"cardinality_field": "p", "timeframe_min": 10, "max_cardinality": 2}
    assert minutes(run("cardinality", many, told)) == [[16]], "b is exactly ten minutes old at 16 and gone at 17"
    few = {"cardinality_field": "p", "timeframe_min": 10, "min_cardinality": 2, "query_key": "k"}
    found = run("cardinality", few, events((0, {"p": "a", "k": "x"})), ["tick", 10], ["tick", 10.1])
    assert found == [[], [], [(10.1, {"k": "x"})]]


def test_metric_thresholds_are_strict_and_formats_are_carried() -> None:
    config = {"metric_agg_key": "s", "metric_agg_type": "avg", "max_threshold": 1, "metric_format_string": "{:.1%}"}
    found = run("metric_aggregation", config, ["metric", 0, 1], ["metric", 1, 1.5], ["metric", 2, None])
    told: dict[str, Any] = {"metric_s_avg": 1.5, "metric_agg_value": 1.5}
    told |= {"metric_s_avg_formatted": "150.0%", "metric_agg_value_formatted": "150.0%"}
    assert found == [[], [(1, told)], []]


def test_a_metric_by_a_dotted_key_or_by_two_keys_says_which() -> None:
    config: dict[str, Any] = {"metric_agg_key": "s", "metric_agg_type": "max", "max_threshold": 1}
    (found,) = run("metric_aggregation", config | {"query_key": "firm.id"}, ["metric", 0, {"甲": 2}])
    assert found[0][1]["firm"] == {"id": "甲"}
    (found,) = run("metric_aggregation", config | {"query_key": ["f", "p"]}, ["metric", 0, {"甲": {"锅": 2, "灯": 1}}])
    assert found[0][1] == {"metric_s_max": 2, "metric_agg_value": 2, "f": "甲", "p": "锅", "f,p": "甲,锅"}


@pytest.mark.parametrize(
    ("aggregation", "compared"), [("sum", (60, 15)), ("avg", (20, 5)), ("max", (40, 5)), ("min", (10, 5))]
)
def test_spike_aggregation_makes_one_value_of_a_window(aggregation: str, compared: tuple[float, float]) -> None:
    config = {"metric_agg_key": "s", "metric_agg_type": aggregation, "spike_type": "up", "spike_height": 2}
    config |= {"buffer_time": {"minutes": 30}, "threshold_cur": compared[0]}  # stands in for the timeframe
    values = (5, 5, 5, 5, 10, 10, 40)
    found = run("spike_aggregation", config, *(["metric", at * 10, value] for at, value in enumerate(values)))
    assert [(at, fields["spike_count"], fields["reference_count"]) for at, fields in found[-1]] == [(40, *compared)]


def test_percentage_is_strict_and_nothing_below_the_least_denominator() -> None:
    config = {"max_percentage": 50, "min_denominator": 4, "query_key": "k"}
    shares = {"a": [2, 2], "b": [3, 1], "c": [2, 1], "d": [0, 0]}
    assert run("percentage_match", config, ["percent", 0, shares]) == [
        [(0, {"percentage": 75.0, "denominator": 4, "k": "b"})]
    ]


def test_values_with_fewer_documents_than_min_doc_count_are_passed_over() -> None:
    config = {"num_events": 3, "timeframe_min": 60, "query_key": "k", "min_doc_count": 2}
    found = run("frequency", config, ["terms", 0, {"a": 1}], ["terms", 1, {"a": 2}], ["terms", 2, {"a": 2}])
    assert minutes(found) == [[], [], [2]]


# --- where we differ on purpose ------------------------------------------------------------------------------------


def test_differs_state_after_a_restart_is_that_of_the_stored_stream() -> None:
    config = {"timeframe_min": 10, "spike_height": 2, "spike_type": "up", "threshold_cur": 3}
    stored, later = [events(*range(0, 30, 5)), ["tick", 30]], events(31, 32, 33, 34)
    assert minutes(run("spike", config, later)) == [[]], "with nothing but what came after the restart"
    assert minutes(run("spike", config, *stored, later))[-1] == [25], "a restart tells the stored stream again"


def test_differs_no_run_is_cut_at_fifty_terms() -> None:
    numbers = {f"firm {place}": 5 for place in range(300)}
    config = {"num_events": 5, "timeframe_min": 60, "query_key": "firm", "use_terms_query": True, "terms_size": 50}
    assert len(run("frequency", config, ["terms", 0, numbers])[0]) == 300


def test_differs_one_bad_document_does_not_end_a_run() -> None:
    config = {"timeframe_min": 10, "spike_height": 2, "spike_type": "up", "field_value": "n"}
    odd: Sequence[Any] = ("many", [1], {"a": 1}, None)
    bad = [["events", [[9, {"n": value}]]] for value in odd]
    good = [events(*range(0, 21, 4), n=1), *bad, events(21, 22, 23, n=9)]
    assert [at for found in run("spike", config, *good) for at, _ in found] == [12]
    listed = {"compare_key": "p", "blacklist": ["锅"]}
    assert minutes(run("blacklist", listed, events((0, {"p": {"x": 1}}), (1, {"p": "锅"})))) == [[1]]


def test_differs_a_field_with_several_values_is_compared_value_by_value() -> None:
    told = events((0, {"p": ["锅", "灯"]}), (1, {"p": ["灯"]}))
    assert minutes(run("blacklist", {"compare_key": "p", "blacklist": ["锅"]}, told)) == [[0]]
    allowed = {"compare_key": "p", "whitelist": ["灯"], "ignore_null": True}
    assert minutes(run("whitelist", allowed, told)) == [[0]]


# --- mistakes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule_type", "config", "told"),
    [
        ("frequency", {"timeframe_min": 1}, "config.num_events: is missing"),
        ("frequency", {"num_events": "3", "timeframe_min": 1}, "config.num_events: Input should be a valid integer"),
        ("frequency", {"num_events": 3, "timeframe_min": 0}, "config.timeframe: must be longer than nothing"),
        ("frequency", {"num_events": 3, "timeframe": {"minuets": 5}}, "config.timeframe: is not a span of time"),
        ("frequency", {"num_event": 3, "num_events": 3, "timeframe_min": 1}, "config.num_event: unknown option"),
        ("spike", {"timeframe_min": 1, "spike_height": 2, "spike_type": "side"}, "config.spike_type: Input should be"),
        ("cardinality", {"timeframe_min": 1, "cardinality_field": "a"}, "config: max_cardinality or min_cardinality"),
        ("blacklist", {"compare_key": "a", "blacklist": ["!file /etc/hosts"]}, "config.blacklist: lists in files"),
        ("new_term", {"fields": []}, "config.fields: is not a field or a list of fields"),
        ("percentage_match", {"max_percentage": 1, "percentage_format_string": "{:99999999d}"}, "is not a format"),
        ("nonsense", {}, "rule_type: 'nonsense' (accepted: any, blacklist"),
    ],
)
def test_a_wrong_configuration_is_told_with_its_key(rule_type: str, config: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as problem:
        run(rule_type, config)
    assert "case c: " in str(problem.value)
    assert told in str(problem.value)


def test_an_operation_that_a_type_does_not_know_is_told() -> None:
    with pytest.raises(UsageError, match=r"case c: operations\.1: any does not take the operation count"):
        run("any", {}, events(0), ["count", 1, 5])


def test_options_that_say_how_documents_are_fetched_change_nothing() -> None:
    config = {"num_events": 1, "timeframe": {"hours": 1}, "buffer_time": {"minutes": 5}, "realert": {"minutes": 1}}
    assert minutes(run("frequency", config, events(0, 1))) == [[0, 1]]
