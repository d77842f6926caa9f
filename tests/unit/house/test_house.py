"""The house holds itself: layout, import directions, sizes. The rules are data; a new room is a new row."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import (
    FILES,
    FUNCTION_LINES_MAX,
    NEVER_TRACKED,
    PACKAGES,
    ROOT,
    SOURCES,
    TEST_SOURCES,
    TESTS,
    TOP_LEVEL,
    arrows,
    circle,
    crowded,
    defined_twice,
    functions,
    imports,
    loose,
    main,
    nodes,
    package_graph,
    statements,
    text,
    tree,
    verbs,
    wrong_import,
)


def test_the_top_level_is_what_the_blueprint_says() -> None:
    assert {name.split("/")[0] for name in FILES} == TOP_LEVEL
    assert {name.split("/")[1] for name in FILES if name.startswith("tests/") and name.count("/") > 1} == TESTS
    assert set(PACKAGES) <= {name.split("/")[0] for name in FILES}


def test_every_aiohttp_app_answers_its_errors_alike() -> None:
    """An app made, or listened for, elsewhere would answer with aiohttp's own texts, or its traceback."""
    made = re.compile(r"\bweb\.(Application\(|AppRunner\(|run_app\(|TCPSite\()")
    found = [name for name in SOURCES if made.search(text(name))]
    assert found == ["system/contract/web.py"]


def test_the_path_of_a_tap_is_written_in_one_place() -> None:
    assert [name for name in SOURCES if "/taps" in text(name)] == ["system/contract/routing.py"]


def test_a_number_that_somebody_wrote_is_read_strictly() -> None:
    """`isdigit` takes ², `int` takes `1_0`, and both take 5,000 digits: system/contract/numbers.py takes neither."""
    lax = re.compile(r"\.(isdigit|isdecimal|isnumeric)\(")
    # On bytes, where digits are ASCII alone, with a look at the length beside it.
    of_bytes = {"system/front/desk.py", "system/front/admission.py"}
    found = {name for name in SOURCES if lax.search(text(name))}
    assert found <= of_bytes


def test_nothing_that_a_run_makes_is_tracked() -> None:
    assert not [name for name in FILES if name.split("/")[0] in NEVER_TRACKED]


def test_imports_go_one_way() -> None:
    found = [
        f"{name}:{line}: {module}: {why}"
        for name in SOURCES
        for module, line in imports(name)
        if (why := wrong_import(name, module))
    ]
    assert not found, "\n".join(found)


def test_rooms_are_small() -> None:
    assert crowded() == {}
    assert {where: lines for name in SOURCES for where, lines in functions(name) if lines > FUNCTION_LINES_MAX} == {}


def test_a_module_says_what_it_owns() -> None:
    assert [name for name in SOURCES if (ROOT / name).stat().st_size and not ast.get_docstring(tree(name))] == []


def swallowed(name: str) -> Iterator[str]:
    """Handlers that hide every error."""
    for node in statements(name):
        if isinstance(node, ast.ExceptHandler):
            kind = "BaseException" if node.type is None else getattr(node.type, "id", "")
            if kind in ("Exception", "BaseException") and all(
                isinstance(s, ast.Pass | ast.Continue) for s in node.body
            ):
                yield f"{name}:{node.lineno}"


def test_no_error_is_swallowed() -> None:
    assert [where for name in SOURCES for where in swallowed(name)] == []


def test_nothing_is_left_for_later_and_no_machine_is_named() -> None:
    wrong = re.compile(r"\b(TO" r"DO|FIX" r"ME)\b|(?<![\w.])/(ro" r"ot|home)/\w")
    texts = [
        name
        for name in FILES
        if Path(name).suffix in {".py", ".md", ".toml", ".yaml", ".yml", ".sql", ".html", ".js", ""}
    ]
    found = [
        f"{name}:{k}: {line.strip()[:80]}"
        for name in texts
        if wrong.search(text(name))
        for k, line in enumerate(text(name).splitlines(), 1)
        if wrong.search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("name", "module", "may"),
    [
        pytest.param("harness/x.py", "plans.models", True, id="the harness reads plans"),
        pytest.param("harness/x.py", "chaos.drill", False, id="the harness does not know chaos"),
        pytest.param("xiu/commands/drill.py", "chaos.drill", True, id="a word may"),
        pytest.param("plans/models/x.py", "harness.errors", False, id="plans stand below the harness"),
        pytest.param("system/front/x.py", "plans.models", False, id="the system knows nobody"),
        pytest.param("harness/x.py", "system.ledger.access", False, id="the system shows its contract alone"),
        pytest.param("harness/x.py", "system.contract.ids", True, id="the contract is shown"),
        pytest.param("system/front/x.py", "system.credit.post", False, id="front and credit are strangers"),
        pytest.param("system/credit/x.py", "system.ledger.access", True, id="credit stands on the ledger"),
        pytest.param("system/winlog/x.py", "system.ledger.access", False, id="the win log does not"),
        pytest.param("harness/engine/x.py", "locust.env", False, id="locust has a process of its own"),
        pytest.param("harness/journeys/x.py", "locust.env", True, id="in journeys it is at home"),
    ],
)
def test_the_rules_themselves(name: str, module: str, may: bool) -> None:
    assert (wrong_import(name, module) is None) is may


STARTS = {"run", "Popen", "call", "check_call", "check_output", "getoutput", "getstatusoutput"}
STARTS_ELSEWHERE = {"create_subprocess_exec", "create_subprocess_shell", "system", "popen", "posix_spawn", "spawnv"}
# The one place that says what children inherit; what the set-up calls (pip, apt, go) has the user's settings.
MAY_PASS_ON_THE_ENVIRONMENT = re.compile(r"^(harness/children\.py|setup/)")


STARTS_ONE = re.compile(rf"subprocess|\b(os|asyncio)\s*\.\s*({'|'.join(STARTS_ELSEWHERE)})\b")


def started_without_environment(name: str) -> Iterator[str]:
    """Calls that start a process with whatever environment this one happens to have."""
    for node in nodes(name) if STARTS_ONE.search(text(name)) else ():
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        owner = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
        starts = (owner == "subprocess" and node.func.attr in STARTS) or (owner in ("os", "asyncio") and (
            node.func.attr in STARTS_ELSEWHERE
        ))  # fmt: skip
        if starts and not {"env"} & {keyword.arg for keyword in node.keywords}:
            yield f"{name}:{node.lineno}: says no env="
        if starts and {"text", "universal_newlines"} & {keyword.arg for keyword in node.keywords}:
            yield f"{name}:{node.lineno}: text without an encoding: the locale decides how it is read"


WHOLE = re.compile(
    r"\*\*os\.environ|os\.environ \||\| os\.environ|dict\(os\.environ|environ\.(copy|items)|env=os\.environ"
)


def passed_on(name: str) -> Iterator[str]:
    """Lines that hand the whole environment to somebody."""
    for number, line in enumerate(text(name).splitlines() if WHOLE.search(text(name)) else (), 1):
        if WHOLE.search(line):
            yield f"{name}:{number}: passes the whole environment on"


def test_yaml_is_read_in_one_place() -> None:
    own = re.compile(r"^plans/models/(scalars|document)\.py$")
    loads = re.compile(r"yaml\.(safe_|full_|unsafe_)?load(_all)?\(|SafeLoader")
    found = [name for name in SOURCES if not own.match(name) and loads.search(text(name))]
    assert found == [], "use plans.models.scalars.load: YAML 1.1 reads 010 as 8 and no as false"


def test_children_get_their_environment_from_one_place() -> None:
    sources = [name for name in SOURCES if not MAY_PASS_ON_THE_ENVIRONMENT.match(name)]
    assert [line for name in sources for line in (*started_without_environment(name), *passed_on(name))] == []


def test_no_module_stands_in_a_circle() -> None:
    assert circle(arrows()) == []
    assert circle(package_graph()) == []


def test_a_circle_is_found() -> None:
    assert circle({"a": ["b"], "b": ["c"], "c": ["a"]}) != []


def test_nothing_stands_beside_the_room_that_is_its_own() -> None:
    assert loose() == []


def test_a_class_name_means_one_thing() -> None:
    assert defined_twice() == {}


def test_types_are_nouns() -> None:
    assert verbs() == []


def test_the_page_of_the_house_says_that_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main() == 0
    out = capsys.readouterr().out
    assert all(f"\n{package} " in f"\n{out}" for package in PACKAGES)


UNIT_TESTS = [name for name in TEST_SOURCES if name.startswith("tests/unit/") and "/house/" not in name]


def room_of(test: str) -> str:
    """The folder that a unit test's own folder stands for."""
    return str(Path(test).parent.relative_to("tests/unit"))


def reached(test: str) -> set[str]:
    """Dotted names of what a test imports, by itself or through a helper of `tests/support`."""
    named = {dotted for dotted, _ in imports(test)}
    helpers = {f"{dotted.rpartition('.')[0].replace('.', '/')}.py" for dotted in named}
    return named.union(*({dotted for dotted, _ in imports(name)} for name in helpers & {*TEST_SOURCES}))


def is_about_its_room(test: str) -> bool:
    """Imports the room, or a helper that does; a word of `xiu` is typed."""
    room = room_of(test).replace("/", ".")
    if room == "xiu.commands" and types_words(test):
        return True
    return any(dotted.startswith(f"{room}.") for dotted in reached(test))


def types_words(test: str) -> bool:
    """Calls the command: through `main`, or by the fixture."""
    defined = [node for node in statements(test) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    arguments = {arg.arg for node in defined for arg in node.args.args}
    return "xiu" in arguments or any(dotted.startswith("xiu.cli.") for dotted, _ in imports(test))


def test_unit_tests_mirror_the_packages() -> None:
    """Each folder is a package's, and each test in it is about a module of that package."""
    rooms = {str(Path(name).parent) for name in SOURCES}
    assert {room_of(name) for name in UNIT_TESTS} - rooms - {"."} == set()
    strangers = [name for name in UNIT_TESTS if Path(name).name.startswith("test_") and not is_about_its_room(name)]
    assert strangers == []


HELP = re.compile(r"^tests\.(support(\.|$)|house\.)")
"""What a test may import of the tests: helpers, and the rules of the house."""


def test_tests_share_through_support_alone() -> None:
    """Beside `tests/support`, each file is a test or a conftest, and nobody imports those."""
    shared = ("tests/support/", "tests/house.py")
    alone = [name for name in TEST_SOURCES if not name.startswith(shared)]
    strangers = [name for name in alone if not re.search(r"/(test_\w+|conftest|__init__)\.py$", name)]
    assert strangers == [], "belongs into tests/support"
    found = [
        f"{name}:{line}: {dotted}"
        for name in TEST_SOURCES
        for dotted, line in imports(name)
        if dotted.startswith("tests.") and not HELP.match(dotted)
    ]
    assert found == [], "what two tests share belongs into tests/support"


RIM = {"harness/report/words.py", "harness/watch/live.py"}
"""Where words are made for readers."""


def test_an_events_sentence_is_read_where_words_are_made_alone() -> None:
    """Others read its kind and its data; that each has both is a matter of types: `tell` takes a `Sentence`."""
    found = [
        f"{name}:{node.lineno}"
        for name in SOURCES
        if name not in RIM and ".text" in text(name)
        for node in nodes(name)
        if isinstance(node, ast.Attribute)
        and node.attr == "text"
        and ast.unparse(node.value).endswith(("event", "events[-1]"))
    ]
    assert found == []
