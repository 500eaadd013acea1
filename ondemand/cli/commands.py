"""The commands, and what each exit code means."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ondemand import __version__
from ondemand.cli import printing
from ondemand.errors import AppImportError, BuildError, ConfigError, OnDemandError

if TYPE_CHECKING:
    from ondemand.prerendering.report import Report

__all__ = ["run"]

DONE, FAULTS, USAGE, NO_APP, STOPPED = 0, 1, 2, 3, 130


def run(arguments: list[str] | None) -> int:
    """Run `ondemand` with these arguments (None: the process's own)."""
    try:
        code: Any = cli.main(args=arguments, prog_name="ondemand", standalone_mode=False)
    except click.exceptions.Abort:
        printing.say("Stopped.")
        return STOPPED
    except click.ClickException as error:
        error.show()
        return USAGE
    except AppImportError as error:
        printing.fail(str(error))
        return NO_APP
    except ConfigError as error:
        printing.fail(str(error))
        return USAGE
    except OnDemandError as error:
        printing.fail(str(error))
        return FAULTS
    except BrokenPipeError:
        return FAULTS
    return code if isinstance(code, int) else DONE


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ondemand")
def cli() -> None:
    """Static pages from snapshots, the rest rendered on demand, for the ASGI app you already have.

    APP is module:attribute, such as main:app. Without it: `[tool.ondemand] app` in pyproject.toml, then
    `[tool.fastapi] entrypoint`, then main.py, app.py, api.py and the same in app/, then Django's asgi.py.
    """


_app = click.argument("app", required=False, metavar="[APP]")


def _target(app: str | None) -> str:
    from ondemand.prerendering.target import default_target

    return app or default_target(Path.cwd())


_json = click.option(
    "--json",
    "json_file",
    type=click.Path(dir_okay=False, allow_dash=True),
    help="Write the report as JSON; - is stdout.",
)


def _sample(context: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    if value is None or value == "all":
        return sys.maxsize if value else None
    if not (value.isascii() and value.isdigit()):
        raise click.BadParameter(f"{value!r} is neither a number nor 'all'.", context, parameter)
    return int(value)


def _building(command: Callable[..., Any]) -> Callable[..., Any]:
    """The arguments and options of every command that visits the site."""
    jobs = click.IntRange(1, 64)
    for option in (
        _json,
        click.option(
            "--sample",
            callback=_sample,
            metavar="N|all",
            help="Pages of each route that are proven to be the same for everyone.  [default: 3]",
        ),
        click.option("--strict", is_flag=True, help="Warnings are faults."),
        click.option("--jobs", "-j", type=jobs, default=1, show_default=True, help="Processes that hold the app."),
        _app,
    ):
        command = option(command)
    return command


def _build(app: str | None, *, json_file: str | None, show: Callable[[Report], None], **options: Any) -> int:
    """Build with these options; `show` prints what came of it."""
    from ondemand.prerendering.build import build as run_build

    with printing.BuildProgress(quiet=json_file == "-") as progress:
        try:
            report = run_build(_target(app), progress=progress, **options)
        except BuildError as error:
            report = error.report
        except KeyboardInterrupt:
            printing.say("Stopped. What was live stays.")
            return STOPPED
    _write_json(json_file, report.to_json())
    if json_file != "-":
        show(report)
    return FAULTS if report.failed else DONE


_baseline = click.option(
    "--baseline",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A report of --json: its findings are known and fail nothing.",
)


@cli.command()
@_building
@_baseline
@click.option("--max-compress", is_flag=True, help="Compress as small as possible; many times slower.")
def build(app: str | None, json_file: str | None, **options: Any) -> int:
    """Visit APP as a visitor would, prove its static pages, snapshot them and publish them in one step."""
    return _build(app, json_file=json_file, show=printing.report, **options)


@cli.command()
@_building
@_baseline
@click.option("--ask", is_flag=True, help="Ask once, with GET, for each linked path that is rendered on demand.")
@click.option("--external", is_flag=True, help="Ask other sites whether links lead anywhere there.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "github"]),
    default="text",
    show_default=True,
    help="github: findings as annotations of a workflow run.",
)
def check(app: str | None, json_file: str | None, external: bool, form: str, **options: Any) -> int:
    """Do all that a build of APP does, and publish nothing: what is wrong, and what each page would be."""
    asking = None
    if external:
        from ondemand.prerendering.external import Asking

        asking = Asking()
    show = printing.annotated if form == "github" else printing.checked
    return _build(app, json_file=json_file, show=show, publish=False, external=asking, **options)


@cli.command()
@_building
def plan(app: str | None, json_file: str | None, **options: Any) -> int:
    """Say which pages a build of APP would add, change and remove, and why. Publishes nothing."""
    return _build(app, json_file=json_file, show=printing.plan, publish=False, **options)


def _write_json(file: str | None, value: dict[str, Any]) -> None:
    if file is None:
        return
    text = json.dumps(value, ensure_ascii=False, indent=2) + "\n"
    if file == "-":
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--json {file} cannot be written ({error}). Name another file.") from error


@cli.command()
@_app
@_json
def routes(app: str | None, json_file: str | None) -> int:
    """List the routes of APP: which are static, which on demand, why, and how many pages the last build made."""
    from ondemand.prerendering.routes import read_routes

    hello, found = read_routes(_target(app))
    _write_json(
        json_file,
        {
            "ondemand": 1,
            "routes": [route.to_json() for route in found],
            "skipped_middleware": hello.skipped,
            "findings": [finding.to_json() for finding in hello.findings],
        },
    )
    if json_file != "-":
        printing.routes(found, hello)
    return DONE


@cli.command()
@click.argument("words", nargs=-1, required=True, metavar="[APP] URL")
@click.option(
    "--concurrency", "-c", type=click.IntRange(1, 256), default=8, show_default=True, help="Requests at once."
)
@click.option("--timeout", type=click.FloatRange(0.1), default=10.0, show_default=True, help="Seconds for one request.")
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="NAME: VALUE",
    help="Sent with each request, for what stands in front of the site; repeatable.",
)
@_json
def verify(
    words: tuple[str, ...], concurrency: int, timeout: float, headers: tuple[str, ...], json_file: str | None
) -> int:
    """Compare the live host at URL with what APP has published: what did the host lose?

    Asks for every snapshot, for an unknown path and, once each, for the routes that are rendered on demand. Exit code 0:
    nothing was lost (warnings are told); 1: the host differs.

    --json: one object: ondemand (1), url, generation, checked and total (paths), seconds, and findings, each with kind,
    policy ("fail", "warn"), route, path, message, remedy.
    """
    from ondemand.cli.verifying import run_verify

    if len(words) > 2:
        raise click.UsageError(f"verify takes [APP] URL, and was given {len(words)} words.")
    target, url = _target(words[0] if len(words) == 2 else None), words[len(words) - 1]
    quiet = json_file == "-"
    report, stopped = run_verify(target, url, concurrency=concurrency, timeout=timeout, headers=headers, quiet=quiet)
    _write_json(json_file, report.to_json())
    if not quiet:
        printing.verified(report, stopped=stopped)
    return STOPPED if stopped else FAULTS if report.failed else DONE


@cli.command()
@click.argument("app", required=False, metavar="[APP]")
@click.argument("path", required=False, metavar="PATH")
@_json
def why(app: str | None, path: str | None, json_file: str | None) -> int:
    """Explain what answers PATH, a path or a whole URL of the site, and why: snapshot or app, route, rule, guards, findings."""
    from ondemand.cli.why import say_why
    from ondemand.prerendering.why import why as find_out

    if path is None:
        app, path = None, app
    if path is None:
        raise click.UsageError("Missing argument 'PATH'.", click.get_current_context())
    found = find_out(_target(app), path)
    _write_json(json_file, found.to_json())
    if json_file != "-":
        say_why(found)
    return FAULTS if found.answer == "nothing" else DONE


def _serving(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")(command)
    port = click.IntRange(0, 65535)
    return click.option(
        "--port", "-p", type=port, default=8000, show_default=True, envvar="PORT", help="The port; 0 takes a free one."
    )(command)


@cli.command()
@_app
@_serving
def preview(app: str | None, host: str, port: int) -> int:
    """Serve APP with its published snapshots, as `uvicorn APP` would."""
    from ondemand.cli.serving import serve

    os.environ.setdefault("ONDEMAND_SNAPSHOTS", "1")  # also of an app in debug mode: they are what is to be seen
    return serve(_target(app), host=host, port=port)


@cli.command()
@_app
@_serving
def dev(app: str | None, host: str, port: int) -> int:
    """Serve APP while you work on it: without snapshots, in debug mode, anew when its code changes, with a page that says why."""
    from ondemand.cli.serving import develop

    return develop(_target(app), host=host, port=port)


@cli.command()
@click.argument("folder", required=False, default="bookshop", type=click.Path(file_okay=False, path_type=Path))
@_serving
@click.option("--build-only", is_flag=True, help="Make and build the site, but do not serve it.")
def demo(folder: Path, host: str, port: int, build_only: bool) -> int:
    """Make a small real site in FOLDER (default: bookshop), build it and serve it."""
    from ondemand.cli.serving import run_demo

    return run_demo(folder, host=host, port=port, build_only=build_only)


@cli.command()
@click.option(
    "--dist", type=click.Path(file_okay=False, path_type=Path), help="The folder; default: that of the project here."
)
@click.option("--to", metavar="NAME", help="The generation to publish; default: the one before the current one.")
def rollback(dist: Path | None, to: str | None) -> int:
    """Publish an earlier generation again. Running servers pick it up."""
    from ondemand.config import Config, read_project
    from ondemand.snapshots.store import Store

    if dist is None:
        here = Path.cwd()
        root = next((folder for folder in (here, *here.parents) if (folder / "pyproject.toml").is_file()), here)
        dist = Config.make(read_project(root), root=root).dist
    before, after = Store(dist).rollback(to)
    printing.say(f"Published {after} again (before: {before}) in {dist}.")
    return DONE
