"""The built files of the pages: styles, scripts, the mark; kept in memory, long cached."""

import json
from dataclasses import dataclass
from pathlib import Path

from starlette.responses import Response

FOLDER = Path(__file__).parents[2] / "static"
NOT_BUILT = "the pages are not built; run `make assets` and start the server again"

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class NotBuilt(Exception):
    """`make assets` was not run."""


@dataclass(frozen=True)
class Files:
    """Built files by their hashed names, each as it is, with gzip and with brotli."""

    names: dict[str, str]
    content: dict[str, dict[str, bytes]]

    def address(self, name: str) -> str:
        """Where a file is found; its name changes with its content."""
        return f"/static/{self.names[name]}"

    def serve(self, name: str, accepted: str) -> Response:
        """One file in the smallest form that the caller takes."""
        forms = self.content.get(name)
        if forms is None:
            return Response("there is no such file", 404, media_type="text/plain")
        taken = {part.partition(";")[0].strip() for part in accepted.split(",")}
        coding = next((coding for coding in ("br", "gzip") if coding in taken), "")
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable",
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
        }
        if coding:
            headers["Content-Encoding"] = coding
        return Response(forms[coding], headers=headers, media_type=TYPES[Path(name).suffix])


def read_files(folder: Path = FOLDER) -> Files:
    """Read what was built.

    Raises:
        NotBuilt: nothing was.
    """
    try:
        names: dict[str, str] = json.loads((folder / "manifest.json").read_text())
        content = {
            name: {
                "": (folder / name).read_bytes(),
                "gzip": (folder / f"{name}.gz").read_bytes(),
                "br": (folder / f"{name}.br").read_bytes(),
            }
            for name in names.values()
        }
    except FileNotFoundError:
        raise NotBuilt(NOT_BUILT) from None
    return Files(names, content)
