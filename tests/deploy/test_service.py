"""The systemd unit: what it starts, what it may do, and systemd's own opinion."""

import re
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

from data.config import ROOT
from tests.installed import needs
from tests.stops import longest_stop_s

UNIT = ROOT / "deploy" / "clipferry.service"


def unit() -> ConfigParser:
    parser = ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNIT)
    return parser


def test_it_starts_the_installed_program_in_its_state_folder():
    service = unit()["Service"]
    assert service["ExecStart"] == "/opt/clipferry/bin/clipferry run"
    assert service["WorkingDirectory"] == f"/var/lib/{service['StateDirectory']}"
    assert service["User"] == "clipferry"


def test_a_wrong_setting_does_not_start_it_again_and_a_stop_waits_for_requests():
    service = unit()["Service"]
    assert (service["Restart"], service["RestartPreventExitStatus"]) == ("on-failure", "2")
    assert int(service["TimeoutStopSec"]) > longest_stop_s()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("PrivateTmp", "yes"),
        ("PrivateDevices", "yes"),
        ("ProtectKernelModules", "yes"),
        ("RestrictNamespaces", "yes"),
        ("RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6"),
        ("RestrictSUIDSGID", "yes"),
        ("UMask", "0077"),
    ],
)
def test_it_has_no_more_rights_than_the_bot_needs(key: str, value: str):
    assert unit()["Service"][key] == value


@needs("systemd-analyze", "systemd", "that systemd knows every line of the unit")
def test_systemd_knows_every_line_and_finds_the_exposure_low(tmp_path: Path):
    """The program is not installed here, so a copy of the unit starts another one."""
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/opt/clipferry/bin/clipferry", "/bin/true"))
    assert analyze("verify", "--recursive-errors=no", str(copy)) == ""
    report = analyze("security", "--offline=true", "--no-pager", str(copy))
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", report)
    assert exposure
    assert float(exposure[1]) < 2.0, report


def analyze(*arguments: str) -> str:
    done = subprocess.run(
        ["systemd-analyze", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout.strip()
