"""Policies that come with the product, to start from."""

from importlib.resources import files

from springtide.core.policy import PolicyError

_FOLDER = files("springtide") / "presets"


def list_presets() -> dict[str, str]:
    """Names of the presets, each with the first sentence of what it is for."""
    found = {}
    for file in sorted(_FOLDER.iterdir(), key=lambda file: file.name):
        comment = [line[2:] for line in file.read_text().splitlines() if line.startswith("# ")]
        found[file.name.removesuffix(".toml")] = " ".join(comment).split(". ")[0] + "."
    return found


def read_preset(name: str) -> str:
    """The policy file of a preset.

    Raises:
        PolicyError: there is none of this name; the message lists those there are.
    """
    presets = list_presets()
    if name not in presets:
        raise PolicyError(f"no preset is named {name!r}; known are {', '.join(presets)}")
    return (_FOLDER / f"{name}.toml").read_text()
