"""What the READMEs say is so: commands, settings, names and links exist, and both languages say the same."""

import re
from pathlib import Path

import pytest
import yaml

from tests.browser import screenshots

ROOT = Path(__file__).resolve().parents[2]
ENGLISH, SPANISH = ROOT / "README.md", ROOT / "README.es.md"
READMES = pytest.mark.parametrize("readme", [ENGLISH, SPANISH], ids=lambda path: path.name)
PAGES = pytest.mark.parametrize("page", [ENGLISH, SPANISH, *sorted((ROOT / "docs").glob("*.md"))], ids=lambda p: p.name)
MAKEFILES = [
    ROOT / "Makefile",
    *(ROOT / "tests" / name / f"{name}.mk" for name in ("browser", "spark", "year")),
    ROOT / "docker" / "compose.mk",
]


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def code(page: Path) -> list[str]:
    """Every piece of inline code and every line of a code block."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text(page), re.DOTALL | re.MULTILINE)
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text(page), flags=re.DOTALL | re.MULTILINE))
    return [line for block in blocks for line in block.splitlines()] + inline


def make_targets() -> set[str]:
    return {target for file in MAKEFILES for target in re.findall(r"^([a-z][a-z-]*):", text(file), re.MULTILINE)}


def env_file() -> dict[str, str]:
    lines = text(ROOT / ".env").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def skeleton(page: Path) -> list[str]:
    """The page without its prose: levels of headings, cells of tables that are code, code blocks, links, images."""
    prose = re.compile(r"^(#+)|```.*?```|`[^`\n]+`|\]\([^)]+\)|^\|", re.DOTALL | re.MULTILINE)
    found = [match.group(1) or match.group(0) for match in prose.finditer(text(page))]
    return [re.sub(r'"[^"]*"', '"…"', piece) if piece.startswith("```mermaid") else piece for piece in found]


@PAGES
def test_every_make_target_named_in_a_page_exists(page):
    named = {target for piece in code(page) for target in re.findall(r"\bmake (?:-s )?([a-z][a-z-]*)", piece)}
    assert named <= make_targets()


def test_the_make_targets_of_a_first_day_are_in_the_readme():
    named = {target for piece in code(ENGLISH) for target in re.findall(r"\bmake (?:-s )?([a-z][a-z-]*)", piece)}
    assert named >= {"demo", "up", "airflow-init", "seed", "local-up", "local-down", "down", "test"}


def test_both_languages_have_the_same_structure_commands_and_links():
    pictures = {f"](docs/img/{name}.en.png)": f"](docs/img/{name}.es.png)" for name in screenshots.PAGES}
    swapped = {"](README.es.md)": "](README.md)", **pictures}
    english = [swapped.get(piece, piece) for piece in skeleton(ENGLISH)]
    assert sorted(english) == sorted(skeleton(SPANISH))
    assert [p for p in english if p.startswith(("#", "```"))] == [
        p for p in skeleton(SPANISH) if p.startswith(("#", "```"))
    ]


@READMES
def test_the_settings_table_shows_ten_settings_with_the_values_of_the_env_file(readme):
    rows = re.findall(r"^\| `([A-Z][A-Z0-9_]*)` \| (?:`([^`]*)`|\u2013) \|", text(readme), re.MULTILINE)
    assert len(rows) == 10
    assert set(rows) <= {(name, value.strip("'")) for name, value in env_file().items()}


def test_every_setting_of_the_env_file_is_below_a_comment():
    paragraphs = text(ROOT / ".env").strip().split("\n\n")
    assert [paragraph for paragraph in paragraphs if not paragraph.startswith("#")] == []


@READMES
def test_services_in_compose_commands_exist(readme):
    services = yaml.safe_load(text(ROOT / "docker" / "docker-compose.yml"))["services"]
    commands = [line for line in code(readme) if line.startswith("docker compose")]
    named = {name for line in commands for name in re.findall(r" (?:exec|up -d) ([a-z-]+)", line)}
    assert named == {"airflow-webserver", "streamlit"}
    assert named <= set(services)
    assert all("--env-file .env -f docker/docker-compose.yml" in line for line in commands)


@READMES
def test_the_table_of_dags_is_the_dags_folder(readme):
    rows = re.findall(r"^\| `((?:etl|churn)_\w+)` \| ([^|]+) \|", text(readme), re.MULTILINE)
    assert {name for name, _ in rows} == {path.stem for path in (ROOT / "airflow" / "dags").glob("*.py")}
    for name, when in rows:
        minute, hour, day, _, weekday = re.search(
            r'CronTriggerTimetable\("(.*?)"', text(ROOT / "airflow" / "dags" / f"{name}.py")
        )[1].split()
        if (day, weekday) != ("*", "*"):
            assert f"{int(hour):02}:{int(minute):02}" in when
        assert (weekday == "0") == ("unday" in when or "domingo" in when)
        assert (day == "1") == bool(re.search(r"\b1", when.split(",")[0]))


@READMES
def test_dag_runs_in_commands_name_dags_that_exist(readme):
    dags = {path.stem for path in (ROOT / "airflow" / "dags").glob("*.py")}
    named = {name for piece in code(readme) for name in re.findall(r"dags test (\w+) 2019-\d\d-\d\d", piece)}
    assert named == dags


@PAGES
def test_links_and_images_lead_somewhere(page):
    targets = re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", text(page))
    assert [target for target in targets if not (page.parent / target).exists()] == []


@READMES
def test_files_named_in_the_text_exist(readme):
    named = {piece for piece in code(readme) if re.fullmatch(r"[\w./-]+/[\w.-]+\.(?:py|sql|yml|md|ipynb)", piece)}
    assert len(named) >= 5
    assert [name for name in named if not (ROOT / name).exists()] == []


@READMES
def test_ports_of_the_addresses_are_the_env_files(readme):
    ports = set(re.findall(r"127\.0\.0\.1:(\d+)", text(readme)))
    expected = {value for name, value in env_file().items() if name.endswith("_PORT")} - {env_file()["MINIO_PORT"]}
    assert ports == expected


def test_env_file_names_only_variables_that_stand_above():
    """Compose takes another for empty."""
    above: set[str] = set()
    for name, value in env_file().items():
        assert set(re.findall(r"\$\{(\w+)", value)) <= above, name
        above.add(name)
