"""Forms that bring a file: fields of a multipart body, read by the language's own parser."""

from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP

KIND = "multipart/form-data"
MOST_UPLOAD = 2 * 1024 * 1024


def is_upload(content_type: str) -> bool:
    """Whether a body has parts."""
    return content_type.partition(";")[0].strip().lower() == KIND


def read_parts(content_type: str, body: bytes) -> dict[str, str]:
    """The fields of a form, files as the text they are; what cannot be read is left out."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    found: dict[str, str] = {}
    for part in message.iter_parts() if message.is_multipart() else ():
        assert isinstance(part, EmailMessage)
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            found.setdefault(name, content.decode("utf-8", "replace").strip())
    return found
