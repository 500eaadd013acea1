"""What a person sees: progress, reports and errors, as colours on a terminal and plain lines in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ondemand.prerendering.report import IN_PAGES

if TYPE_CHECKING:
    from ondemand.prerendering.build import Progress
    from ondemand.prerendering.messages import Hello
    from ondemand.prerendering.report import Finding, Place, Report, RouteReport
    from ondemand.prerendering.verify import Group, VerifyReport

__all__ = [
    "BuildProgress",
    "VerifyProgress",
    "annotated",
    "checked",
    "fail",
    "plan",
    "report",
    "routes",
    "say",
    "verified",
]

SHOWN = 20
"""Findings, and names in a list, that are printed; the JSON report has them all."""


def _console(*, stderr: bool = False) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    console = Console(stderr=stderr, highlight=False, soft_wrap=True)
    return console if stream.isatty() else Console(stderr=stderr, highlight=False, soft_wrap=True, color_system=None)


def say(message: str, style: str = "") -> None:
    """One line."""
    _console().print(_safe(message), style=style)


def facts(rows: Iterable[tuple[str, Sequence[str]]]) -> None:
    """Names, and the lines that belong to each: wrapped beside the name on a terminal, tabs in a pipe."""
    if not sys.stdout.isatty():
        for name, lines in rows:
            for line in lines:
                print(f"{name}\t{_printable(line)}")
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, lines in rows:
        for position, line in enumerate(lines):
            table.add_row("" if position else name, _safe(line))
    Console(highlight=False).print(table)


def fail(message: str) -> None:
    """Why a command could not run: one readable block, on stderr."""
    first, *rest = message.splitlines() or [""]
    console = _console(stderr=True)
    console.print(f"[bold red]error:[/] {_safe(first)}")
    for line in rest:
        console.print(_safe(line))


def _safe(text: str) -> str:
    """Text from pages and paths: no markup of ours, no escape sequences of theirs."""
    return escape(_printable(text))


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() or c == " " else repr(c)[1:-1] for c in text)


class BuildProgress:
    """Told by a build how far it is: a bar with the rate on a terminal, a line now and then in a pipe."""

    unit = "pages"

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._bar: Any = None
        self._task: Any = None
        self._told = 0.0

    def __enter__(self) -> Self:
        if not self._quiet and sys.stdout.isatty():
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

            self._bar = Progress(
                TextColumn("[bold]{task.fields[stage]}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}"),
                TimeElapsedColumn(),
                console=_console(),
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task("", total=None, rate="", stage="building")
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, progress: Progress) -> None:
        self._show(progress.stage, progress.visited, progress.found, progress.seconds)

    def _show(self, stage: str, done: int, total: int, seconds: float) -> None:
        rate = f"{done / seconds:,.0f} {self.unit}/s" if seconds > 0 else ""
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total, rate=rate, stage=stage)
        elif not self._quiet and seconds - self._told >= 5:
            self._told = seconds
            print(f"{stage}: {done} of {total} {self.unit}, {rate}", flush=True)


class VerifyProgress(BuildProgress):
    """The same, told by `verify`."""

    unit = "paths"

    def tell(self, so_far: VerifyReport) -> None:
        self._show("verifying", so_far.checked, so_far.total, so_far.seconds)


def _bytes(count: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def _many(count: int, one: str, more: str | None = None) -> str:
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def report(report: Report) -> None:
    """The end of a build."""
    console = _console()
    _findings(console, report)
    if report.failed:
        console.print(f"[bold red]Nothing was published:[/] {_many(report.faults, 'fault')}. What was live stays.")
        return
    static = f"{_many(report.pages, 'page')} and {_many(report.assets, 'file')}, {_bytes(report.bytes)}"
    console.print(f"[bold green]Published {report.generation}[/] in {report.seconds:.1f} s: {static}")
    console.print(f"  {_safe(report.dist)}")
    change = ", ".join(
        f"{len(paths):,} {name}"
        for name, paths in (("added", report.added), ("changed", report.changed), ("removed", report.removed))
    )
    console.print(f"  {change}; {_many(report.on_demand, 'linked path')} on demand")
    console.print(f"  {_proof(report)}")
    if report.slowest:
        slow = ", ".join(f"{path} {seconds * 1000:.0f} ms" for path, seconds in report.slowest[:3])
        console.print(f"  slowest: {_safe(slow)}")
    for name, paths in (("changed", report.changed), ("removed", report.removed)):
        if paths and len(paths) <= SHOWN:
            console.print(f"  {name}: {_safe(', '.join(paths))}")


def checked(report: Report) -> None:
    """The end of a check."""
    _findings(_console(), report)
    _sum(report)


def annotated(report: Report) -> None:
    """The end of a check, for GitHub: each new finding as a workflow command. Whole lines, whatever a page holds."""
    from ondemand.prerendering.annotations import annotate

    for line in annotate(report, Path.cwd()):
        print(line)
    _notes(_console(), report)
    _sum(report)


def _sum(report: Report) -> None:
    console, faults = _console(), report.faults
    word = f"[bold red]{_many(faults, 'fault')}[/]" if faults else "[bold green]No faults[/]"
    warnings = sum(not finding.known for finding in report.findings) - faults
    told = f", {_many(warnings, 'warning')}" if warnings else ""
    console.print(f"{word}{told} in {report.seconds:.1f} s: {_pages(report)}. Nothing was published.")
    console.print(f"  {_proof(report)}")


def _proof(report: Report) -> str:
    if not report.proven:
        return "proven: nothing"
    who = f", also as {_listed(report.identities)}" if report.identities else ""
    return f"proven: {_many(report.proven, 'page')}, rendered {report.renders:,} times{_safe(who)}"


def _pages(report: Report) -> str:
    return (
        f"{_many(report.pages, 'static page')}, {_many(report.assets, 'file')}, "
        f"{_many(report.on_demand, 'linked path')} on demand"
    )


def plan(report: Report) -> None:
    """What a build would change, one path a line: sign, path, why."""
    console = _console()
    if report.failed:
        checked(report)
        return
    for difference in report.differences:
        sign, colour = _SIGNS[difference.change]
        console.print(f"[{colour}]{sign}[/] {_safe(difference.path)}  [dim]{_safe(difference.why)}[/]")
    counts = ", ".join(f"{sum(d.change == name for d in report.differences):,} {name}" for name in _SIGNS)
    console.print(f"{counts}, {report.same:,} the same. Nothing was published.")


_SIGNS = {"added": ("+", "green"), "changed": ("~", "yellow"), "removed": ("-", "red")}


def _findings(console: Console, report: Report) -> None:
    findings = [finding for finding in report.findings if not finding.known]
    for finding in findings[:SHOWN]:
        colour = "red" if finding.policy == "fail" else "yellow"
        about = finding.path or finding.route
        word = "" if finding.policy == "fail" else " (warning)"
        console.print(f"[bold {colour}]{finding.kind}[/]{word}" + (f"  [bold]{_safe(about)}[/]" if about else ""))
        console.print(f"  {_safe(finding.message)}")
        for frame in finding.frames:
            console.print(f"    {_safe(frame)}")
        where = finding.source if finding.kind not in IN_PAGES and not finding.frames else ""
        if finding.route and (finding.route != about or where):
            console.print(f"  route: {_safe(finding.route + (f' ({where})' if where else ''))}")
        if finding.kind == "faulty-link":
            console.print(f"  at: {_safe(_listed([_place(place) for place in finding.places]))}")
        elif finding.referrers:
            console.print(f"  linked from: {_safe(_listed(_referrers(finding)))}")
        if finding.remedy:
            console.print(f"  [dim]{_safe(finding.remedy)}[/]")
    if len(findings) > SHOWN:
        console.print(f"... and {_many(len(findings) - SHOWN, 'more finding')}: --json FILE writes them all")
    _notes(console, report)


def _notes(console: Console, report: Report) -> None:
    """What is no finding, or none that is new."""
    if report.unchecked:
        links = [f"{url} ({why})" for url, why in report.unchecked]
        count = _many(len(links), "external link")
        console.print(f"[yellow]{count} could not be checked:[/] {_safe(_listed(links))}")
    if report.gone is not None:
        known = sum(finding.known for finding in report.findings)
        console.print(f"{_many(known, 'known finding')} (baseline)")
    if report.gone:
        gone = [" ".join(filter(None, (kind, about))) for kind, about, _ in report.gone]
        console.print(f"gone from the baseline: {_safe(_listed(gone))}. Write it anew with --json FILE.")


def _place(place: Place) -> str:
    return f"{place.path}:{place.line}" if place.line else place.path


def _referrers(finding: Finding) -> list[str]:
    """Everyone who links to it, the first with the line."""
    first = [_place(place) for place in finding.places[:SHOWN]]
    return [*first, *finding.referrers[len(first) :]]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def routes(found: Iterable[RouteReport], hello: Hello) -> None:
    """What is static, and why."""
    console = _console()
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("route", overflow="fold")
    table.add_column("rendered", no_wrap=True)
    table.add_column("pages", justify="right")
    table.add_column("why", overflow="fold")
    colours = {"static": "green", "auto": "green", "candidate": "cyan", "on demand": "yellow"}
    rows = [route for route in found if not route.why.startswith("one of the framework")]
    for route in rows:
        kind = "static?" if route.kind == "candidate" else route.kind
        pages = f"{route.pages:,}" if route.pages else ""
        table.add_row(_safe(route.pattern), f"[{colours[route.kind]}]{kind}[/]", pages, _safe(route.said))
    if sys.stdout.isatty():
        console.print(table)
    else:
        for route in rows:
            print(f"{_printable(route.pattern)}\t{route.kind}\t{route.pages}\t{_printable(route.said)}")
    if not hello.config["known"]:
        console.print(
            "The app does not show its routes: whatever `/` links to is visited. List them with routes=[...]."
        )
    if hello.skipped:
        console.print(f"[yellow]Snapshots skip[/] {_safe(', '.join(hello.skipped))}, which lies inside OnDemand.")
    for finding in hello.findings:
        if finding.kind != "skipped-middleware":
            console.print(f"[yellow]{finding.kind}[/]: {_safe(finding.message)} {_safe(finding.remedy)}")


def verified(report: VerifyReport, *, stopped: bool) -> None:
    """What a host lost: a table with a row for each thing, however many pages lost it."""
    console, groups = _console(), report.groups()
    if groups and sys.stdout.isatty():
        console.print(_lost(groups), soft_wrap=False)
    elif groups:
        for group in groups:
            loss = group.first
            cells = (loss.kind, loss.policy, str(group.count), loss.message, " ".join(group.examples), loss.remedy)
            print("\t".join(map(_printable, cells)))
    warned = sum(group.first.policy == "warn" for group in groups)
    faults = len(groups) - warned
    colour, outcome = ("red", f"{_many(faults, 'thing')} lost") if faults else ("green", "nothing lost")
    more = f", {_many(warned, 'warning')}" if warned else ""
    if stopped:
        console.print(f"Stopped after {report.checked:,} of {_many(report.total, 'path')}. So far:")
    checked = f"{_many(report.checked, 'path')} of generation {report.generation or '?'} in {report.seconds:.1f} s"
    console.print(f"[bold {colour}]{_safe(report.url)}: {outcome}{more}[/]  [dim]({checked})[/]")


def _lost(groups: Sequence[Group]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("lost", no_wrap=True)
    table.add_column("paths", justify="right", no_wrap=True)
    table.add_column("the host", overflow="fold", ratio=3)
    table.add_column("for example", overflow="fold", ratio=2)
    for group in groups:
        loss = group.first
        colour, word = ("red", "") if loss.policy == "fail" else ("yellow", "\n(warning)")
        more = f"\n[dim]and {group.count - len(group.examples):,} more[/]" if group.count > len(group.examples) else ""
        table.add_row(
            f"[{colour}]{loss.kind}[/]{word}",
            f"{group.count:,}",
            f"{_safe(loss.message)}\n[dim]{_safe(loss.remedy)}[/]",
            "\n".join(map(_safe, group.examples)) + more,
        )
    return table
