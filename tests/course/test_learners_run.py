"""What the learner reads: one line a step, the first thing to fix, never our plumbing."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.course.conftest import TEST_1, TEST_2, TESTS

PLUMBING = ("Traceback", "site-packages", "src/grading", "conftest.py", "INTERNALERROR", "pluggy")


def assert_no_plumbing(output):
    assert [word for word in PLUMBING if word in output] == []


def test_untouched_stub_is_red_with_one_line_a_step_and_says_it_is_meant_to_be(toy):
    run = toy.run()
    assert run.returncode == 1
    assert run.outcomes == {1: "not_started", 2: "not_started"}
    assert "step 1  double it" in run.output
    assert "step 2  take one  (stretch)" in run.output
    assert "the first run is meant to fail" in run.output
    assert_no_plumbing(run.output)


def test_solved_core_is_green_while_the_stretch_is_not_started(toy):
    toy.body("return 2 * n")
    run = toy.run()
    assert run.returncode == 0
    assert run.report["passed"] is True
    assert run.outcomes == {1: "passed", 2: "not_started"}
    assert "passed: toy" in run.output


def test_stretch_that_was_begun_and_fails_is_red_and_does_not_take_the_pass_away(toy):
    toy.body("return 2 * n", 'return await redis.rpop("ready")')
    run = toy.run()
    assert run.returncode == 1
    assert run.report["passed"] is True
    assert run.outcomes == {1: "passed", 2: "failed"}


def test_everything_solved_is_green(toy):
    toy.body("return 2 * n", 'return await redis.lpop("ready")')
    run = toy.run()
    assert run.returncode == 0
    assert run.outcomes == {1: "passed", 2: "passed"}


def test_wrong_answer_shows_called_got_expected_and_cost(toy):
    toy.body("return n + 2")
    run = toy.run()
    for text in ("called    double(3)", "got       5", "expected  6", "costs     half the money is gone"):
        assert text in run.output
    assert "assert 5 == 6" not in run.output
    assert_no_plumbing(run.output)


def test_exception_shows_the_learners_line_and_what_was_expected(toy):
    toy.body("return n / 0")
    run = toy.run()
    for text in (
        "called    got = double(3)",
        "got       ZeroDivisionError: division by zero",
        "expected  no exception",
        "rule      Three doubled is six.",
        "at        exercises/toy/toy.py:9   return n / 0",
    ):
        assert text in run.output
    assert "half the money is gone" not in run.output  # the check that has seen this was not reached
    assert_no_plumbing(run.output)


def test_failing_schedule_names_its_seed_and_that_seed_alone_can_be_run_again(toy):
    toy.change(TEST_2, 'rpush("ready", "a", "b")', 'rpush("ready", *("a" if seed != 3 else "b"))')
    toy.body("return 2 * n", 'return await redis.lpop("ready")')
    lines = toy.run().output.splitlines()
    again = lines.index("  seed      3; to repeat exactly this run:") + 1
    assert lines[again].strip() == f"REDRIVE_SEED=3 .venv/bin/pytest {TEST_2}"
    assert toy.run(REDRIVE_SEED="2").outcomes[2] == "passed"
    assert toy.run(REDRIVE_SEED="3").outcomes[2] == "failed"


def test_a_failure_fits_on_twenty_lines_of_a_hundred_columns(toy):
    toy.change(TEST_2, 'called="await take(redis)"', f'called="{"a long call, " * 15}"')
    takes = "for _ in range(20):\n    await redis.lrange('ready', 0, -1)\nreturn b'x'"
    toy.body("return 2 * n", takes)
    lines = toy.run().output.splitlines()
    assert "trace" in "".join(lines)
    assert len(lines) <= 20
    assert max(map(len, lines)) <= 100


def test_trace_shows_command_reply_function_and_line(toy):
    toy.body("return 2 * n", 'await redis.lrange("ready", 0, -1)\nreturn await redis.rpop("ready")')
    run = toy.run()
    did = "LRANGE ready 0 -1 → [b'a', b'b'], RPOP ready → b'b'"
    assert f"trace     worker  take() :14  {did}" in run.output
    assert run.report["steps"][1]["tests"][0]["trace"] == [
        {"who": "worker", "call": "take()", "line": 14, "did": did, "note": ""}
    ]


def test_wrong_answer_names_the_function_and_its_line(toy):
    toy.body("return n + 2")
    assert "in        double(), exercises/toy/toy.py:7" in toy.run().output


def test_other_steps_that_fail_at_the_same_place_are_said_to_be_the_same_mistake(toy):
    toy.body("return n / 0", "return double(1)")
    run = toy.run()
    assert run.outcomes == {1: "failed", 2: "failed"}
    assert "Step 2 fails at the same place (line 9): probably the same mistake." in run.output


def test_sweep_starts_at_another_seed(toy):
    toy.change(
        TEST_2,
        "    got = await take(redis)",
        "    print('seed', seed)\n    got = await take(redis)",
    )
    toy.body("return 2 * n", "return b'a'")
    output = toy.run("exercises/toy", "-s", REDRIVE_SEEDS_FROM="1001").output
    assert [line.rpartition("seed ")[2] for line in output.splitlines() if "seed " in line] == [
        "1001",
        "1002",
        "1003",
        "1004",
        "1005",
    ]


def test_endless_loop_is_ended_with_the_line(toy):
    toy.body("while True:\n    n += 1")
    run = toy.run()
    assert "still running after 1 real seconds" in run.output
    assert "at        exercises/toy/toy.py:" in run.output
    assert run.outcomes == {1: "failed", 2: "not_started"}
    assert_no_plumbing(run.output)


def test_endless_loop_that_swallows_every_exception_still_ends_with_a_report(toy):
    toy.body("while True:\n    try:\n        while True:\n            n += 1\n    except:\n        continue")
    run = toy.run(REDRIVE_TEST_LIMIT_S="0.3")
    assert run.returncode == 1
    assert "swallows every exception" in run.output
    assert run.outcomes[1] == "failed"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("def f(:", "exercises/toy/toy.py:1 is not valid Python"),
        ("import nothing_of_that_name", "exercises/toy/toy.py:1 raised ModuleNotFoundError"),
        ("1 / 0", "exercises/toy/toy.py:1 raised ZeroDivisionError"),
        ("raise SystemExit(3)", "exercises/toy/toy.py:1 raised SystemExit"),
        ("while True: pass", "importing exercises/toy/toy.py did not end, it stood at line 1"),
    ],
)
def test_file_that_cannot_be_imported_is_one_sentence_and_no_step_could_start(toy, line, told):
    toy.write("exercises/toy/toy.py", line + "\n")
    run = toy.run()
    assert run.returncode == 1
    assert told in run.output
    assert run.output.count("could not start") == 2
    assert run.outcomes == {1: "failed", 2: "failed"}
    assert_no_plumbing(run.output)


def test_deleted_function_is_named_with_the_way_back(toy):
    toy.change("exercises/toy/toy.py", "def double", "def doubled")
    output = toy.run().output
    assert "exercises/toy/toy.py has no `double`" in output
    assert "journal reset toy" in output


def test_forgotten_await_is_noted(toy):
    toy.body("return 2 * n", "asyncio.sleep(1)\nreturn b'x'")
    run = toy.run()
    assert "note      coroutine 'sleep' was never awaited" in run.output


def test_warning_in_right_code_does_not_fail_it(toy):
    toy.body("import warnings\nwarnings.warn('old', DeprecationWarning)\nwarnings.warn('mine')\nreturn 2 * n")
    run = toy.run()
    assert run.returncode == 0
    assert "warning" not in run.output


def test_what_the_learner_prints_is_shown_with_the_failure(toy):
    toy.body('print("n is", n)\nreturn n')
    assert "printed   n is 3" in toy.run().output


def test_part_of_an_exercise_shows_the_rest_as_not_run(toy):
    toy.body("return 2 * n")
    run = toy.run("exercises/toy", "-k", "doubled")
    assert run.outcomes == {1: "passed", 2: "not_run"}
    assert "not run this time" in run.output


def test_file_of_one_step_is_graded_alone(toy):
    toy.body("return 2 * n", 'return await redis.lpop("ready")')
    assert toy.run(TEST_1).outcomes == {1: "passed", 2: "not_run"}
    assert toy.run(TEST_2).outcomes == {1: "not_run", 2: "passed"}


@pytest.mark.parametrize("where", [".", "exercises", "exercises/toy"])
def test_it_runs_from_any_folder_of_the_journal(toy, where):
    toy.body("return 2 * n")
    path = os.path.relpath(toy.root / "exercises" / "toy", toy.root / where)
    assert toy.run(path, cwd=toy.root / where).outcomes[1] == "passed"


def test_two_exercises_are_reported_side_by_side_though_one_cannot_be_imported(toy):
    shutil.copytree(toy.root / "exercises/toy", toy.root / "exercises/toy2")
    (toy.root / "exercises/toy2/toy.py").rename(toy.root / "exercises/toy2/toy2.py")
    for path in (TEST_1, TEST_2):
        toy.change(path.replace("toy/", "toy2/"), "exercises.toy.toy", "exercises.toy2.toy2")
    toy.write("exercises/toy2/toy2.py", "nonsense(")
    toy.body("return 2 * n")
    run = toy.run("exercises")
    slugs = {one["slug"]: one["passed"] for one in run.report["exercises"]}
    assert slugs == {"toy": True, "toy2": False}


def test_exercises_with_files_of_one_name_keep_apart_and_what_given_asserts_is_shown(toy):
    toy.write("exercises/toy/given.py", "WANTED = 6\n\n\ndef check(got):\n    assert got == WANTED\n")
    toy.change(TEST_1, "from grading", "from exercises.toy.given import check\nfrom grading")
    toy.change(TEST_1, "    got = double(3)\n", "    got = double(3)\n    check(got)\n")
    toy.body("return 2 * n")
    shutil.copytree(toy.root / "exercises/toy", toy.root / "exercises/toy2")
    (toy.root / "exercises/toy2/toy.py").rename(toy.root / "exercises/toy2/toy2.py")
    for path in (TEST_1, TEST_2):
        text = (toy.root / path).read_text(encoding="utf-8")
        toy.write(
            path.replace("toy/", "toy2/"),
            text.replace("exercises.toy.toy", "exercises.toy2.toy2").replace("toy.given", "toy2.given"),
        )
    toy.change("exercises/toy2/given.py", "6", "8")
    run = toy.run("exercises")
    assert {one["slug"]: one["steps"][0]["outcome"] for one in run.report["exercises"]} == {
        "toy": "passed",
        "toy2": "failed",
    }
    assert "assert 6 == 8" in run.output


def test_module_from_elsewhere_is_noticed(toy, tmp_path):
    other = tmp_path / "elsewhere" / "exercises" / "toy"
    other.mkdir(parents=True)
    shutil.copy2(toy.root / "exercises/toy/toy.py", other / "toy.py")
    detour = f"import exercises\n\nexercises.__path__ = [{str(other.parent)!r}, *exercises.__path__]\n"
    toy.write(TEST_1, detour + TESTS[TEST_1])
    run = toy.run()
    assert run.returncode == 1
    assert "the tests imported" in run.output


def test_pytest_without_redis_says_which_pytest_to_use(toy):
    hide = "lambda name, *more: None if name == 'fakeredis' else real(name, *more)"
    lines = ["import importlib.util as util", "real = util.find_spec", f"util.find_spec = {hide}", ""]
    block = toy.write("block/sitecustomize.py", "\n".join(lines))
    run = toy.run(PYTHONPATH=str(block.parent))
    assert run.returncode == 4
    assert "it has no fakeredis. Use the project's own, `.venv/bin/pytest" in run.output
    assert_no_plumbing(run.output.replace("exercises/conftest.py", ""))


def test_run_without_the_journal_package_works_and_records_nothing(toy):
    block = toy.write("block/sitecustomize.py", "import sys\nsys.modules['journal'] = None\n")
    toy.body("return 2 * n")
    # Where it is not installed, pytest finds no plugin of its either.
    run = toy.run(PYTHONPATH=str(block.parent), PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", REDRIVE_NO_HISTORY="")
    assert run.returncode == 0
    assert not (toy.root / ".redrive").exists()


def test_whole_exercise_grades_within_three_empty_pytest_starts(toy):
    toy.write("exercises/empty/test_empty.py", "def test_nothing():\n    pass\n")
    toy.body("return 2 * n", 'return await redis.lpop("ready")')

    def cpu_s(path):
        before = os.times()
        subprocess.run([sys.executable, "-m", "pytest", path], cwd=toy.root, check=True, capture_output=True)
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    empty = min(cpu_s("exercises/empty") for _ in range(3))
    assert min(cpu_s("exercises/toy") for _ in range(3)) < 3 * empty
