"""The Python in the docs runs; README and the simulator's page have tests of their own.

Every block that is marked ```python is executed, page by page, in one namespace a page, against a simulator that has a
cluster `prod` with the service `store`, and the Fargate task definitions `web`, whose tasks run until they are stopped,
`batch`, `migrate` and `report`, whose tasks end by themselves. Those of `report` write lines. The commands of ECS Exec
have scripts, see COMMANDS. The sync and the async tabs of a page are blocks like others.
pytest runs the tests that a page defines like others. Blocks that are marked ```py are not executed.
"""

from __future__ import annotations

import ast
import re
import shlex
import signal
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import attrs
import pytest
from support.served_simulator import served_simulator

import ecskit
from ecskit.models import AwsVpcConfiguration, ContainerDefinition, LogConfiguration, NetworkConfiguration
from ecskit.tasks import ExecKind, TaskOutcome
from ecskit.testing import ExecScript, TaskScript

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted({*DOCS.glob("*.md")} - {DOCS / "simulator.md", DOCS / "coming-from-boto3.md"})
SOURCES = [
    path
    for folder in ("_exec", "_waits", "_transport", "_simulator/exec")
    for path in (Path(ecskit.__file__).parent / folder).glob("*.py")
]
"""Modules with the texts of ECS Exec."""
PAIR = re.compile(r"^::::\{grid\}.*?^::::$", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
DEFINITIONS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef)

LOGS = LogConfiguration(
    log_driver="awslogs",
    options={"awslogs-group": "/ecs/report", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "run"},
)
JOB = "./manage.py reindex > /tmp/reindex.log 2>&1; echo $? > /tmp/reindex.code"
COMMANDS: dict[str, str | ExecScript] = {
    "./manage.py check": "System check identified no issues.\n",
    "./manage.py migrate": ExecScript("The database is locked.\n", exit_code=1),
    "./manage.py migrate --plan": ExecScript([(0, "Planned operations:\n"), (2, "shop.0002_price\n")]),
    "./manage.py reindex": ExecScript("1000 of 50000\n", seconds=3600),
    "grep -c . users.txt | sort": "42\n",
    "sort": ExecScript.running(lambda _: _sort()),
    "tar -c media": ExecScript(b"media\0\xff\0"),
    "/app --version": "2.4.1\n",
    "cat VERSION": "2.4.1\n",
    "cat /tmp/reindex.code": "0\n",
    f"nohup sh -c {shlex.quote(JOB)} > /dev/null 2>&1 &": "",
}
NETWORK = NetworkConfiguration(awsvpc_configuration=AwsVpcConfiguration(subnets=["subnet-0a1b2c3d"]))


def _sort() -> Generator[Any, Any, int]:
    data = b""
    while piece := (yield None):
        data += piece
    yield b"".join(sorted(data.splitlines(keepends=True)))
    return 0


@contextmanager
def restored(number: signal.Signals) -> Generator[None, None, None]:
    """Restore the handler of a signal: a page may install one."""
    before = signal.getsignal(number)
    yield
    signal.signal(number, before)


@pytest.fixture
def ecs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ecskit.Client]:
    """A client of a simulator, which is also where clients go that are made without an endpoint. Time is virtual."""
    with served_simulator(monkeypatch) as simulator, restored(signal.SIGTERM):
        monkeypatch.chdir(tmp_path)  # some pages write files
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
        simulator.script("batch", TaskScript(run_time=120))
        simulator.script("migrate", TaskScript(run_time=5))
        for command, script in COMMANDS.items():
            simulator.script_exec(command, script)
        with ecskit.Client(region_name="us-east-1") as client:
            client.create_cluster(cluster_name="prod")
            simulator.script("report", TaskScript(run_time=20, logs=[(0, "begin"), (19, "end")]))
            for family in ("web", "batch", "migrate", "report"):
                client.register_task_definition(
                    family=family,
                    cpu="256",
                    memory="512",
                    network_mode="awsvpc",
                    requires_compatibilities=["FARGATE"],
                    execution_role_arn="arn:aws:iam::123456789012:role/ecsTaskExecutionRole",
                    container_definitions=[
                        ContainerDefinition(
                            name="app",
                            image="nginx:1.29",
                            log_configuration=LOGS if family in ("report", "web") else None,
                        )
                    ],
                )
            client.create_service(
                service_name="store",
                cluster="prod",
                task_definition="web",
                desired_count=2,
                launch_type="FARGATE",
                network_configuration=NETWORK,
            )
            yield client


def test_the_table_of_outcomes_has_every_field() -> None:
    """The fields and properties of `TaskOutcome`."""
    rows = re.findall(r"^\| `(\w+)` \| `", (DOCS / "outcomes.md").read_text("utf-8"), re.MULTILINE)
    properties = [name for name, value in vars(TaskOutcome).items() if isinstance(value, property)]
    assert sorted(rows) == sorted([*(field.name for field in attrs.fields(TaskOutcome)), *properties])


def parse(block: re.Match[str]) -> ast.Module:
    """Return the code of a block, with the line numbers of its page."""
    return ast.increment_lineno(ast.parse(block[1]), block.string.count("\n", 0, block.start(1)))


def run(code: ast.Module, page: Path, namespace: dict[str, Any]) -> dict[str, Any]:
    """Run code in the namespace, and return what it has assigned."""
    exec(compile(code, page, "exec"), namespace)
    names = [each.id for each in ast.walk(code) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)]
    return {name: namespace[name] for name in names if name in namespace}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_examples_of_a_page_run(page: Path, ecs: ecskit.Client) -> None:
    """Run the blocks one after the other."""
    namespace: dict[str, Any] = {"__name__": page.stem, "ecs": ecs, "network": NETWORK}
    for block in BLOCK.finditer(page.read_text("utf-8")):
        run(parse(block), page, namespace)


def defined_tests(page: Path) -> Iterator[tuple[str, Any]]:
    """Yield the tests of a page. They may use the functions of the page, which are not called here."""
    namespace: dict[str, Any] = {"__name__": __name__}
    for block in BLOCK.finditer(page.read_text("utf-8")):
        code = parse(block)
        definitions: list[ast.stmt] = [node for node in code.body if isinstance(node, DEFINITIONS)]
        names = [getattr(node, "name", "") for node in definitions]
        tests = [name for name in names if name.startswith("test_")]
        run(code if tests else ast.Module(definitions, []), page, namespace)
        yield from ((f"{name}_of_{page.stem}", namespace[name]) for name in tests)


for each in PAGES:
    globals().update(defined_tests(each))


@pytest.mark.usefixtures("ecs")
def test_old_and_new_code_assign_the_same() -> None:
    """The left blocks are one program and the right blocks another. Values of the same name are equal in each pair."""
    page = DOCS / "coming-from-boto3.md"
    text = page.read_text("utf-8")
    programs: tuple[dict[str, Any], dict[str, Any]] = ({"__name__": "old"}, {"__name__": "new"})
    compared: list[str] = []
    for pair in PAIR.finditer(text):
        old, new = [
            {name: value for name, value in run(parse(block), page, program).items() if is_plain(value)}
            for block, program in zip(BLOCK.finditer(text, *pair.span()), programs, strict=True)
        ]
        common = sorted(old.keys() & new.keys())
        assert [(name, old[name]) for name in common] == [(name, new[name]) for name in common]
        compared += common
    assert len(compared) > 20


def is_plain(value: object) -> bool:
    """Whether a value has the same type in both libraries."""
    if isinstance(value, (list, tuple)):
        return all(map(is_plain, value))
    if isinstance(value, dict):
        return all(map(is_plain, [*value.keys(), *value.values()]))
    return isinstance(value, (str, int, float, bool))


def test_the_refusals_of_ecs_exec_have_the_texts_of_ecskit() -> None:
    """What the table quotes, `...` aside, is in texts of the source, or of the answers of ECS as simulated."""
    texts = [text for path in SOURCES for text in texts_of(ast.parse(path.read_text("utf-8")))]
    table = (DOCS / "exec.md").read_text("utf-8").partition("| you see |")[2].partition("\n\n")[0]
    quoted = [
        quote
        for row in table.split("\n| ")[1:]
        for quote in re.findall(r"``(.+?)``|`([^`]+)`", row.partition(" | ")[0])
    ]
    assert len(quoted) > 20
    for quote in ("".join(each).strip() for each in quoted):
        if not hasattr(ecskit.errors, quote) and quote not in get_args(ExecKind):
            for part in quote.split("..."):
                assert any(part.strip() in text for text in texts), quote


def texts_of(code: ast.AST) -> Iterator[str]:
    """Yield the texts in code, without the values that f-strings put into them."""
    for node in ast.walk(code):
        if isinstance(node, ast.JoinedStr):
            yield "\0".join(str(each.value) for each in node.values if isinstance(each, ast.Constant))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")


def test_old_code_reports_what_to_write_instead(ecs: ecskit.Client) -> None:
    """Each line of the table raises an error with the message beside it."""
    rows = re.findall(r"^\| `(ecs.*)` \| (.*) \|$", (DOCS / "coming-from-boto3.md").read_text("utf-8"), re.MULTILINE)
    assert len(rows) > 5
    for code, message in rows:
        with pytest.raises((TypeError, AttributeError), match=re.escape(message)):
            eval(code, {"ecs": ecs})
