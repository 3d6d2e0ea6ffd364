"""Policies that come with the product, to start from, and how such files are read."""

from importlib.resources import files

from springtide.core.policy import PolicyError


def shipped(folder: str) -> dict[str, str]:
    """The TOML files of a folder of the product, by name, each with its text."""
    found = sorted((files("springtide") / folder).iterdir(), key=lambda file: file.name)
    return {file.name.removesuffix(".toml"): file.read_text() for file in found}


def story_of(text: str) -> str:
    """What a file that comes along says of itself, in the comments at its head."""
    return " ".join(line[2:] for line in text.splitlines() if line.startswith("# "))


def list_presets() -> dict[str, str]:
    """Names of the presets, each with the first sentence of what it is for."""
    return {
        name: story_of(text).split(". ")[0] + "." for name, text in shipped("presets").items()
    }


def read_preset(name: str) -> str:
    """The policy file of a preset.

    Raises:
        PolicyError: there is none of this name; the message lists those there are.
    """
    presets = shipped("presets")
    if name not in presets:
        raise PolicyError(f"no preset is named {name!r}; known are {', '.join(presets)}")
    return presets[name]
