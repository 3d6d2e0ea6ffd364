"""What is built by npm: pinned by a lock that anybody's registry can serve."""

import json
from pathlib import Path

ASSETS = Path(__file__).parents[2] / "src" / "springtide" / "web" / "assets"
TEMPLATES = ASSETS.parent / "templates"


def test_the_lock_pins_everything_and_names_no_host_of_ours() -> None:
    lock = json.loads((ASSETS / "package-lock.json").read_text())
    wanted = json.loads((ASSETS / "package.json").read_text())
    for version in (wanted["dependencies"] | wanted["devDependencies"]).values():
        assert version[0].isdigit(), version
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert len(packages) > 10
    for name, package in packages.items():
        assert package.get("inBundle") or package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, f"{name} names a host"


def test_the_lock_has_the_parts_for_every_machine() -> None:
    """Without them `npm ci` refuses, though `npm install` wrote the lock."""
    packages = json.loads((ASSETS / "package-lock.json").read_text())["packages"]
    wanted = [name for one in packages.values() for name in one.get("optionalDependencies", ())]
    assert len(wanted) > 10
    for name in wanted:
        assert f"node_modules/{name}" in packages, f"{name} is not in the registry: pin another"


def test_templates_fit_on_one_screen() -> None:
    for template in TEMPLATES.rglob("*.html"):
        assert len(template.read_text().splitlines()) <= 80, template.name
