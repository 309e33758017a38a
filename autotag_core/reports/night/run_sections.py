"""Sections of the report about the run itself: experts, probabilities, failures, gates, seconds."""

from __future__ import annotations

from collections import Counter
from typing import Any

from autotag_core.reports.night import night_queries as sql
from autotag_core.reports.night.night_charts import calibration_chart, lines_chart, stacked_chart
from autotag_core.reports.night.night_in_short import ACCEPTED
from autotag_core.reports.night.night_report import NightReport
from autotag_core.reports.night.run_courses import ExpertWeight
from autotag_core.reports.page_parts import text_of
from autotag_core.reports.section_parts import duration, percent, section, table
from autotag_core.tables import EXPERT_WEIGHTS
from autotag_core.warehouse import RunRecord

_NUM_STAGES = 7
"""Stages with a colour of their own in the chart of seconds."""


def experts_section(report: NightReport, tables: sql.Tables) -> str:
    """Experts' weights and their course."""
    lead = (
        "How much each expert's vote counts: the share of checked GIFs for which it predicted a right tag. "
        "The lines show the last nights, once there are some."
    )
    now = [one for one in report.weights if one.run_id == report.run.run_id]
    rows = [
        [
            text_of(one.expert),
            f"{one.weight:.3f}",
            "" if one.low is None or one.high is None else f"{one.low:.3f} to {one.high:.3f}",
            f"{one.num_correct:,} of {one.num_evaluated:,} {text_of(one.evaluated_on or '')}",
        ]
        for one in now
    ]
    body = table(["expert", "#weight", "#95% interval", "right on"], rows) if rows else "<p>No weights.</p>"
    queries = {"weights": sql.weights_sql(tables)} if tables.has(EXPERT_WEIGHTS) else {}
    shown = {one.run_id for one in report.weights}
    if len(shown) > 1:
        body += _weights_chart(report.weights)
        runs = [sql.Tables(report.warehouse, run) for run in report.runs if run.run_id in shown]
        queries["their_course"] = sql.weights_course_sql(runs)
    return section("experts", "Experts", lead, body, **queries)


def _weights_chart(weights: list[ExpertWeight]) -> str:
    times = {one.run_id: one.finished for one in weights}
    by_place = {(one.expert, one.run_id): one.weight for one in weights}
    series = {
        expert: [by_place.get((expert, run_id)) for run_id in times]
        for expert in sorted({one.expert for one in weights})
    }
    return lines_chart("weights", "Weights of experts by night", list(times.values()), series, "weight")


def calibration_section(report: NightReport, tables: sql.Tables) -> str:
    """How far probabilities mean what they say."""
    found: dict[str, Any] = report.calibration
    bins = found.get("reliability") or []
    if found.get("ece") is None or not bins:
        why = found.get("reason") or "too few GIFs have tags by an editor"
        body = f"<p>This run has no probabilities: {text_of(str(why))}.</p>"
        return section("calibration", "Probabilities", "How far they mean what they say.", body)
    lead = (
        f"Of the tags that were called 70% likely, about 70% should be right. On average they are off by "
        f"{100 * found['ece']:.1f} points. Points below the line say too much, points above it too little."
    )
    rows = [
        [
            f"{100 * row['low']:.0f} to {100 * row['high']:.0f}%",
            f"{row['num']:,}",
            f"{100 * row['mean_probability']:.1f}%",
            f"{100 * row['share_right']:.1f}%",
        ]
        for row in bins
    ]
    chart = calibration_chart("calibration", "Said and true shares", bins)
    numbers = table(["called", "#tags", "#said", "#right"], rows)
    body = f'<div class="columns">{chart}{numbers}</div>'
    return section("calibration", "Probabilities", lead, body, calibration=sql.calibration_sql(tables))


def failures_section(report: NightReport, tables: sql.Tables) -> str:
    """Failures by reason, with examples."""
    lead = "Items that could not be done. They are left out. Where it can help, the next night tries again."
    rows = [
        [
            f"{text_of(one.reason)} <small>{text_of(one.stage)}</small>",
            f"{one.num:,}",
            "".join(
                f"<small><b>{text_of(gif_id or 'no gif_id')}</b> {text_of(message[:200])}</small>"
                for gif_id, message in one.examples
            ),
        ]
        for one in report.failures
    ]
    body = table(["reason", "#items", "for example"], rows) if rows else "<p>None.</p>"
    return section("failures", "Failures", lead, body, failures=sql.failures_sql(tables))


def gates_section(report: NightReport, tables: sql.Tables) -> str:
    """What the run had to reach to be published."""
    lead = "What a night must reach before anybody sees it, and what was seen."
    rows = [
        [text_of(gate), f'<span class="bad">{text_of(seen)}</span>' if seen.endswith(ACCEPTED) else text_of(seen)]
        for gate, seen in report.run.gates.items()
    ]
    body = table(["gate", "seen"], rows) if rows else "<p>No gate was noted.</p>"
    return section("gates", "Gates", lead, body, gates=sql.gates_sql(tables))


def stages_section(report: NightReport, tables: sql.Tables) -> str:
    """Seconds and rows by stage, and their course; what a thousand GIFs cost."""
    run = report.run
    total = sum(seconds for name, seconds in run.seconds.items() if ":" not in name)
    num = max(report.gifs.num, 1)
    lead = (
        f"The stages took {duration(total)} for {report.gifs.num:,} GIFs, {duration(1000 * total / num)} for a "
        "thousand. The chart shows the last nights; a night takes longer where more has changed."
    )
    rows = []
    order = sorted(run.seconds, key=lambda name: (-run.seconds.get(name.partition(":")[0], 0.0), name))
    for name in order:
        seconds = run.seconds[name]
        is_part = ":" in name
        shown = f"<small>{text_of(name.partition(':')[2])}, all tasks together</small>" if is_part else text_of(name)
        counts = [
            "" if is_part or name not in rows_of else f"{rows_of[name]:,}" for rows_of in (run.rows_in, run.rows_out)
        ]
        rows.append([shown, *counts, f"{seconds:.1f}", "" if is_part else percent(seconds, total)])
    body = table(["stage", "#rows in", "#rows out", "#seconds", "#share"], rows)
    if len(report.runs) > 1:
        body = _seconds_chart(report.runs) + body
    return section("stages", "Stages and cost", lead, body, stages=sql.stages_sql(tables))


def _seconds_chart(runs: list[RunRecord]) -> str:
    totals: Counter[str] = Counter()
    for run in runs:
        totals.update({name: seconds for name, seconds in run.seconds.items() if ":" not in name})
    main = [name for name, _ in totals.most_common(_NUM_STAGES)]
    series = {name: [run.seconds.get(name, 0.0) for run in runs] for name in main}
    if rest := set(totals) - set(main):
        series["others"] = [sum(run.seconds.get(name, 0.0) for name in rest) for run in runs]
    times = [run.finished for run in runs]
    return stacked_chart("seconds", "Seconds of stages by night", times, series, "seconds")
