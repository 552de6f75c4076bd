"""docker-compose.yaml, checked without Docker: the file itself, and what it names in this repository and in Airflow."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from invoice_anomalies.paths import PROJECT

COMPOSE = (PROJECT / "docker-compose.yaml").read_text()
FILE: dict[str, Any] = yaml.safe_load(COMPOSE)
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
DOCKERFILE = (PROJECT / "Dockerfile").read_text()
EXAMPLE = (PROJECT / ".env.example").read_text()
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(:[-?][^}]*)?\}")
AIRFLOW = [name for name in SERVICES if name.startswith("airflow-") and name != "airflow-db"]

every_service = pytest.mark.parametrize("name", SERVICES)


def settings(text: str) -> dict[str, str]:
    return dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))


def one_shot(service: dict[str, Any]) -> bool:
    return service.get("restart") == "no"


def test_the_services_of_a_celery_deployment_are_there():
    commands = {SERVICES[name]["command"] for name in AIRFLOW if isinstance(SERVICES[name]["command"], str)}

    assert commands == {"api-server", "scheduler", "dag-processor", "triggerer", "celery worker"}
    assert {"airflow-init", "airflow-db", "invoices-db", "redis", "mail-catcher"} < set(SERVICES)


@every_service
def test_a_service_has_a_health_check_or_ends_by_itself(name: str):
    service = SERVICES[name]

    assert one_shot(service) != ("healthcheck" in service)


@every_service
def test_an_image_is_pinned_to_a_version(name: str):
    tag = SERVICES[name]["image"].rpartition(":")[2]

    assert re.search(r"\d+\.\d+\.\d+|\d+\.\d+-", tag), SERVICES[name]["image"]


def test_the_image_is_built_on_the_airflow_that_the_lock_pins():
    locked = re.search(r"^apache-airflow==(\S+)", (PROJECT / "requirements.txt").read_text(), re.MULTILINE)

    assert locked
    assert re.search(rf"^FROM apache/airflow:slim-{re.escape(locked[1])}-python3\.1[123]$", DOCKERFILE, re.MULTILINE)


@every_service
def test_no_service_runs_as_root_or_may_become_root(name: str):
    service = SERVICES[name]

    assert int(service["user"].partition(":")[0]) > 0
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]


@every_service
def test_a_service_waits_for_health_or_for_the_end_of_what_it_needs(name: str):
    for needed, how in SERVICES[name].get("depends_on", {}).items():
        expected = "service_completed_successfully" if one_shot(SERVICES[needed]) else "service_healthy"
        assert how == {"condition": expected}, needed


def test_every_variable_is_explained_in_the_example_and_every_one_there_is_used():
    used = {name for name, _ in VARIABLE.findall(COMPOSE)}

    assert used == set(settings(EXAMPLE)) - {"COMPOSE_PROJECT_NAME"}


def test_a_variable_is_demanded_with_a_message_or_has_a_default():
    for name, rest in VARIABLE.findall(COMPOSE):
        if re.search(r"PASSWORD|KEY|SECRET$", name):
            assert rest == f":?set {name} in .env, see .env.example"
        else:
            assert rest.startswith(":-"), name


def test_defaults_in_the_example_are_those_of_the_file():
    for name, rest in VARIABLE.findall(COMPOSE):
        if rest.startswith(":-"):
            assert settings(EXAMPLE)[name] in ("", rest[2:]), name


def test_no_secret_is_written_down():
    secret = re.compile(r"PASSWORD|SECRET|_KEY|AUTH$")
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if secret.search(name) and not name.endswith("PASSWORDS_FILE"):
                assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), name
            assert not re.search(r"://[^/\s]*:[^$/\s][^@\s]*@", str(value)), name
    for name, value in settings(EXAMPLE).items():
        assert not (value and secret.search(name)), name
    assert ".env" in (PROJECT / ".gitignore").read_text().split(), "git must ignore the file that holds the secrets"


@every_service
def test_every_mounted_path_exists_and_every_volume_is_declared(name: str):
    for mount in SERVICES[name].get("volumes", []):
        source = mount.partition(":")[0]
        if source.startswith("."):
            assert (PROJECT / source).exists(), mount
        else:
            assert source in FILE["volumes"], mount


def test_worker_and_the_others_share_landing_staging_and_models():
    for name in AIRFLOW:
        home = SERVICES[name]["environment"]["INVOICES_HOME"]
        assert f"invoices:{home}" in SERVICES[name]["volumes"], name


def test_the_image_makes_the_folders_that_volumes_are_mounted_on():
    """Else Docker makes them for root, and the user airflow may not write there."""
    made = re.search(r"^RUN mkdir -p (.+)$", DOCKERFILE, re.MULTILINE)
    assert made
    for name in AIRFLOW:
        for mount in SERVICES[name]["volumes"]:
            source, target, *_ = mount.split(":")
            if not source.startswith("."):
                assert any(folder == target or folder.startswith(f"{target}/") for folder in made[1].split()), mount


def test_what_the_dockerfile_copies_exists_and_reaches_the_build():
    allowed = set(re.findall(r"^!(\S+)$", (PROJECT / ".dockerignore").read_text(), re.MULTILINE))

    for source in re.findall(r"^COPY \S+ (\S+) \S+$", DOCKERFILE, re.MULTILINE):
        assert (PROJECT / source).exists(), source
        assert source in allowed


def test_paths_in_the_environment_are_those_of_the_image():
    environment = SERVICES["airflow-worker"]["environment"]

    for name in ("AIRFLOW__CORE__DAGS_FOLDER", "AIRFLOW__CORE__PLUGINS_FOLDER", "INVOICES_CONTRACT"):
        assert (PROJECT / environment[name].removeprefix("/opt/airflow/")).exists(), name
    image = dict(re.findall(r"^(?:ENV)? +([A-Z_]+)=(\S+)", DOCKERFILE, re.MULTILINE))
    assert image
    for name, value in image.items():
        assert environment[name] == value


@pytest.fixture(scope="module")
def airflow_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("airflow")


def commands() -> list[str]:
    """Every airflow command of the file: of services, of health checks, of the set-up script."""
    found = []
    for name in AIRFLOW:
        command = SERVICES[name]["command"]
        if isinstance(command, str):
            found.append(command)
        else:
            found += re.findall(r"^airflow (.+)$", command[-1], re.MULTILINE)
        check = SERVICES[name].get("healthcheck", {}).get("test", [])
        if check[1:2] == ["airflow"]:
            found.append(shlex.join(check[2:]))
    return found


def test_every_airflow_command_is_one(airflow_home: Path):
    """Asked of Airflow's own parser, in a process of its own because Airflow reads its settings on import."""
    program = (
        "import shlex, sys\n"
        "from airflow.cli.cli_parser import get_parser\n"
        "for command in sys.argv[1:]:\n"
        "    assert callable(get_parser().parse_args(shlex.split(command)).func), command\n"
    )
    assert len(commands()) == 8

    asked = in_airflow(airflow_home, program, *commands())

    assert asked.returncode == 0, asked.stderr[-2000:]


def test_every_setting_is_one_of_airflow(airflow_home: Path):
    program = (
        "import sys\n"
        "from airflow.configuration import conf\n"
        "sections = conf.configuration_description\n"
        "known = {(s, o) for s in sections for o in sections[s]['options']}\n"
        "known |= {('celery', o) for o in conf.getsection('celery') or {}}\n"
        "print([n for n in sys.argv[1:] if tuple(n[len('AIRFLOW__'):].lower().split('__', 1)) not in known])\n"
    )
    names = [name for name in SERVICES["airflow-worker"]["environment"] if name.startswith("AIRFLOW__")]

    asked = in_airflow(airflow_home, program, *names)

    assert asked.stdout.strip().splitlines()[-1:] == ["[]"], asked.stdout + asked.stderr[-2000:]


def test_the_connections_are_read_by_airflow_as_meant(airflow_home: Path):
    environment = SERVICES["airflow-worker"]["environment"]
    smtp = VARIABLE.fullmatch(environment["AIRFLOW_CONN_SMTP_DEFAULT"])
    assert smtp is not None
    uris = [
        re.sub(r"\$\{\w+:\?[^}]+\}", "s3cret", environment["AIRFLOW_CONN_INVOICES_DB"]),
        smtp[2].removeprefix(":-"),
    ]
    program = (
        "import sys\n"
        "from airflow.sdk.definitions.connection import Connection\n"
        "for uri in sys.argv[1:]:\n"
        "    c = Connection.from_uri(uri, conn_id='x')\n"
        "    extras = sorted(c.extra_dejson.items())\n"
        "    print('read', c.conn_type, c.host, c.port, c.login, c.password, c.schema, extras)\n"
    )

    asked = in_airflow(airflow_home, program, *uris)

    assert [line for line in asked.stdout.splitlines() if line.startswith("read")] == [
        "read postgres invoices-db 5432 invoices s3cret invoices []",
        "read smtp mail-catcher 1025 None None  [('disable_ssl', 'true'), ('disable_tls', 'true')]",
    ], asked.stderr[-2000:]


@pytest.mark.skipif(not shutil.which("docker-compose"), reason="docker-compose is not installed")
def test_docker_compose_accepts_the_file_and_names_a_missing_secret(tmp_path: Path):
    secrets = {name for name, rest in VARIABLE.findall(COMPOSE) if rest.startswith(":?")}

    def config(filled: set[str]) -> subprocess.CompletedProcess[str]:
        path = tmp_path / "env"
        path.write_text("".join(f"{name}=x\n" for name in filled))
        clean = {name: value for name, value in os.environ.items() if name not in settings(EXAMPLE)}
        command = ["docker-compose", "--env-file", str(path), "-f", "docker-compose.yaml", "config"]
        return subprocess.run(command, cwd=PROJECT, env=clean, capture_output=True, text=True, check=False, timeout=60)

    complete = config(secrets)
    assert complete.returncode == 0, complete.stderr
    assert set(yaml.safe_load(complete.stdout)["services"]) == set(SERVICES)
    for secret in sorted(secrets):
        incomplete = config(secrets - {secret})
        assert incomplete.returncode != 0
        assert f"set {secret} in .env, see .env.example" in incomplete.stderr


def in_airflow(home: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    environment |= {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "PYTHONPATH": str(PROJECT / "include"),
    }
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=environment,
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
