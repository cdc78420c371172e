"""Fixtures shared by all modules, and the record of what the passed tests have covered."""

import fcntl
import json
import os

import pytest

from .gateway import ROOT, SHOP, SHORT_KEY, SUSPENDED, VECTOR_CLOCK, Gateway
from .lianhe_office import Office
from .receiver import Receiver
from .support import Proven

COVERAGE = ROOT / "target" / "coverage-e2e.json"
MODES = [("json", False), ("json", True), ("xml", False), ("xml", True)]


@pytest.fixture(scope="module", autouse=True)
def start_gateway(request, tmp_path_factory):
    """Starts gateways for one module. At its end every one still running has clean books and stops with exit code 0."""
    gateways, failed = [], request.session.testsfailed
    name = request.module.__name__.rsplit(".", 1)[-1]

    def start(clock=VECTOR_CLOCK, args=()):
        data = tmp_path_factory.mktemp("data")
        gateway = Gateway(data, f"{name}-{len(gateways) + 1}", clock, args)
        gateways.append(gateway)
        return gateway.start()

    yield start
    problems = []
    for gateway in gateways:
        if not gateway.running:
            continue
        for step in (gateway.verify, gateway.stop):
            try:
                step()
            except Exception as error:
                problems.append(f"{gateway.log}: {error!r}")
        if gateway.running:
            gateway.kill()
    if not problems and request.session.testsfailed == failed:
        for gateway in gateways:
            gateway.log.unlink(missing_ok=True)
    assert not problems, "\n".join(problems)


@pytest.fixture(scope="module")
def gw(request, start_gateway):
    """The module's gateway, frozen at the module's `CLOCK` (None: running)."""
    return start_gateway(getattr(request.module, "CLOCK", VECTOR_CLOCK))


@pytest.fixture(scope="module")
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="module")
def office(gw):
    """The people at the platform of the module's gateway."""
    return Office(gw)


@pytest.fixture
def p1(gw):
    return gw.client(SHOP)


@pytest.fixture
def p2(gw):
    return gw.client(SHORT_KEY)


@pytest.fixture
def p9(gw):
    return gw.client(SUSPENDED)


@pytest.fixture(params=MODES, ids=[f"{fmt}-{'3des' if cipher else 'clear'}" for fmt, cipher in MODES])
def shop(request, gw):
    """The sandbox shop in each format, clear and encrypted."""
    fmt, cipher = request.param
    return gw.client(SHOP, fmt, cipher)


# ---- coverage -----------------------------------------------------------------------------------------------------

_RESULTS = {}  # test name -> (passed, ids)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    Proven.ids = set()
    yield


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.when == "call" or report.failed or report.skipped:
        ids = {identifier for mark in item.iter_markers("interface") for identifier in mark.args}
        passed = report.passed and _RESULTS.get(item.nodeid, (True,))[0]
        _RESULTS[item.nodeid] = (passed, ids | Proven.ids)


def pytest_sessionfinish(session):
    """Merges into what earlier runs have recorded: a test that ran now counts as it ended now."""
    if not _RESULTS or session.config.option.collectonly:
        return
    COVERAGE.parent.mkdir(exist_ok=True)
    with (COVERAGE.parent / ".coverage-e2e.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            known = {name: set(tests) for name, tests in json.loads(COVERAGE.read_text()).items()}
        except (FileNotFoundError, ValueError):
            known = {}
        for tests in known.values():
            tests.difference_update(_RESULTS)
        for test, (passed, ids) in _RESULTS.items():
            for identifier in ids if passed else ():
                known.setdefault(identifier, set()).add(test)
        merged = {name: sorted(tests) for name, tests in sorted(known.items()) if tests}
        draft = COVERAGE.with_suffix(".tmp")
        draft.write_text(json.dumps(merged, indent=1) + "\n")
        os.replace(draft, COVERAGE)
